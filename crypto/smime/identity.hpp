// Promise: certificates and private keys of S/MIME as parsed, shareable, read-only objects; parsing costs more than using.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"
#include "base/core/secret.hpp"
#include "certs/model/key.hpp"

namespace crypto::smime {

class Certificate;  // an X509
class Identity;     // an X509 with its private key
using CertificatePtr = std::shared_ptr<const Certificate>;
using IdentityPtr = std::shared_ptr<const Identity>;

base::Result<CertificatePtr> load_certificate(base::ByteView der);                      // k_bad_key
// `private_key`: PKCS#8 DER; RSA of 2048 bits or more, RSA-PSS or EC on a NIST or Brainpool curve: the CMS of OpenSSL 3.0 can
// use no other (Ed25519 and X25519 are refused here, not in the middle of a message). `chain`: DER of intermediates to send along. The key must match the certificate.
base::Result<IdentityPtr> load_identity(base::ByteView certificate_der, const std::vector<std::string>& chain,
                                        const base::SecretBytes& private_key);
certs::Fingerprint fingerprint_of(const Certificate& certificate);
certs::Fingerprint fingerprint_of(const Identity& identity);
std::string der_of(const Certificate& certificate);
CertificatePtr certificate_of(const Identity& identity);

// PEM (one or many), DER, PKCS#7 certs-only or PKCS#12 into certificates and at most one private key. k_bad_key.
struct ImportedKeys {
  std::vector<std::string> certificates;   // DER
  base::SecretBytes private_key;           // PKCS#8 DER; empty if none came
};
// At most k_max_key_file bytes and k_max_certificates certificates. A PKCS#12 with the old RC2 and 3DES is read as well.
inline constexpr base::ByteCount k_max_key_file = base::mib(1);
inline constexpr std::size_t k_max_certificates = 100;
base::Result<ImportedKeys> parse_key_file(base::ByteView bytes, const base::SecretBytes& password);

}  // namespace crypto::smime
