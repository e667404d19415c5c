// Promise: the keys as the pipeline needs them: a snapshot in memory, so that looking up costs no wait; a source that could
// not be read answers unknown, never absent. gateway/app makes it from certs/find and crypto.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "certs/model/key.hpp"
#include "certs/verify/verify.hpp"
#include "crypto/protect/open.hpp"
#include "crypto/protect/protect.hpp"
#include "policies/engine/question.hpp"

namespace pipeline {

// What may be said about the signature of an opened message, after its certificate's path was judged.
struct SignatureJudgement {
  policies::SignatureVerdict verdict = policies::SignatureVerdict::none;
  std::string signer;                      // address in the certificate; untrusted unless verdict is valid
  std::set<certs::Finding> findings;
};

class KeyRing {
 public:
  virtual ~KeyRing() = default;
  virtual certs::KeyFacts recipient_key(const mail::Address& address, certs::Method method, base::Timestamp now) const = 0;
  virtual certs::KeyFacts signer_key(const mail::Address& address, certs::Method method, base::Timestamp now) const = 0;
  // By fingerprint, as decided. k_key_gone.
  virtual base::Result<crypto::smime::CertificatePtr> certificate(const certs::Fingerprint& key) const = 0;
  virtual base::Result<crypto::smime::IdentityPtr> identity(const certs::Fingerprint& key) const = 0;
  virtual crypto::openpgp::HomePtr home() const = 0;
  // Only what these envelope recipients may use.
  virtual crypto::OpenRequest open_request(const std::vector<mail::Address>& recipients) const = 0;
  // These anchors (DER) with the revocation lists that are known. k_bad_certificate.
  virtual base::Result<certs::TrustStorePtr> trust_under(const std::vector<std::string>& anchors) const = 0;
  virtual SignatureJudgement judge(const crypto::Opened& opened, const std::optional<mail::Mailbox>& from, base::Timestamp now) const = 0;
};
using KeyRingPtr = std::shared_ptr<const KeyRing>;

}  // namespace pipeline
