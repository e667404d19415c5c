// Promise: a key with its certificate, as PEM, and what it signs. Everything here is for tests: keys lie in clear.
// Standards: RFC 5754 (RSASSA-PKCS1-v1_5, ECDSA), RFC 4056 (RSASSA-PSS, the salt as long as the hash).
#pragma once

#include <string>
#include <string_view>

#include "base/core/result.hpp"
#include "demail/integrity/integrity.hpp"

namespace simulator {

using demail::Hash;
using demail::Scheme;

struct Signer {
  std::string certificate_pem, certificate_der, key_pem;
};

// k_crypto_primitive, also where the key is of another kind than the scheme.
base::Result<std::string> sign_bytes(const Signer& signer, Hash hash, Scheme scheme, std::string_view bytes);
std::string digest(Hash hash, std::string_view bytes);

}  // namespace simulator
