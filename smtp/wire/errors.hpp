// The codes of smtp: 300 to 399.
#pragma once

#include "base/core/result.hpp"

namespace smtp {

inline constexpr base::Code k_syntax{300, "smtp_syntax"};          // a command or reply that is none
inline constexpr base::Code k_protocol{301, "smtp_protocol"};      // the peer broke the order of things
inline constexpr base::Code k_line_too_long{302, "line_too_long"};
inline constexpr base::Code k_bare_newline{303, "bare_newline"};   // CR or LF alone: smuggling (CVE-2023-51764)
inline constexpr base::Code k_outcome_unknown{304, "outcome_unknown"};  // the final dot went out, no answer came back

}  // namespace smtp
