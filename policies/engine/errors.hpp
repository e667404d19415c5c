// The codes of policies: 600 to 699.
#pragma once

#include "base/core/result.hpp"

namespace policies {

inline constexpr base::Code k_bad_pattern{600, "bad_pattern"};  // a glob or regular expression that cannot be used

}  // namespace policies
