#include "gateway/pipeline/demail_news.hpp"

#include <algorithm>

#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/notice.hpp"

namespace pipeline {
namespace {

using demail::MessageType;
using receipts::EventType;

struct Words {
  EventType event = EventType::demail_notice;
  const char* out = "";                       // of the event
  const char *title_de = "", *title_en = "";  // of the mail to the sender
  const char *text_de = "", *text_en = "";
  const char* action = "";  // RFC 3464 section 2.3.3
  const char* status = "";
};

Words lost_by_notice(std::optional<demail::NotificationType> type) {
  using enum demail::NotificationType;
  Words w{EventType::demail_notice, "other", "De-Mail nicht zugestellt", "De-Mail not delivered", "", "", "failed", "5.0.0"};
  switch (type.value_or(other)) {
    case unknown_recipient:
      w.out = "unknown-recipient", w.status = "5.1.1";
      w.text_de = "Der De-Mail-Anbieter meldet: Die Empfängeradresse ist nicht bekannt.";
      w.text_en = "The De-Mail provider says that the recipient's address is not known.";
      return w;
    case closed_account:
      w.out = "closed-account", w.status = "5.2.1";
      w.text_de = "Der De-Mail-Anbieter meldet: Das Konto des Empfängers ist geschlossen oder gesperrt.";
      w.text_en = "The De-Mail provider says that the recipient's account is closed or locked.";
      return w;
    case invalid_format:
      w.out = "invalid-format", w.status = "5.6.0";
      w.text_de = "Der De-Mail-Anbieter meldet: Die Nachricht hat ein Format, das er nicht annimmt.";
      w.text_en = "The De-Mail provider says that it does not take a message of this form.";
      return w;
    case other:
      w.text_de =
          "Der De-Mail-Anbieter meldet, dass die Nachricht nicht zugestellt wurde; sein Grund steht in der beigefügten Meldung.";
      w.text_en = "The De-Mail provider says that the message was not delivered; its reason stands in the notification attached.";
      return w;
  }
  return w;
}

Words words_of(const demail::Fields& fields) {
  switch (fields.type) {
    case MessageType::dispatch:
      return {EventType::demail_dispatch,
              "dispatched",
              "Versandbestätigung",
              "Dispatch confirmation",
              "Der De-Mail-Anbieter bestätigt, dass er die Nachricht versandt hat. Ob sie im Postfach des Empfängers liegt, sagt "
              "das noch nicht.",
              "The De-Mail provider confirms that it sent the message. That does not say yet that it lies in the recipient's "
              "mailbox.",
              "relayed",
              "2.0.0"};
    case MessageType::receipt:
      return {EventType::demail_receipt,
              "received",
              "Eingangsbestätigung",
              "Receipt confirmation",
              "Der De-Mail-Anbieter des Empfängers bestätigt, dass die Nachricht in dessen Postfach liegt.",
              "The recipient's De-Mail provider confirms that the message lies in his mailbox.",
              "delivered",
              "2.0.0"};
    case MessageType::retrieve:
      return {EventType::demail_retrieve,
              "retrieved",
              "Abholbestätigung",
              "Collection confirmation",
              "Der De-Mail-Anbieter des Empfängers bestätigt, dass sich der Empfänger nach dem Eingang sicher angemeldet hat. Ob "
              "er die Nachricht gelesen hat, sagt das nicht.",
              "The recipient's De-Mail provider confirms that he logged in securely after the message had arrived. That does not "
              "say that he read it.",
              "delivered",
              "2.0.0"};
    case MessageType::malware_acknowledge:
    case MessageType::malware_notification:
      return {EventType::demail_malware,
              "malware",
              "Schadsoftware gefunden: De-Mail nicht zugestellt",
              "Malware found: De-Mail not delivered",
              "Der De-Mail-Anbieter hat in der Nachricht Schadsoftware gefunden und sie nicht zugestellt.",
              "The De-Mail provider found malware in the message and did not deliver it.",
              "failed",
              "5.7.1"};
    case MessageType::notification: return lost_by_notice(fields.notification);
    case MessageType::normal:
    case MessageType::identification: break;
  }
  return {};
}

std::string pem(const char* what, const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& der : all) {
    const std::string text = base::to_base64(der);
    out += "-----BEGIN " + std::string(what) + "-----\n";
    for (std::size_t at = 0; at < text.size(); at += 64) out += text.substr(at, 64) + "\n";
    out += "-----END " + std::string(what) + "-----\n";
  }
  return out;
}

// As it came, with whom it was verified by, and what was known of revocations then.
std::vector<store::EvidenceFile> files_of(const NewsThatCounts& news) {
  std::vector<store::EvidenceFile> out{{"message.eml", base::Bytes(news.raw)}};
  const demail::Evidence& e = news.evidence;
  if (!e.integrity.chain.empty()) out.push_back({"header-chain.pem", pem("CERTIFICATE", e.integrity.chain)});
  if (!e.xml_chain.empty()) out.push_back({"xml-chain.pem", pem("CERTIFICATE", e.xml_chain)});
  std::vector<std::string> chain = e.integrity.chain;
  chain.insert(chain.end(), e.xml_chain.begin(), e.xml_chain.end());
  const auto trust = news.in.snapshot.keys->trust_under(news.in.snapshot.demail_anchors);
  const std::vector<std::string> crls = trust ? certs::crls_about(**trust, chain) : std::vector<std::string>{};
  if (!crls.empty()) out.push_back({"crls.pem", pem("X509 CRL", crls)});
  return out;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : "\n").append(word);
  return out;
}

void add_facts(const NewsThatCounts& news, store::LogEntry& entry) {
  const demail::Evidence& e = news.evidence;
  auto& facts = entry.event.facts;
  facts.push_back({"confirmation", news.in.row.mid.text()});
  if (e.confirmation) facts.push_back({"stated", base::format_utc(e.confirmation->time)});
  if (e.confirmation && e.confirmation->delivery_time)
    facts.push_back({"arrived", base::format_utc(*e.confirmation->delivery_time)});
  facts.push_back({"signed", std::int64_t{e.integrity.is_proven() ? 1 : 0}});
  if (e.integrity.is_signed)
    facts.push_back(
        {"revocation", e.integrity.findings.contains(demail::IntegrityFinding::revocation_unknown) ? "unknown" : "checked"});
  using receipts::DisclosureClass;
  auto& disclosures = entry.event.disclosures;
  const auto disclose = [&](DisclosureClass cls, const char* name, std::string value) {
    if (!value.empty()) disclosures.push_back({cls, name, std::move(value)});
  };
  disclose(DisclosureClass::msg, "sha256", base::to_hex(base::view(base::sha256(news.raw))));
  disclose(DisclosureClass::msg, "provider_id", e.fields.message_id);
  if (e.from) disclose(DisclosureClass::dec, "issuer", e.from->text());
  disclose(DisclosureClass::dec, "findings", joined(news.findings));
}

// What came ends with the message that it is about.
void end_what_came(const NewsInput& in, const Words& words, const char* out, const base::MessageId& about,
                   store::Change& change) {
  for (const Addressee& a : in.due) {
    auto entry = demail_event({in.now, in.snapshot.cfg}, words.event, in.row.mid, a.row.rx, out);
    entry.event.facts.push_back({"about", about.text()});
    change.events.push_back(std::move(entry));
    store::RecipientUpdate u;
    u.id = in.row.id;
    u.rx = a.row.rx;
    u.from = a.row.state;
    u.from_due = a.row.due;
    u.to = store::State::delivered;
    u.due = in.now;
    u.attempts = a.row.attempts;
    u.reason = a.row.reason;
    change.updates.push_back(std::move(u));
  }
}

void tell_sender(const NewsThatCounts& news, const Words& words, store::Change& change) {
  NoticeInput notice{
      news.in.snapshot, news.record,  news.row.mid, news.row.received, news.in.now, mail::ReportKind::confirmed, {},
      words.text_de,    words.text_en};
  if (std::string_view(words.action) == "failed") notice.kind = mail::ReportKind::failed;
  notice.title_de = words.title_de;
  notice.title_en = words.title_en;
  notice.evidence = news.raw;
  for (const Addressee& a : news.concerned) {
    if (a.record.notify.contains(smtp::Notify::never)) continue;
    mail::ReportRecipient told;
    told.address = a.record.address.text();
    told.original = a.record.orcpt;
    told.status = words.status;
    told.action = words.action;
    notice.recipients.push_back(std::move(told));
  }
  if (!notice.recipients.empty()) add_notice(news.in.store, notice, change);
}

}  // namespace

std::string own_id_of(const demail::Evidence& evidence, base::ByteView raw) {
  const std::string issuer = evidence.from ? evidence.from->domain() : "";
  // what has no id is known by its bytes
  const std::string id = evidence.fields.message_id.empty() ? base::to_hex(base::view(base::sha256(raw))) : evidence.fields.message_id;
  return std::string(demail::name_of(evidence.fields.type)) + "\n" + issuer + "\n" + id;
}

CarrierWord word_of(MessageType type) {
  switch (type) {
    case MessageType::dispatch: return CarrierWord::dispatched;
    case MessageType::receipt: return CarrierWord::received;
    case MessageType::retrieve: return CarrierWord::retrieved;
    case MessageType::malware_acknowledge:
    case MessageType::malware_notification:
    case MessageType::notification:
    case MessageType::normal:
    case MessageType::identification: break;
  }
  return CarrierWord::lost;
}

Settled make_settled(const NewsThatCounts& news) {
  const NewsInput& in = news.in;
  const Words words = words_of(news.evidence.fields);
  CarrierNews heard{word_of(news.evidence.fields.type), "", ""};
  if (news.evidence.confirmation) {
    heard.message_id = std::string(base::trim(news.evidence.confirmation->metadatum(demail::field::message_id)));
    heard.integrity = news.evidence.confirmation->hash;
  }
  const auto& options = in.snapshot.options->demail;
  const CarrierTimes times{options.overdue, options.uncertain, options.retrieve};
  Settled out{{}, news.row.mid, words.out};
  for (const Addressee& a : news.concerned) {
    auto settled = settle_news(times, a, heard, in.now);
    settled.update.id = news.row.id;
    auto entry = demail_event({in.now, in.snapshot.cfg}, words.event, news.row.mid, a.row.rx, words.out);
    entry.event.disclosures.push_back({receipts::DisclosureClass::dec, "recipient", a.record.address.text()});
    add_facts(news, entry);
    if (out.change.evidence.empty())
      out.change.evidence.push_back({entry.eid, news.row.mid, own_id_of(news.evidence, news.raw), heard.message_id, files_of(news)});
    out.change.events.push_back(std::move(entry));
    out.change.updates.push_back(std::move(settled.update));
  }
  tell_sender(news, words, out.change);
  end_what_came(in, words, words.out, news.row.mid, out.change);
  return out;
}

bool is_mail_due(const NewsThatCounts& news) {
  const config::Options& options = *news.in.snapshot.options;
  const mail::ReversePath& to = news.record.reverse_path;
  if (news.record.own_notice || !to || !options.is_own_domain(to->domain()) || options.route_for(to->domain()) == nullptr) return false;
  return std::any_of(news.concerned.begin(), news.concerned.end(),
                     [](const Addressee& a) { return !a.record.notify.contains(smtp::Notify::never); });
}

Settled make_repeated(const NewsInput& in, const demail::Evidence& evidence, const base::MessageId& about) {
  Settled out{{}, about, "repeated"};
  end_what_came(in, words_of(evidence.fields), "repeated", about, out.change);
  return out;
}

}  // namespace pipeline
