// Promise: opens and verifies CMS objects that lie in memory; nothing of a decrypted object is given out unless the library
// said yes to all of it, and whatever fails after a private key was touched looks the same. Chains are not judged here, no
// CRL inside a message is believed. Hostile inputs; OpenSSL needs three to four bytes of memory for each byte of input.
// Standards: RFC 5652, 5083, 5084; RFC 8551 sections 2.4 and 3.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "base/core/stream.hpp"
#include "crypto/smime/identity.hpp"

namespace crypto::smime {

inline constexpr int k_max_signers = 20;

enum class Outcome { good, no_key, damaged, unsupported };

struct Decrypted {
  Outcome outcome = Outcome::damaged;
  std::string content;
  std::string cipher;            // "aes-256-gcm"; known even where it could not be opened
  bool is_authenticated = false; // AEAD; CBC says nothing about changes
};

// (Auth)EnvelopedData, for the first identity that it names.
Decrypted decrypt(base::ByteView ber, const std::vector<IdentityPtr>& identities);

struct SignatureFound {
  certs::Fingerprint fingerprint;          // empty if the certificate did not come along
  std::string certificate;                 // DER
  std::vector<std::string> addresses;      // of the certificate, folded
  bool is_valid = false;                   // signature and content digest hold
  std::string digest;                      // "sha256"
  std::optional<base::Timestamp> time;     // signingTime: a claim
};

struct Verified {
  bool parses = false;                     // SignedData with at least one signer
  bool has_both_contents = false;          // eContent although the content stands beside it: nobody knows which one is meant
  std::vector<SignatureFound> signers;
  std::vector<std::string> bag;            // DER of all certificates that came along
  std::string content;                     // of an opaque one
};

Verified verify_detached(base::ByteView ber, base::ByteSource& content, base::Result<void>& read);
Verified verify_opaque(base::ByteView ber);

}  // namespace crypto::smime
