// The codes of crypto: 500 to 599.
#pragma once

#include "base/core/result.hpp"

namespace crypto {

inline constexpr base::Code k_bad_key{501, "bad_key"};                    // a key that cannot be loaded or used
inline constexpr base::Code k_protect_failed{502, "protect_failed"};      // signing or encrypting failed
inline constexpr base::Code k_output_mismatch{503, "output_mismatch"};    // what was written is not what was asked for
inline constexpr base::Code k_cannot_open{504, "cannot_open"};            // one answer for every failure to decrypt
inline constexpr base::Code k_engine{505, "engine"};                      // gpg or its agent did not work: temporary
inline constexpr base::Code k_not_protected{507, "not_protected"};        // looked protected, does not parse

}  // namespace crypto
