// Key files and certificates that somebody hands in.
#include <cstddef>
#include <cstdint>

#include "base/core/random.hpp"
#include "certs/find/metadata.hpp"
#include "certs/verify/verify.hpp"
#include "crypto/smime/identity.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const bool ready = (base::init_crypto(), true);
  static const auto store = *certs::make_trust_store({});
  const base::ByteView bytes(reinterpret_cast<const char*>(data), size);
  if (ready) (void)crypto::smime::parse_key_file(bytes, {});
  (void)certs::verify_path(*store, {std::string(bytes), {}, {}, certs::Purpose::sign, std::nullopt});
  (void)certs::parse_metadata(bytes);
  return 0;
}
