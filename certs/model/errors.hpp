// The codes of certs: 400 to 499.
#pragma once

#include "base/core/result.hpp"

namespace certs {

inline constexpr base::Code k_bad_certificate{400, "bad_certificate"};  // cannot be read, or must not be taken in
inline constexpr base::Code k_bad_metadata{401, "bad_metadata"};        // a file of the key directory that we did not write so
inline constexpr base::Code k_no_such_key{402, "no_such_key"};
inline constexpr base::Code k_key_exists{403, "key_exists"};

}  // namespace certs
