// Promise: what a certificate says, as plain values; judges nothing. Names in it are text that somebody else wrote: an
// address counts only in its canonical form, because readers differ about any other. Reads X.509 with OpenSSL; no I/O.
// Standards: RFC 5280 section 4.2.1.6 (rfc822Name), RFC 9598 (SmtpUTF8Mailbox), RFC 8550 section 3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"
#include "certs/model/key.hpp"

namespace certs {

inline constexpr std::size_t k_max_certificate = 64 * 1024;  // bytes of DER
inline constexpr std::size_t k_max_names = 500;              // of one certificate: the rest is not looked at

// The folded address, or nullopt where the text holds a blank, a control, a quote or a comment, or does not parse.
std::optional<std::string> canonical_address(std::string_view text);

// k_malformed unless `der` is one certificate and nothing behind it. not_before and not_after as they stand; can_encrypt and
// can_sign by key type, key usage and extended key usage. The subject's emailAddress counts only without any alternative name.
base::Result<KeyInfo> describe_certificate(base::ByteView der);

Fingerprint fingerprint_of(base::ByteView der);

// SubjectPublicKeyInfo as DER, for base::verify_signature. k_malformed unless `der` is one certificate with a readable key.
base::Result<std::string> public_key_of(base::ByteView der);

bool is_authority(base::ByteView der);                                 // basicConstraints says CA
bool key_belongs_to(base::ByteView pkcs8, base::ByteView der);         // the private key of this certificate

}  // namespace certs
