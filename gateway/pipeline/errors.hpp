// The codes of the pipeline: 900 to 999.
#pragma once

#include "base/core/result.hpp"

namespace pipeline {

inline constexpr base::Code k_record{900, "record"};              // a stored record that cannot be read
inline constexpr base::Code k_key_gone{901, "key_gone"};          // decided for a key that is not there any more: hold
inline constexpr base::Code k_no_route{902, "no_route"};
inline constexpr base::Code k_not_now{904, "not_now"};            // a message that we refuse for the moment
inline constexpr base::Code k_not_allowed{903, "not_allowed"};    // a sealed type that the route does not take

}  // namespace pipeline
