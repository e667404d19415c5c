// Promise: the handles of OpenSSL that this room owns, freed by their types, and its error queue kept clean. Included by
// sources of crypto/smime only: no other room sees OpenSSL.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "base/core/stream.hpp"
#include "crypto/smime/identity.hpp"

namespace crypto::smime {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
inline void free_certificates(STACK_OF(X509) * stack) { sk_X509_pop_free(stack, X509_free); }

using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
using BioChainPtr = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using CmsPtr = std::unique_ptr<CMS_ContentInfo, Freed<CMS_ContentInfo_free>>;
using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, Freed<PKCS8_PRIV_KEY_INFO_free>>;
using CertificatesPtr = std::unique_ptr<STACK_OF(X509), Freed<free_certificates>>;

// The error queue belongs to the thread: what an earlier call left must not explain a later failure, and what we leave must
// not confuse the next one (CMS may succeed and still leave errors behind).
class ErrorScope {
 public:
  ErrorScope();
  ~ErrorScope();
  ErrorScope(const ErrorScope&) = delete;
  ErrorScope& operator=(const ErrorScope&) = delete;
  // The queued reasons in one line, for the log; never for a peer.
  static std::string drain();
};

std::string to_der(const X509* certificate);
X509Ptr parse_x509(base::ByteView der);                 // null unless exactly one certificate

// A write-only BIO in front of a ByteSink; the sink's first error is kept in `result`, which must outlive the BIO.
struct SinkTarget {
  base::ByteSink* sink = nullptr;
  base::Result<void> result;
};
BioPtr make_sink_bio(SinkTarget& target);

class Certificate {
 public:
  explicit Certificate(X509Ptr x509);
  X509* x509() const { return m_x509.get(); }            // reference counted and read-only: threads may share it
  const certs::Fingerprint& fingerprint() const { return m_fingerprint; }

 private:
  X509Ptr m_x509;
  certs::Fingerprint m_fingerprint;
};

class Identity {
 public:
  Identity(CertificatePtr certificate, KeyPtr key, CertificatesPtr chain)
      : m_certificate(std::move(certificate)), m_key(std::move(key)), m_chain(std::move(chain)) {}
  const Certificate& certificate() const { return *m_certificate; }
  const CertificatePtr& shared_certificate() const { return m_certificate; }
  EVP_PKEY* key() const { return m_key.get(); }
  const STACK_OF(X509) * chain() const { return m_chain.get(); }

 private:
  CertificatePtr m_certificate;
  KeyPtr m_key;
  CertificatesPtr m_chain;
};

}  // namespace crypto::smime
