// Promise: leaves with what proves them against the newest checkpoint of their epoch, in the form that the offline verifier takes.
#pragma once

#include "gateway/store/store.hpp"
#include "receipts/verify/receipt_file.hpp"

namespace web {

// Blocks: tiles are read, a checkpoint may be published.
base::Result<std::vector<receipts::Receipt>> prove_all(store::Store& store, const std::vector<store::StoredLeaf>& leaves);

}  // namespace web
