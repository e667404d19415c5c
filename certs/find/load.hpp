// Reads the key directory into a snapshot; inside certs/find only.
#pragma once

#include "certs/find/key_store.hpp"

namespace certs {

base::Result<SnapshotPtr> load_snapshot(const std::filesystem::path& directory, const OpenPgpKeys* openpgp);

}  // namespace certs
