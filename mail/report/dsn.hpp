// Promise: reports about a message of ours, readable by people (German and English) and by programs. RFC 3464 (delivery
// status), RFC 6522 (multipart/report), RFC 3834 (Auto-Submitted). A report carries header fields of the original at most,
// never its body; evidence that came about it stands beside the report, in a multipart/mixed around both. All values are checked here: no CR, LF or NUL gets into a field.
#pragma once

#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/clock.hpp"
#include "base/core/result.hpp"
#include "mail/address/address.hpp"

namespace mail {

// overdue and uncertain: of a message that a registered carrier has, or may have; confirmed: what that carrier says of it.
enum class ReportKind { failed, delayed, sent, held, overdue, uncertain, confirmed };
const char* name_of(ReportKind kind);

struct ReportRecipient {
  std::string address;           // Final-Recipient
  std::string original;          // ORCPT as given ("rfc822;a@x.example"), "" if none
  std::string status;            // "5.1.1"
  std::string remote_host;       // "" if none was asked
  std::string diagnostic;        // the remote's reply, escaped; "" if none
  std::string how;               // for sent: "S/MIME verschlüsselt …", plain words
  base::Timestamp retry_until{}; // delayed, held
  std::string action{};          // RFC 3464 section 2.3.3; "": that of the kind
};

struct ReportInput {
  ReportKind kind = ReportKind::failed;
  std::string hostname;          // Reporting-MTA, and the sender's domain
  Address to;
  std::string message_id;        // of the report, with angle brackets
  base::Timestamp now{}, arrived{};
  std::string envelope_id;
  std::string language;          // "de" or "en": which comes first
  std::string reason_de, reason_en;  // one or two sentences
  std::vector<ReportRecipient> recipients;
  std::string original_from, original_subject, original_message_id;  // of the message it is about
  std::string title_de, title_en;    // confirmed: what, for the subject: "Eingangsbestätigung"
  base::ByteView evidence{};         // a whole message that came about it (CRLF): goes along as it is
};

// A complete message, CRLF, 7-bit unless the evidence is not. k_malformed_header if a value cannot stand in a field.
base::Result<std::string> compose_report(const ReportInput& input);

}  // namespace mail
