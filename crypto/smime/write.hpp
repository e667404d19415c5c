// Promise: signs and encrypts a stream with flat memory: bytes are pushed in, DER (BER of indefinite length where it is
// encrypted) comes out, whatever the size. Chains, dates and purposes are not judged here (certs/verify does it before); key
// types that CMS cannot use are refused at the start. Never writes SHA-1, RC2, 3DES, nor the SHA-1 KDF of RFC 5753.
// Standards: RFC 5652, 5083/5084 (AES-GCM), 3560 (OAEP), 4056 (PSS), 5753 (ECDH), RFC 8551 section 2.5 (attributes).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/core/stream.hpp"
#include "crypto/smime/identity.hpp"

namespace crypto::smime {

// A detached signature over what is written.
class Signer : public base::ByteSink {
 public:
  static base::Result<Signer> start(IdentityPtr identity);  // k_bad_key, k_protect_failed
  ~Signer() override;
  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;

  const char* micalg() const;                               // "sha-256", "sha-384", "sha-512" (RFC 8551 section 3.5.3.2)
  base::Result<void> write(base::ByteView bytes) override;
  base::Result<std::string> finish();                       // DER of the SignedData; once

 private:
  struct Impl;
  explicit Signer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

struct Recipient {
  CertificatePtr certificate;
  bool oaep = false;  // RSAES-OAEP with SHA-256 instead of PKCS#1 v1.5
};

// EnvelopedData (AES-256-CBC) or AuthEnvelopedData (AES-256-GCM) around what is written.
class Encryptor : public base::ByteSink {
 public:
  // `out` takes the BER and must outlive the Encryptor. k_bad_key names the recipient that cannot be used.
  static base::Result<Encryptor> start(const std::vector<Recipient>& recipients, bool gcm, base::ByteSink& out);
  ~Encryptor() override;
  Encryptor(Encryptor&&) noexcept;
  Encryptor& operator=(Encryptor&&) noexcept;

  base::Result<void> write(base::ByteView bytes) override;
  base::Result<void> finish();  // once; without it the output is worthless

 private:
  struct Impl;
  explicit Encryptor(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> m_impl;
};

}  // namespace crypto::smime
