#include "simulator/issue/issue.hpp"

#include "base/core/bytes.hpp"
#include "mail/message/transfer_encoding.hpp"
#include "simulator/model/header_block.hpp"
#include "simulator/model/words.hpp"
#include "simulator/sign/pdf.hpp"
#include "simulator/sign/seal.hpp"
#include "simulator/sign/xml.hpp"

namespace simulator {
namespace {

using demail::MessageType;

constexpr const char* k_unknown_version = "9.9";
constexpr const char* k_nobody = "niemand@anderswo.de-mail.example";  // to whom nothing was sent

SystemAddress address_of(MessageType type) {
  switch (type) {
    case MessageType::dispatch: return SystemAddress::dispatch;
    case MessageType::receipt: return SystemAddress::receipt;
    case MessageType::retrieve: return SystemAddress::retrieve;
    case MessageType::malware_acknowledge: return SystemAddress::malware;
    default: return SystemAddress::notice;
  }
}

Trust trust_of(Fate fate) {
  if (fate == Fate::wrong_signer || fate == Fate::spoofed) return Trust::foreign;
  return fate == Fate::expired ? Trust::expired : Trust::good;
}

// Another character of the same kind at the end.
std::string other_id(std::string id) {
  if (!id.empty()) id.back() = id.back() == '0' ? '1' : '0';
  return id.empty() ? "0" : id;
}

// The hash of another body: the first letter behind "bh=" is another one.
std::string other_hash(std::string integrity) {
  const auto at = integrity.find("bh=");
  if (at != std::string::npos) integrity[at + 3] = integrity[at + 3] == 'A' ? 'B' : 'A';
  return integrity;
}

std::string encode(std::unique_ptr<mail::TransferEncoder> encoder, std::string_view bytes) {
  std::string out;
  encoder->feed(bytes, out);
  encoder->finish(out);
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

std::string crlf(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') out += '\r';
    if (c != '\r') out += c;
  }
  return out + "\r\n";
}

struct Parts {
  std::string boundary, body;
};

// A has a readable part in front and names its files; B has neither and calls the XML text.
Parts write_parts(Side issuer, const std::string& id, const Document& document, const std::string& xml, const std::string& pdf) {
  Parts out;
  out.boundary = "=_" + base::to_hex(digest(Hash::sha256, id)).substr(0, 24);
  const std::string mark = "--" + out.boundary;
  const bool a = issuer == Side::a;
  if (a)
    out.body += mark + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" +
                encode(mail::make_quoted_printable_encoder(), crlf(document.text));
  out.body += mark + "\r\nContent-Type: " +
              (a ? "application/xml; name=\"Bestaetigung.xml\"\r\nContent-Disposition: attachment; filename=\"Bestaetigung.xml\""
                 : "text/xml; charset=utf-8\r\nContent-Disposition: attachment") +
              "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + encode(mail::make_base64_encoder(), xml);
  out.body += mark + "\r\nContent-Type: application/pdf" + (a ? "; name=\"Bestaetigung.pdf\"" : "") +
              "\r\nContent-Disposition: attachment; filename=\"Bestaetigung.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
              encode(mail::make_base64_encoder(), pdf) + mark + "--\r\n";
  return out;
}

struct HeaderValues {
  const char* version = k_version;
  std::string subject;
  std::optional<bool> personal;                 // of a confirmation
  std::optional<demail::NotificationType> why;  // of a notification
};

std::string write_header(const Issued& issued, const HeaderValues& values, base::Timestamp now, const std::string& boundary) {
  const Provider& provider = provider_of(issued.side);
  HeaderBlock out(issued.side);
  out.add(demail::field::version, values.version);
  out.add(demail::field::message_id, issued.id);
  out.add(demail::field::message_type, word_of(issued.type));
  out.add(demail::field::originator_provider, provider.hostname);
  out.add(demail::field::sender, issued.from.text());
  demail::Recipients chosen;
  for (std::size_t i = 0; i < issued.to.size(); ++i) (i == 0 ? chosen.to : chosen.cc).push_back({"", issued.to[i]});
  out.add_list(demail::field::chosen_recipient, format_chosen(chosen));
  out.add_list(demail::field::actual_recipient, format_chosen(chosen));
  if (values.personal) out.add(demail::field::personal, *values.personal ? "yes" : "no");
  if (values.why) out.add(demail::field::notification_type, word_of(*values.why));
  out.add_raw(issued.private_id_field);
  out.add("From", issued.from.text());
  out.add("To", issued.to.front().text());
  if (issued.to.size() > 1) out.add("Cc", issued.to[1].text());
  out.add("Date", base::format_rfc5322(now));
  out.add("Subject", values.subject);
  out.add("Message-ID", issued.id.starts_with('<') ? issued.id : "<" + issued.id + "@" + provider.hostname + ">");
  out.add("Auto-Submitted", "auto-generated");
  out.add("MIME-Version", "1.0");
  out.add_raw("Content-Type: multipart/mixed; boundary=\"" + boundary + "\"\r\n");
  return out.text();
}

// Every field of the metadata that names recipients names somebody else, in value and raw line.
void rename_recipients(std::vector<Metadate>& metadata) {
  for (Metadate& m : metadata) {
    const bool list = base::equal_ignoring_case(m.name, demail::field::chosen_recipient) ||
                      base::equal_ignoring_case(m.name, demail::field::actual_recipient);
    if (!list && !base::equal_ignoring_case(m.name, "Envelope-to")) continue;
    m.value = (list ? "to=" : "") + std::string(k_nobody);
    m.original_header = m.name + ": " + m.value + (m.original_header.ends_with("\r\n") ? "\r\n" : "");
  }
}

Document describe(const ConfirmationOrder& order) {
  const Letter& letter = *order.letter;
  Document out;
  out.type = order.type;
  out.issuer = order.issuer;
  out.sender = system_address(order.issuer, address_of(order.type)).text();
  out.metadata = metadata_of(order.received_header, order.issuer);
  out.subject = std::string(german(order.type)) + ": " + letter.subject;
  std::string recipients;
  for (const mail::Address& r : order.recipients) recipients += (recipients.empty() ? "" : ", ") + r.text();
  if (order.fate == Fate::other_recipient) {
    recipients = k_nobody;
    rename_recipients(out.metadata);
  }
  out.hash = order.fate == Fate::wrong_hash ? other_hash(letter.integrity) : letter.integrity;
  out.text = confirmation_text(order.type, order.issuer, letter, recipients,
                               order.type == MessageType::dispatch ? letter.date : order.now, order.delivered);
  out.time = order.now;
  out.delivery_time = order.delivered;
  return out;
}

base::Result<std::string> write_xml(const Document& document, const Signer& signer, const IssueSettings& settings, Fate fate) {
  const std::string plain = format_xml(document);
  if (fate == Fate::unsigned_xml) return plain;
  if (fate == Fate::wrapped) {
    Document forged = document;
    forged.hash = other_hash(document.hash);
    forged.text += "\nDiese Bestätigung gilt für jede Nachricht.";
    return sign_wrapped_xml(format_xml(forged), plain, signer, settings.scheme, settings.hash);
  }
  auto out = sign_xml(plain, signer, settings.scheme, settings.hash);
  if (out && fate == Fate::altered_xml) out->insert(out->find("</Text>"), " Nachtrag.");
  return out;
}

}  // namespace

base::Result<Issued> issue_confirmation(const IssueSettings& settings, const ConfirmationOrder& order) {
  const Letter& letter = *order.letter;
  const Signer& signer = settings.pki->of(order.issuer).signer(settings.scheme, trust_of(order.fate));
  Issued out;
  out.side = order.issuer;
  out.type = order.type;
  out.from = system_address(order.issuer, address_of(order.type));
  out.id = make_id(order.issuer, order.now);
  if (letter.keeps_private_id || order.type == MessageType::dispatch) {
    out.private_id = letter.private_id;
    out.private_id_field = letter.private_id_field;
  }
  if (order.fate == Fate::wrong_private_id) {
    out.private_id = other_id(letter.private_id);
    out.private_id_field = std::string(demail::field::private_id) + ": " + out.private_id + "\r\n";
  }
  out.to = {letter.answer_to};
  // a copy for the recipient, but of a confirmation of dispatch
  if (order.type != MessageType::dispatch)
    out.to.push_back(order.fate == Fate::other_recipient ? *mail::Address::parse(k_nobody) : order.recipients.front());
  out.is_personal = order.type == MessageType::retrieve || letter.options.personal;
  const Document document = describe(order);
  const auto xml = write_xml(document, signer, settings, order.fate);
  if (!xml) return xml.error();
  const auto pdf = make_signed_pdf(document.subject, lines_of(document), signer, order.now);
  if (!pdf) return pdf.error();
  Parts parts = write_parts(order.issuer, out.id, document, *xml, *pdf);
  HeaderValues values;
  if (order.fate == Fate::unknown_version) values.version = k_unknown_version;
  values.subject = "*" + std::string(german(order.type)) + "* " + letter.subject;
  values.personal = out.is_personal;
  const std::string header = write_header(out, values, order.now, parts.boundary);
  const Seal how{settings.hash, order.fate == Fate::unsigned_xml ? Scheme::none : settings.scheme, &signer};
  auto sealed = seal(header, parts.body, order.issuer, how);
  if (!sealed) return sealed.error();
  if (order.fate == Fate::altered_mail) sealed->insert(sealed->find("\r\nSubject: ") + 11, "Re: ");
  out.header = *std::move(sealed);
  out.body = std::move(parts.body);
  return out;
}

base::Result<Issued> issue_notification(const IssueSettings& settings, const NotificationOrder& order) {
  const Signer& signer = settings.pki->of(order.issuer).signer(settings.scheme);
  Issued out;
  out.side = order.issuer;
  out.type = order.type;
  out.from = system_address(order.issuer, address_of(order.type));
  out.id = make_id(order.issuer, order.now);
  out.private_id = order.private_id;
  out.private_id_field = order.private_id_field;
  out.to = order.to;
  Document document;
  document.type = order.type;
  document.issuer = order.issuer;
  document.sender = provider_of(order.issuer).domain;
  document.subject = std::string(german(order.type)) + ": " + order.subject;
  document.text = order.text;
  document.time = order.now;
  Parts parts = write_parts(order.issuer, out.id, document, format_xml(document), make_pdf(document.subject, lines_of(document)));
  HeaderValues values;
  values.subject = document.subject;
  values.why = order.why;
  const std::string header = write_header(out, values, order.now, parts.boundary);
  // "Alle anderen Nachrichten können signiert werden": B does
  const Seal how{settings.hash, order.issuer == Side::b ? settings.scheme : Scheme::none, &signer};
  auto sealed = seal(header, parts.body, order.issuer, how);
  if (!sealed) return sealed.error();
  out.header = *std::move(sealed);
  out.body = std::move(parts.body);
  return out;
}

}  // namespace simulator
