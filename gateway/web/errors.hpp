// The codes of this room: 1200 to 1299.
#pragma once

#include "base/core/result.hpp"

namespace web {

inline constexpr base::Code k_bad_json{1200, "bad_json"};        // not JSON, too deep, too large
inline constexpr base::Code k_bad_request{1201, "bad_request"};  // JSON, and not what was asked for

}  // namespace web
