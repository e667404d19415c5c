#include "mail/report/dsn.hpp"

#include "base/core/bytes.hpp"
#include "base/core/random.hpp"
#include "base/core/remote_text.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/transfer_encoding.hpp"

namespace mail {
namespace {

struct Words {
  const char* subject_de;
  const char* subject_en;
  const char* text_de;
  const char* text_en;
  const char* action;  // RFC 3464 section 2.3.3
};

Words words_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::failed:
      return {"Nicht zugestellt", "Not delivered", "Ihre Nachricht konnte nicht zugestellt werden. Sie wird nicht weiter versucht.",
              "Your message could not be delivered. It will not be tried again.", "failed"};
    case ReportKind::delayed:
      return {"Verzögert", "Delayed", "Ihre Nachricht konnte noch nicht zugestellt werden. Sie wird weiter versucht; Sie müssen nichts tun.",
              "Your message could not be delivered yet. It is being tried again; you need not do anything.", "delayed"};
    case ReportKind::sent:
      return {"Übergeben", "Handed over", "Ihre Nachricht wurde an das System des Empfängers übergeben. Das ist noch kein Nachweis der Zustellung.",
              "Your message was handed over to the recipient's system. This is no proof of delivery yet.", "relayed"};
    case ReportKind::held:
      return {"Angehalten", "Held", "Ihre Nachricht wird zurückgehalten, bis die Administration entscheidet. Sie ist nicht verloren und nicht gesendet.",
              "Your message is held until the administrators decide. It is neither lost nor sent.", "delayed"};
    case ReportKind::overdue:
      return {"Bestätigung überfällig", "Confirmation overdue",
              "Ihre Nachricht wurde dem Anbieter übergeben, aber eine angeforderte Bestätigung steht aus. Ob sie angekommen ist, ist nicht bekannt.",
              "Your message was handed to the provider, but a confirmation that was asked for is missing. Whether it arrived is not known.", "delayed"};
    case ReportKind::uncertain:
      return {"Verbleib ungewiss", "Outcome uncertain",
              "Ob Ihre Nachricht gesendet wurde, ist nicht bekannt. Sie wird nicht von selbst noch einmal gesendet, bis die Administration entscheidet.",
              "Whether your message was sent is not known. It is not sent again by itself before the administrators decide.", "delayed"};
    case ReportKind::confirmed:
      return {"Bestätigt", "Confirmed", "Zu Ihrer De-Mail ist eine Bestätigung eingegangen; sie wurde geprüft und liegt im Original bei.",
              "A confirmation of your De-Mail has arrived; it was verified, and is attached as it came.", "delivered"};
  }
  return {};
}

// One line of text for a field: what a peer wrote is escaped already, what is left of line ends goes.
std::string clean(std::string_view text, std::size_t cap) {
  std::string out = base::escape_remote(text, cap);
  for (char& c : out)
    if (static_cast<unsigned char>(c) > 126) c = '?';
  return out;
}

std::string explain(const ReportInput& in, bool german) {
  const Words w = words_of(in.kind);
  std::string out = std::string(german ? w.text_de : w.text_en) + "\r\n";
  const std::string& reason = german ? in.reason_de : in.reason_en;
  if (!reason.empty()) out += "\r\n" + base::escape_remote(reason, 1000) + "\r\n";
  out += std::string("\r\n") + (german ? "Betreff: " : "Subject: ") + base::escape_remote(in.original_subject, 200) + "\r\n";
  out += std::string(german ? "Angenommen: " : "Accepted: ") + base::format_local(in.arrived) + "\r\n\r\n";
  for (const ReportRecipient& r : in.recipients) {
    out += "  " + base::escape_remote(r.address, 320) + "\r\n";
    if (!r.how.empty()) out += "    " + base::escape_remote(r.how, 500) + "\r\n";
    if (!r.remote_host.empty()) out += std::string("    ") + (german ? "Gegenstelle: " : "Remote host: ") + base::escape_remote(r.remote_host, 255) + "\r\n";
    if (!r.diagnostic.empty()) out += std::string("    ") + (german ? "Antwort: " : "Reply: ") + base::escape_remote(r.diagnostic, 900) + "\r\n";
    if (r.retry_until != base::Timestamp{})
      out += std::string("    ") + (german ? "Wird versucht bis: " : "Tried until: ") + base::format_local(r.retry_until) + "\r\n";
  }
  return out;
}

std::string human_part(const ReportInput& in) {
  const bool german_first = in.language != "en";
  const std::string text = explain(in, german_first) + "\r\n--------\r\n\r\n" + explain(in, !german_first);
  std::string out = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n";
  const auto encoder = make_quoted_printable_encoder();
  encoder->feed(text, out);
  encoder->finish(out);
  return out;
}

std::string status_part(const ReportInput& in) {
  std::string out = "Content-Type: message/delivery-status\r\n\r\n";
  out += "Reporting-MTA: dns; " + in.hostname + "\r\n";
  if (!in.envelope_id.empty()) out += "Original-Envelope-Id: " + clean(in.envelope_id, 100) + "\r\n";
  out += "Arrival-Date: " + base::format_rfc5322(in.arrived) + "\r\n";
  for (const ReportRecipient& r : in.recipients) {
    out += "\r\n";
    if (!r.original.empty()) out += "Original-Recipient: " + clean(r.original, 500) + "\r\n";
    out += "Final-Recipient: " + std::string(base::is_ascii(r.address) ? "rfc822; " : "utf-8; ") + clean(r.address, 320) + "\r\n";
    out += "Action: " + (r.action.empty() ? std::string(words_of(in.kind).action) : r.action) + "\r\n";
    out += "Status: " + (r.status.empty() ? std::string(in.kind == ReportKind::failed ? "5.0.0" : in.kind == ReportKind::sent || in.kind == ReportKind::confirmed ? "2.0.0" : "4.0.0") : r.status) + "\r\n";
    if (!r.remote_host.empty()) out += "Remote-MTA: dns; " + clean(r.remote_host, 255) + "\r\n";
    if (!r.diagnostic.empty()) out += "Diagnostic-Code: smtp; " + clean(r.diagnostic, 900) + "\r\n";
    if (r.retry_until != base::Timestamp{}) out += "Will-Retry-Until: " + base::format_rfc5322(r.retry_until) + "\r\n";
  }
  return out;
}

base::Result<std::string> header_part(const ReportInput& in) {
  std::string out = "Content-Type: text/rfc822-headers\r\n\r\n";
  for (const auto& [name, value] : {std::pair<const char*, const std::string&>{"From", in.original_from},
                                    {"Subject", in.original_subject},
                                    {"Message-ID", in.original_message_id}}) {
    if (value.empty()) continue;
    auto field = format_field(name, base::escape_remote(value, 900));
    if (!field) return field;
    out += *field;
  }
  return out;
}

}  // namespace

const char* name_of(ReportKind kind) {
  switch (kind) {
    case ReportKind::failed: return "failed";
    case ReportKind::delayed: return "delayed";
    case ReportKind::sent: return "sent";
    case ReportKind::held: return "held";
    case ReportKind::overdue: return "overdue";
    case ReportKind::uncertain: return "uncertain";
    case ReportKind::confirmed: return "confirmed";
  }
  return "failed";
}

base::Result<std::string> compose_report(const ReportInput& in) {
  const Words w = words_of(in.kind);
  const bool german = in.language != "en";
  const std::string boundary = "report-" + base::to_hex(base::random_bytes(12));
  const std::string& title = german ? in.title_de : in.title_en;
  auto subject = format_field("Subject", (title.empty() ? std::string(german ? w.subject_de : w.subject_en) : title) + ": " + base::escape_remote(in.original_subject, 200));
  if (!subject) return subject;
  auto message_id = format_field("Message-ID", in.message_id);
  if (!message_id) return message_id;
  std::string out = "From: Amtsbote <MAILER-DAEMON@" + in.hostname + ">\r\nTo: <" + in.to.text() + ">\r\n" + *subject;
  out += "Date: " + base::format_rfc5322(in.now) + "\r\n" + *message_id;
  if (!in.original_message_id.empty()) {
    auto references = format_field("References", base::escape_remote(in.original_message_id, 900));
    if (references) out += *references;
  }
  out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  std::string report = "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" + boundary + "\"\r\n\r\n";
  auto headers = header_part(in);
  if (!headers) return headers;
  for (const std::string& part : {human_part(in), status_part(in), *headers}) report += "--" + boundary + "\r\n" + part + "\r\n";
  report += "--" + boundary + "--\r\n";
  if (in.evidence.empty()) return out + report;
  const bool seven_bit = base::is_ascii(in.evidence);
  const std::string outer = "mixed-" + base::to_hex(base::random_bytes(12)), encoding = seven_bit ? "7bit" : "8bit";
  out += "Content-Type: multipart/mixed; boundary=\"" + outer + "\"\r\nContent-Transfer-Encoding: " + encoding + "\r\n\r\n";
  out += "--" + outer + "\r\n" + report + "\r\n--" + outer + "\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: " + encoding +
         "\r\nContent-Disposition: attachment; filename=\"evidence.eml\"\r\n\r\n";
  return out.append(in.evidence).append("\r\n--").append(outer).append("--\r\n");
}

}  // namespace mail
