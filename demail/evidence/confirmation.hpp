// Promise: confirmations and notifications found in a message by content, never by file name or subject, and their values read
// from the bytes that their signature covers. The PDF is kept and never trusted. Whoever the anchors vouch for can confirm:
// an authority that also certifies others lets those confirm as well, so anchors are providers' certificates or authorities of
// providers alone. Standard: BSI TR 01201 part 3.4 v1.8, sections 3.4.1 and 3.5.
#pragma once

#include <optional>

#include "base/core/clock.hpp"
#include "base/core/stream.hpp"
#include "demail/evidence/xml_signature.hpp"
#include "demail/integrity/integrity.hpp"

namespace demail {

inline constexpr std::size_t k_max_metadata = 200;                   // Metadate elements
inline constexpr base::ByteCount k_max_confirmation = base::mib(8);  // the whole message

struct Metadate {
  std::string name, value, original_header;
  friend bool operator==(const Metadate&, const Metadate&) = default;
};

// Acknowledge-Message, and Notification-Message with empty metadata and hash.
struct Confirmation {
  std::string sender, subject, text, hash;
  std::vector<Metadate> metadata;
  base::Timestamp time{};
  std::optional<base::Timestamp> delivery_time;
  // The first with that name, compared without case; "" if there is none.
  std::string metadatum(std::string_view name) const;
};

enum class EvidenceFinding {
  no_xml,
  several_xml,
  wrong_root,       // of no confirmation or notification, or not that of the message's type
  wrong_structure,  // not as the schema has it, or a DeliveryTime where it must not stand or is missing
  bad_time,
  local_time,  // a time without zone: the schema allows it, it is read as UTC, and may be hours off
  no_pdf,      // it must come along (section 3.4.1), and proves nothing
  unsigned_xml,
  untrusted_signer,
  wrong_system_address,  // From is not the address from which this type comes
  wrong_issuer,          // Sender of the XML, From and the expected provider disagree
  other_private_id,
  other_message_id,
  other_hash,
  other_sender,
  other_recipient,
  header_hash_mismatch,   // OriginalHeader lines do not give the hash that they are said to have, or not the values beside them
  header_hash_unchecked,  // signed, and the certificate is not among the metadata: nothing to check it with
  body_mismatch,          // the archived body is not the one that was hashed
  not_bound,              // it names no message of ours
};
const char* name_of(EvidenceFinding finding);
// Whether it forbids to believe the evidence; the others are said and forbid nothing: local_time, no_pdf, header_hash_unchecked.
bool forbids(EvidenceFinding finding);

// What one message of the provider holds, with every finding about itself; nothing about our messages yet.
struct Evidence {
  Fields fields;
  IntegrityVerdict integrity;
  std::set<XmlFinding> xml;
  std::set<certs::Finding> xml_certificate;  // of the signer's path
  std::vector<std::string> xml_chain;        // DER, leaf first
  std::optional<mail::Address> from;         // of the message, if there is exactly one
  std::set<EvidenceFinding> findings;
  std::optional<Confirmation> confirmation;  // read from signed bytes where there is a signature; else from what stands there
  bool is_notification = false;
};
// `message`: whole, as it came. `anchors` may be null: then nobody is trusted. `at`: when it was received. k_too_large above
// k_max_confirmation; all else is a finding.
base::Result<Evidence> read_evidence(base::ByteView message, const certs::TrustStore* anchors, base::Timestamp at);

// What is known of the message of ours that the evidence seems to be about.
struct Sent {
  std::string private_id;
  mail::Address sender;                   // its De-Mail address
  std::vector<mail::Address> recipients;  // of this De-Mail
  std::string message_id, integrity;      // from an earlier confirmation that counted; "" if none did
  base::ContentPtr body;                  // archived, behind the empty line, as it was submitted; may be null
  std::string own_provider;               // domain of ours
};
// What the comparison finds: issuer, private-id (or, where none came through, message-id and hash), sender, recipients, hash, header hash by the OriginalHeader lines, body hash. An
// error only where the body cannot be read: that is unknown, and no finding.
//
// The issuer of a dispatch confirmation is our own provider. Of the others it is the recipient's, which his address does not
// name unless it lies below our own provider's domain; then it is the same.
base::Result<std::set<EvidenceFinding>> bind(const Evidence& evidence, const Sent& sent);

// Nothing forbids to believe a confirmation of this type: signed twice, trusted, whole, bound. For a notification: whole and
// bound. A revocation that is unknown forbids nothing here: it stands in the verdicts.
bool counts(const Evidence& evidence, const std::set<EvidenceFinding>& bound);

}  // namespace demail
