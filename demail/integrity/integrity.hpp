// Promise: x-de-mail-integrity, computed and verified. A signature's key comes from the message's own certificate field and is
// worth nothing until the certificate's path reached an anchor that the caller names. Bodies stream.
// Standard: BSI TR 01201 part 3.4 v1.8, sections 3.1.13, 3.1.14 and 3.1.21; RFC 6376 with "simple/simple", without l=, d= and s=.
#pragma once

#include <set>

#include "base/core/stream.hpp"
#include "certs/verify/verify.hpp"
#include "demail/model/fields.hpp"

namespace demail {

enum class Hash { sha256, sha384, sha512 };
enum class Scheme { none, rsa, ec_dsa, rsassa_pss };  // none: hashed only
const char* name_of(Hash hash);                       // as in a=: "sha256"
const char* name_of(Scheme scheme);                   // "", "rsa", "ec-dsa", "rsassa-pss"

// The tags of the field that count; all others are kept out of the way: d=, s= and t= say nothing here, and l= must be ignored.
struct Integrity {
  Hash hash = Hash::sha256;
  Scheme scheme = Scheme::none;
  std::vector<std::string> header_names;  // h=, lower case
  std::string body_hash;                  // bh=, bytes
  std::string value;                      // b=, bytes: the signature, or the plain header hash
};
// The value of the field, or of a confirmation's Hash: folds may stand in it. v= other than 1, c= other than simple/simple, q=
// other than the certificate field, a tag or an algorithm that is missing or unknown: k_malformed. Without v=, c= or q= the
// field is read as if they stood there, since nothing else is possible.
base::Result<Integrity> parse_integrity(std::string_view value);

// b= is the hash of `input`, or a signature over it by the key of `certificate` (DER; only asked for where it is signed).
bool verify_value(const Integrity& integrity, const std::string& input, base::ByteView certificate);

inline constexpr std::size_t k_max_hashed_fields = 200;  // names in h=

// h= in its fixed order (section 3.1.21); private-id only where there is one.
const std::vector<std::string>& hashed_fields();
// Those of them that a header must cover: what stands in it. What a message lacks may be left out of h= (and is hashed as
// nothing where it is named): nobody could add it later without leaving it uncovered.
std::vector<std::string> required_fields(const mail::Header& header);

// bh= over a body (behind the empty line), canonicalised "simple" (RFC 6376 section 3.4.3). k_io and whatever reading it gives.
base::Result<std::string> hash_body(const base::Content& body, Hash hash);
// What b= hashes or signs: the named fields, each the first from the top, then the integrity field itself with b= emptied and
// without its CRLF. A field that is not there, or named a second time, gives nothing. `integrity_field`: raw, as it stands or
// will stand in the header.
std::string header_input(const std::vector<std::string_view>& raw_fields_from_the_top, const std::vector<std::string>& names,
                         std::string_view integrity_field);
// The whole integrity field without signature ("a=sha256"), with CRLF, for a header and the hash of a body.
std::string make_hash_field(const mail::Header& header, Hash hash, const std::string& body_hash);
// For a signer: the field up to and with "b=" and the bytes to be signed; the caller appends base64 and CRLF (folds within the
// base64 are allowed: "\r\n\t").
struct Unsigned {
  std::string field, input;
};
Unsigned prepare_signed_field(const mail::Header& header, Hash hash, Scheme scheme, const std::string& body_hash);

enum class IntegrityFinding {
  absent,
  malformed,
  unknown_algorithm,  // a= or c=
  field_not_covered,  // h= leaves out a field that must be in it
  header_mismatch,    // hashed only, and the hash is another
  body_mismatch,
  not_signed,  // hashed only; a fault where the type or the options demand a signature
  no_certificate,
  bad_certificate,
  bad_signature,
  untrusted_certificate,  // its path reached no anchor, is expired, revoked, or may not sign
  revocation_unknown,     // no current CRL: said, and forbids nothing here; whoever demands more looks for it
};
const char* name_of(IntegrityFinding finding);

struct IntegrityVerdict {
  std::set<IntegrityFinding> findings;
  std::set<certs::Finding> certificate_findings;
  std::vector<std::string> chain;  // DER, leaf first
  bool is_signed = false;          // by whoever holds the certificate's key: says nothing without the findings
  // The header and body are what was hashed.
  bool is_whole() const;
  // Whole, signed, and the signer's path is good.
  bool is_proven() const;
};

// `body`: behind the empty line. `anchors` may be null: then no signature is trusted. `at`: when it was received. An error only
// where the body cannot be read: that is unknown, and no verdict.
base::Result<IntegrityVerdict> verify_integrity(const mail::Header& header, const base::Content& body,
                                                const certs::TrustStore* anchors, base::Timestamp at);

// The path of a provider's certificate: what forbids its use, apart from an unknown revocation.
struct SignerVerdict {
  std::set<certs::Finding> findings;
  std::vector<std::string> chain;
  bool is_trusted() const;
  bool revocation_unknown() const;
};
// `more`: certificates that came along, hints for the path and nothing else.
SignerVerdict verify_signer(const std::string& certificate, const certs::TrustStore* anchors, base::Timestamp at,
                            const std::vector<std::string>& more = {});

}  // namespace demail
