// CMS as it comes from outside: the walker, then the library behind it.
#include <cstddef>
#include <cstdint>

#include "crypto/smime/cms_shape.hpp"
#include "crypto/smime/read.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes(reinterpret_cast<const char*>(data), size);
  (void)crypto::smime::parse_cms(bytes);
  (void)crypto::smime::parse_cms_head(bytes);
  (void)crypto::smime::decrypt(bytes, {});
  (void)crypto::smime::verify_opaque(bytes);
  return 0;
}
