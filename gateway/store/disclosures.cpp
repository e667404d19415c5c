#include "gateway/store/disclosures.hpp"

namespace store {

// encoded disclosures are base64url: a line each
base::Bytes pack_disclosures(const std::vector<receipts::EncodedDisclosure>& disclosures) {
  base::Bytes out;
  for (const auto& d : disclosures) out.append(d.encoded).append("\n");
  return out;
}

std::vector<std::string> unpack_disclosures(base::ByteView packed) {
  std::vector<std::string> out;
  while (!packed.empty()) {
    const auto lf = packed.find('\n');
    out.emplace_back(packed.substr(0, lf));
    packed.remove_prefix(lf == base::ByteView::npos ? packed.size() : lf + 1);
  }
  return out;
}

}  // namespace store
