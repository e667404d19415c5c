// The codes of mail: 200 to 299.
#pragma once

#include "base/core/result.hpp"

namespace mail {

inline constexpr base::Code k_malformed_address{200, "malformed_address"};
inline constexpr base::Code k_too_many_addresses{201, "too_many_addresses"};
inline constexpr base::Code k_malformed_header{202, "malformed_header"};
inline constexpr base::Code k_malformed_mime{203, "malformed_mime"};
inline constexpr base::Code k_cannot_convert{204, "cannot_convert"};  // 8-bit content below a foreign signature

}  // namespace mail
