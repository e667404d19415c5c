// Whatever decode() takes is exactly what encode() would have written.
#include <cstdint>
#include <cstdlib>

#include "policies/engine/decision.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto decision = policies::decode(text);
  if (decision && policies::encode(*decision) != text) std::abort();
  if (decision) (void)policies::format_trail(*decision);
  return 0;
}
