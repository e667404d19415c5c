// Promise: makes the certificates of a first set-up: signed by nobody but themselves, so that a trial can begin before an
// authority has issued real ones. A partner has no reason to believe them, and nothing here pretends otherwise: they are no
// authorities, and their purpose is one, the server's or the mail's. The private key leaves as PEM in locked memory only.
// Standards: RFC 5280 sections 4.1 and 4.2; RFC 8550 section 4.4 (mail); key sizes as TR-02102-1 has them.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/result.hpp"
#include "base/core/secret.hpp"

namespace certs {

struct SelfSigned {
  std::string certificate;      // PEM
  base::SecretBytes key;        // PKCS#8 PEM
};

// For TLS: P-256, names as DNS names or, where they parse as one, IP addresses. k_crypto_primitive, k_malformed.
base::Result<SelfSigned> make_server_certificate(const std::vector<std::string>& names, base::Timestamp from, std::chrono::days lifetime);
// For S/MIME, to sign and to be encrypted to: RSA of 3072 bits, which every mail program reads.
base::Result<SelfSigned> make_mail_certificate(const std::string& name, const std::string& address, base::Timestamp from, std::chrono::days lifetime);

}  // namespace certs
