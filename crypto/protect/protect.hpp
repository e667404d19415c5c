// Promise: the narrow door out. A Protected can be made by protect() alone, and only after its bytes have been read back
// while they were written: content type, cipher, the exact set of recipients. A failure gives an Error and no bytes that
// anybody could send. Never runs threads of its own; the caller chooses where it runs.
// Standards: RFC 8551 (S/MIME 4.0), RFC 1847, RFC 3156 (PGP/MIME), RFC 5652/5083 (CMS).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/core/digest.hpp"
#include "base/core/stream.hpp"
#include "certs/model/key.hpp"
#include "crypto/openpgp/home.hpp"
#include "crypto/smime/identity.hpp"
#include "mail/message/facts.hpp"

namespace crypto {

// Where output goes while it is made; gives it back as Content when it is whole. The caller decides on memory or file.
class Scratch {
 public:
  virtual ~Scratch() = default;
  virtual base::ByteSink& sink() = 0;
  virtual base::Result<base::ContentPtr> finish() = 0;
};

struct SmimeEncrypt {
  std::vector<smime::CertificatePtr> recipients;
  bool gcm = false;                  // AES-256-GCM if all recipients read it, else AES-256-CBC
  std::set<certs::Fingerprint> oaep; // recipients that demand RSAES-OAEP; the others get PKCS#1 v1.5
};
struct OpenPgpEncrypt {
  std::vector<certs::Fingerprint> recipients;
};
struct SmimeSign {
  smime::IdentityPtr identity;
};
struct OpenPgpSign {
  certs::Fingerprint key;            // must be one of our own secret keys
};

struct ProtectRequest {
  std::variant<std::monostate, SmimeSign, OpenPgpSign> sign;
  std::variant<std::monostate, SmimeEncrypt, OpenPgpEncrypt> encrypt;  // encrypted mail is signed by the same method
  openpgp::HomePtr home;             // needed for OpenPGP
};

// What was done, for the receipt.
struct ProtectReport {
  std::string method;                // "smime", "openpgp"
  bool signed_ = false, encrypted = false;
  std::string cipher;                // "aes-256-gcm", "aes-256-cbc", "" if not encrypted
  std::vector<certs::Fingerprint> recipients;
  std::optional<certs::Fingerprint> signer;
  base::Sha256Digest input{}, output{};
};

class Protected {
 public:
  const base::ContentPtr& content() const { return m_content; }  // a complete message, header included
  const ProtectReport& report() const { return m_report; }

 private:
  Protected(base::ContentPtr content, ProtectReport report) : m_content(std::move(content)), m_report(std::move(report)) {}
  friend base::Result<Protected> protect(const base::ContentPtr&, const mail::MessageFacts&, const ProtectRequest&, Scratch&);
  base::ContentPtr m_content;
  ProtectReport m_report;
};

// `message`: complete, with `facts` that describe these very bytes; if it is to be signed it must be 7-bit clean already
// (mail::make_seven_bit). At least one of sign and encrypt must be asked for. Every field that is not Content-* or
// MIME-Version stays outside in its place and spelling; MIME-Version is written once.
// k_protect_failed, k_output_mismatch, k_bad_key, k_engine, k_io.
base::Result<Protected> protect(const base::ContentPtr& message, const mail::MessageFacts& facts, const ProtectRequest& request,
                                Scratch& scratch);

// A message that somebody else protected already: its root is CMS (Auth)EnvelopedData or PGP/MIME encrypted, and it parses.
class ProtectedBySender {
 public:
  const base::ContentPtr& content() const { return m_content; }
  const std::string& finding() const { return m_finding; }  // "smime aes-256-cbc, 2 recipients"

 private:
  ProtectedBySender(base::ContentPtr content, std::string finding) : m_content(std::move(content)), m_finding(std::move(finding)) {}
  friend base::Result<ProtectedBySender> recognise(const base::ContentPtr&, const mail::MessageFacts&);
  base::ContentPtr m_content;
  std::string m_finding;
};

// Structure only, bounded memory. k_not_protected.
base::Result<ProtectedBySender> recognise(const base::ContentPtr& message, const mail::MessageFacts& facts);

}  // namespace crypto
