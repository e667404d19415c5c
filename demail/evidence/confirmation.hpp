// Promise: confirmations and notifications found in a message by content, never by file name or subject, and their values read
// from the bytes that their signature covers. The PDF is kept and never trusted. Standard: BSI TR 01201 part 3.4 v1.8,
// sections 3.4.1 and 3.5.
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
  wrong_root,
  wrong_structure,
  bad_time,
  no_pdf,  // it must come along (section 3.4.1)
  unsigned_xml,
  untrusted_signer,
  wrong_system_address,  // From is not the address from which this type comes
  wrong_issuer,          // Sender of the XML, From and the expected provider disagree
  other_private_id,
  other_message_id,
  other_hash,
  other_sender,
  other_recipient,
  header_hash_mismatch,  // OriginalHeader lines do not give the hash that they are said to have
  body_mismatch,         // the archived body is not the one that was hashed
  not_bound,             // it names no message of ours
};
const char* name_of(EvidenceFinding finding);

// What one message of the provider holds, with every finding about itself; nothing about our messages yet.
struct Evidence {
  Fields fields;
  IntegrityVerdict integrity;
  std::set<XmlFinding> xml;
  std::set<certs::Finding> xml_certificate;  // of the signer's path
  std::vector<std::string> xml_chain;        // DER, leaf first
  std::set<EvidenceFinding> findings;
  std::optional<Confirmation> confirmation;  // read from signed bytes where there is a signature; else from what stands there
  bool is_notification = false;
};
// `message`: whole, as it came. At most k_max_confirmation.
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
// Adds what the comparison finds: issuer, private-id, sender, recipients, hash, header hash by the OriginalHeader lines, body
// hash.
std::set<EvidenceFinding> bind(const Evidence& evidence, const Sent& sent);

// Nothing forbids to believe a confirmation of this type: signed twice, trusted, whole, bound. For a notification: whole and
// bound.
bool counts(const Evidence& evidence, const std::set<EvidenceFinding>& bound);

}  // namespace demail
