#include "simulator/issue/document.hpp"

#include <array>
#include <cstdio>
#include <ctime>

#include "mail/message/header.hpp"
#include "simulator/sign/xml.hpp"

namespace simulator {
namespace {

constexpr std::array k_metadata{"x-de-mail-confirmation-of-dispatch",
                                "x-de-mail-confirmation-of-receipt",
                                "x-de-mail-confirmation-of-retrieve",
                                "x-de-mail-authoritative",
                                "x-de-mail-private",
                                "x-de-mail-sender",
                                "x-de-mail-chosen-recipient",
                                "Subject",
                                "x-de-mail-private-id",
                                "Reply-To",
                                "x-de-mail-auth-level",
                                "x-de-mail-auth-mechanism",
                                "Date",
                                "x-de-mail-message-id",
                                "x-de-mail-originator-provider",
                                "x-de-mail-message-type",
                                "x-de-mail-integrity",
                                "x-de-mail-signature-certificate",
                                "x-de-mail-actual-recipient",
                                "Envelope-to",
                                "x-de-mail-version",
                                "x-de-mail-account-holder",
                                "From",
                                "Message-ID"};

// xs:dateTime: to the second in UTC at A, to the millisecond in the zone of Berlin's winter at B.
std::string date_time(base::Timestamp t, Side style) {
  if (style == Side::a) return base::format_utc(t).substr(0, 19) + "Z";
  const std::string shifted = base::format_utc(t + std::chrono::hours(1));
  return shifted.substr(0, 23) + "+01:00";
}

// "01.03.2026 08:15"
std::string people_time(base::Timestamp t) {
  const std::string utc = base::format_utc(t);
  return utc.substr(8, 2) + "." + utc.substr(5, 2) + "." + utc.substr(0, 4) + " " + utc.substr(11, 5);
}

std::string element(std::string_view name, std::string_view value) {
  return "<" + std::string(name) + ">" + escape_xml(value) + "</" + std::string(name) + ">";
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == '\n')
      out.emplace_back();
    else if (c != '\r')
      out.back() += c;
  }
  return out;
}

}  // namespace

const char* german(demail::MessageType type) {
  using enum demail::MessageType;
  switch (type) {
    case dispatch: return "Versandbestätigung";
    case receipt: return "Eingangsbestätigung";
    case retrieve: return "Abholbestätigung";
    case malware_acknowledge:
    case malware_notification: return "Schadsoftware-Warnung";
    case normal:
    case notification:
    case identification: return "Meldung";
  }
  return "";
}

std::vector<Metadate> metadata_of(std::string_view header, Side issuer) {
  bool clean = true;
  const mail::Header parsed = mail::Header::parse_leniently(std::string(header), clean);
  std::vector<Metadate> out;
  for (const char* name : k_metadata) {
    const mail::HeaderField* field = parsed.find(name);
    if (field == nullptr) continue;
    std::string raw(field->raw);
    if (issuer == Side::b && raw.ends_with("\r\n")) raw.resize(raw.size() - 2);
    out.push_back({std::string(field->name), field->value(), std::move(raw)});
  }
  return out;
}

std::string confirmation_text(demail::MessageType type, Side issuer, const Letter& letter, const std::string& recipients,
                              base::Timestamp when, std::optional<base::Timestamp> delivered) {
  std::string out;
  if (type == demail::MessageType::retrieve)
    out =
        "Hiermit wird bestätigt, dass sich der Empfänger der Nachricht mit den folgenden Angaben an seinem De-Mail-Konto sicher "
        "angemeldet hat.\n\n";
  else if (type == demail::MessageType::malware_acknowledge)
    out =
        "In der Nachricht mit den folgenden Angaben wurde Schadsoftware gefunden. Sie wurde gelöscht; der Empfänger hat sie "
        "nicht erhalten.\n\n";
  else
    out = std::string("Hiermit wird bestätigt, dass die Nachricht mit den folgenden Angaben ") +
          (type == demail::MessageType::dispatch ? "an den Empfänger versandt" : "im Postfach des Empfängers abgelegt") +
          " wurde.\n\n";
  if (delivered) out += "Zeitpunkt des Eingangs der Nachricht: " + people_time(*delivered) + " Uhr\n";
  out += "Absender: " + letter.sender.text() + "\nEmpfänger: " + recipients + "\nDatum: " + people_time(when) +
         " Uhr (UTC)\nBetreff: " + letter.subject + "\nNachrichten-ID: " + letter.id + "\nPrüfsumme: " + letter.integrity +
         "\n\nDie Bestätigung erfolgte durch " + provider_of(issuer).name + " https://" + provider_of(issuer).domain + "/";
  return out;
}

std::string format_xml(const Document& d) {
  const bool notice = d.metadata.empty();
  const char* root = notice ? "Notification-Message" : "Acknowledge-Message";
  std::string out = std::string("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<") + root + " xmlns=\"urn:de-mail\">";
  const std::string sender = element("Sender", d.sender), subject = element("Subject", d.subject), text = element("Text", d.text),
                    time = element("Time", date_time(d.time, d.issuer));
  if (notice) return out + subject + text + time + sender + "</" + root + ">\n";
  out += sender + "<Metadata>";
  for (const Metadate& m : d.metadata)
    out += "<Metadate>" + element("Name", m.name) + element("Value", m.value) + element("OriginalHeader", m.original_header) +
           "</Metadate>";
  out += "</Metadata>" + subject + text + element("Hash", d.hash) + time;
  if (d.delivery_time) out += element("DeliveryTime", date_time(*d.delivery_time, d.issuer));
  return out + "</" + root + ">\n";
}

std::vector<std::string> lines_of(const Document& d) {
  std::vector<std::string> out{d.subject, ""};
  for (std::string& line : split_lines(d.text)) out.push_back(std::move(line));
  out.insert(out.end(), {"", "Aussteller: " + d.sender, "Zeitpunkt: " + date_time(d.time, d.issuer)});
  if (d.delivery_time) out.push_back("Eingang: " + date_time(*d.delivery_time, d.issuer));
  if (!d.hash.empty()) out.push_back("Hashwert: " + d.hash);
  if (!d.metadata.empty()) out.insert(out.end(), {"", "Metadaten der Nachricht:"});
  for (const Metadate& m : d.metadata) out.push_back(m.name + ": " + m.value);
  return out;
}

}  // namespace simulator
