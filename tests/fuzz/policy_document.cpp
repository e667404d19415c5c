// Any bytes as a policy file: rules or faults, never a crash.
#include <cstdint>

#include "policies/lang/cases.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const policies::PolicyText file{"fuzz.toml", std::string(reinterpret_cast<const char*>(data), size)};
  const auto loaded = policies::load({file}, {});
  const auto cases = policies::load_cases({file}, {});
  if (loaded.rules) (void)policies::run_cases(*loaded.rules, cases.cases);
  return 0;
}
