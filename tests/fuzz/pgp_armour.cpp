// An armoured OpenPGP message: whole and in two pieces must say the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "crypto/openpgp/packets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView text(reinterpret_cast<const char*>(data), size);
  crypto::openpgp::ArmourReader whole, halves;
  const bool a = whole.feed(text) && whole.finish();
  const bool b = halves.feed(text.substr(0, size / 2)) && halves.feed(text.substr(size / 2)) && halves.finish();
  if (a != b) std::abort();
  return 0;
}
