// The disclosures of one leaf as bytes for sealing, and back; for gateway/store.
#pragma once

#include <vector>

#include "receipts/log/leaf.hpp"

namespace store {

base::Bytes pack_disclosures(const std::vector<receipts::EncodedDisclosure>& disclosures);
std::vector<std::string> unpack_disclosures(base::ByteView packed);  // the encoded texts

}  // namespace store
