// The codes of config: 1000 to 1099.
#pragma once

#include "base/core/result.hpp"

namespace config {

inline constexpr base::Code k_no_credential{1000, "no_credential"};  // not started by systemd, or the unit does not load it

}  // namespace config
