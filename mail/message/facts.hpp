// Promise: what a message says about itself, as plain values, found in one bounded pass over its bytes while they arrive.
// Trouble in parsing is a fact (a Defect), never an exception and never a reason to lose the message.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "mail/address/address.hpp"
#include "mail/message/header.hpp"

namespace mail {

// Limits of the scan. What passes one becomes a Defect; the rest of the message is then opaque, still delivered as bytes.
inline constexpr std::size_t k_max_header_bytes = 256 * 1024;      // of the message's own header; real ones stay below 64 KiB
inline constexpr std::size_t k_max_part_header_bytes = 64 * 1024;  // of one part
inline constexpr std::size_t k_max_depth = 50;                     // multipart and message/rfc822 nesting
inline constexpr std::size_t k_max_parts = 2000;
// Words in brackets at either end of the subject: people write a few. Behind so many no further one is looked for, which is a
// defect: one that matters might stand there. A longer one is no keyword, and does not hide those behind it.
inline constexpr std::size_t k_max_keywords = 64;
inline constexpr std::size_t k_max_keyword_bytes = 200;

enum class Defect {
  no_from, several_from, malformed_from,  // From is not exactly one field with exactly one mailbox
  malformed_header,                       // a header line that is no field
  header_too_large, too_deep, too_many_parts, part_header_too_large,
  missing_boundary, unterminated_multipart,
  nul_byte, line_too_long,                // RFC 5322 section 2.1.1: 998 octets
  duplicate_field,                        // a field that may stand once stands twice (RFC 5322 section 3.6)
  malformed_content_type,
  too_many_keywords,
};
const char* name_of(Defect defect);

// How the root of the message is wrapped, by Content-Type alone; never by names or colours.
enum class Wrapping {
  none,
  smime_encrypted,       // application/(x-)pkcs7-mime, smime-type enveloped-data or authEnveloped-data
  smime_signed_opaque,   // smime-type signed-data
  smime_certs_only,
  smime_compressed,
  smime_unknown,         // pkcs7-mime without a usable smime-type: look inside
  smime_signed,          // multipart/signed, protocol application/(x-)pkcs7-signature
  pgp_encrypted,         // multipart/encrypted, protocol application/pgp-encrypted
  pgp_signed,            // multipart/signed, protocol application/pgp-signature
  signed_other,          // multipart/signed by another protocol
};
const char* name_of(Wrapping wrapping);
bool is_encrypted(Wrapping wrapping);
bool is_signed(Wrapping wrapping);

struct Part {
  std::size_t parent = 0;         // index; the root is its own parent
  std::size_t depth = 0;
  std::uint64_t header_begin = 0; // offsets into the message
  std::uint64_t body_begin = 0;
  std::uint64_t body_end = 0;     // without the CRLF that belongs to the boundary
  std::string type;               // "text/plain", lower case; the default where the field is missing
  std::string boundary;           // multipart only
  std::string transfer_encoding;  // lower case, "7bit" where missing
  std::string charset;
  std::string filename;           // decoded, untrusted
  bool has_8bit = false;          // in its own body, not in children
  bool has_8bit_header = false;   // in its own header
  bool has_odd_lines = false;     // a NUL, or a line above 998 octets, in its own body
  bool under_signature = false;   // inside a multipart/signed that came with the message
};

struct MessageFacts {
  Header header;                       // the outermost
  std::uint64_t header_size = 0;       // bytes, with the empty line
  base::ByteCount size;
  std::optional<Mailbox> from;         // only if there is exactly one From with exactly one mailbox
  std::optional<Mailbox> sender;       // recorded, never believed
  std::string subject;                 // decoded, untrusted
  std::vector<std::string> keywords;   // bracketed, at either end of the subject: lower case, blanks folded
  std::string message_id;              // with its angle brackets; "" if missing
  bool has_date = false;
  bool confidential = false;           // Sensitivity: Company-Confidential
  bool auto_submitted = false;         // RFC 3834, anything but "no"
  std::size_t received = 0;            // Received fields
  Wrapping wrapping = Wrapping::none;
  std::vector<Part> parts;             // parts[0] is the message itself; in order of their offsets
  bool has_8bit_header = false;
  bool has_8bit_body = false;
  bool dot_lines = false;              // some line begins with a dot: the sender must stuff
  std::set<Defect> defects;
};

}  // namespace mail
