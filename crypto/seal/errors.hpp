// The codes of crypto/seal: 550 to 559.
#pragma once

#include "base/core/result.hpp"

namespace crypto::seal {

inline constexpr base::Code k_sealed_broken{550, "sealed_broken"};  // data at rest that does not authenticate
inline constexpr base::Code k_wrong_root_key{551, "wrong_root_key"};  // sealed under another root key
inline constexpr base::Code k_busy{552, "busy"};                    // not enough memory for a password hash now

}  // namespace crypto::seal
