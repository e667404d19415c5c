// Promise: says what a CMS object is without opening it: content type, cipher, recipients, length of the authentication tag.
// OpenSSL has no accessor for cipher and tag and accepts a tag cut to four bytes, so this is asked before it is. Bounded:
// depth, recipients and lengths; never reads beyond its view, never recurses. Inputs are hostile.
// Standards: RFC 5652 (CMS), RFC 5083 (AuthEnvelopedData), RFC 5084 (AES-GCM), X.690 (BER, indefinite lengths included).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"
#include "crypto/smime/identity.hpp"

namespace crypto::smime {

inline constexpr std::size_t k_max_recipients = 2000;
inline constexpr std::size_t k_gcm_tag = 16;                       // RFC 5084 allows 12 to 16; we demand the whole

enum class CmsKind { data, signed_data, enveloped, auth_enveloped, compressed, other };

// Whom a RecipientInfo names: one of the two is set, none for passwords, key-encryption keys and other kinds.
struct RecipientId {
  std::string issuer_and_serial;  // DER of IssuerAndSerialNumber
  std::string key_id;             // SubjectKeyIdentifier
  friend auto operator<=>(const RecipientId&, const RecipientId&) = default;
};

struct CmsShape {
  CmsKind kind = CmsKind::other;
  std::vector<RecipientId> recipients;  // (auth) enveloped only, in their order
  std::string cipher;                   // "aes-256-gcm", "des-ede3-cbc", …; "" if unknown
  std::size_t nonce_size = 0;           // GCM only
  std::size_t tag_size = 0;             // of AuthEnvelopedData; only from parse_cms
  bool has_content = false;             // signed data: eContent is there; only from parse_cms
};

// The whole object; bytes behind it are an error. k_not_protected.
base::Result<CmsShape> parse_cms(base::ByteView ber);
// From the first bytes of an object: nullopt while more are needed. k_not_protected.
base::Result<std::optional<CmsShape>> parse_cms_head(base::ByteView prefix);

RecipientId recipient_id_of(const Certificate& certificate);

}  // namespace crypto::smime
