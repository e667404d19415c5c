// Leaves and disclosures from a file: what is taken must be what we would write.
#include <cstdint>
#include <cstdlib>

#include "receipts/log/leaf.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto leaf = receipts::parse_leaf(text); leaf && leaf->hash == base::Sha256Digest{}) std::abort();
  if (const auto opened = receipts::parse_disclosure(text); opened && opened->value.size() > text.size()) std::abort();
  return 0;
}
