// A message that says it is a confirmation, and the XML of one alone.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "demail/evidence/confirmation.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const base::ByteView bytes(reinterpret_cast<const char*>(data), size);
  const auto evidence = demail::read_evidence(bytes, nullptr, {});
  if (!evidence) std::abort();
  const auto bound = demail::bind(*evidence, {.private_id = "x", .own_provider = "anbieter.example"});
  if (!bound || demail::counts(*evidence, *bound)) {
    if (!demail::is_notification(evidence->fields.type)) std::abort();  // without an anchor nothing is proven
  }
  if (demail::verify_signed_xml(bytes).digested.size() > size * 100 + 1000) std::abort();
  return 0;
}
