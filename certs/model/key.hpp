// Promise: keys and certificates as plain values that policies, receipts and people can speak of. No I/O, no library.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/clock.hpp"
#include "mail/address/address.hpp"

namespace certs {

enum class Method { smime, openpgp };
const char* name_of(Method method);  // "smime", "openpgp"

// Names one key for good: the SHA-256 of the DER certificate (64 hex digits) or the OpenPGP v4 fingerprint (40), upper case.
struct Fingerprint {
  std::string hex;
  friend auto operator<=>(const Fingerprint&, const Fingerprint&) = default;
};

// Why a candidate is not used, or what must be said about one that is. Bands make severity a comparison: below 100 good to
// know, 100 to 199 usable only where policy allows it, 200 and above never usable.
enum class Finding {
  rsa_below_3000 = 10,          // TR-02102-1: allowed by profile "interop"
  cbc_only = 11,                // not known to read AES-GCM
  classical_key_agreement = 12,
  key_unconfirmed = 100,        // harvested or found, not confirmed by a person
  no_email_in_key = 101,
  not_yet_valid = 200, expired, revoked, no_chain, bad_signature, wrong_purpose, address_mismatch, weak_algorithm, weak_key,
  unsupported_key, no_encryption_subkey, ambiguous, malformed, revocation_unknown,
};
const char* name_of(Finding finding);
bool forbids_use(Finding finding);   // 200 and above
bool forbids_use(const std::set<Finding>& findings);

struct KeyInfo {
  Method method = Method::smime;
  Fingerprint fingerprint;
  std::vector<std::string> addresses;   // folded (mail::Address::folded)
  std::string subject;                  // untrusted text of the certificate
  std::string issuer;
  std::string algorithm;                // "RSA-3072", "EC P-256", "ed25519/cv25519"
  int rsa_bits = 0;                     // of the weakest part that would be used; 0: not RSA
  bool is_revoked = false;              // OpenPGP: the key itself says so; S/MIME: a CRL does
  base::Timestamp not_before{}, not_after{};
  bool has_private = false;
  bool reads_gcm = false;               // known to read AES-256-GCM
  bool can_encrypt = false, can_sign = false;
};

struct RejectedKey {
  Fingerprint fingerprint;
  std::set<Finding> findings;
};

// A lookup is known, absent or unknown; unknown is never absent.
enum class Lookup { known, absent, unknown };
const char* name_of(Lookup lookup);

// What gather found for one address and one method.
struct KeyFacts {
  Lookup state = Lookup::unknown;
  std::optional<KeyInfo> chosen;             // if known
  std::set<Finding> findings;                // of the chosen one
  std::vector<RejectedKey> rejected;
  std::string detail;                        // why unknown; private
};

}  // namespace certs
