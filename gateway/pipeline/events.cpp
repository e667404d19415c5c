#include "gateway/pipeline/events.hpp"

#include "gateway/pipeline/demail_in.hpp"
#include "policies/lang/legal.hpp"

namespace pipeline {
namespace {

using receipts::DisclosureClass;
using receipts::EventType;

store::LogEntry make(const EventTime& at, EventType type, std::optional<base::MessageId> mid, const char* out) {
  store::LogEntry entry{base::EventId::make(at.now), {}};
  entry.event.type = type;
  entry.event.mid = mid;
  entry.event.time = at.now;
  entry.event.out = out;
  entry.event.cfg = at.cfg;
  return entry;
}

void disclose(store::LogEntry& entry, DisclosureClass cls, const char* name, std::string value) {
  if (!value.empty()) entry.event.disclosures.push_back({cls, name, std::move(value)});
}

std::string path_text(const mail::ReversePath& path) { return path ? path->text() : "<>"; }

// All recipients in one disclosure: their number would not fit a leaf.
std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : "\n").append(word);
  return out;
}

std::string hex(const base::Sha256Digest& digest) { return base::to_hex(base::view(digest)); }

std::string joined(const std::vector<certs::Fingerprint>& keys) {
  std::vector<std::string> words;
  for (const auto& key : keys) words.push_back(key.hex);
  return joined(words);
}

}  // namespace

store::LogEntry accept_event(const EventTime& at, const base::MessageId& mid, const MessageRecord& record, const std::vector<RecipientRecord>& recipients,
                             std::uint64_t size, const base::Sha256Digest& digest, const smtp::server::SessionInfo& session) {
  const bool own = !policies::is_from_outside(record.origin.role);
  auto entry = make(at, own ? EventType::msg_accept : EventType::msg_accept_ext, mid, "accepted");
  entry.eid = record.receipt;
  entry.event.rc = receipts::ReplyCode{250, "2.0.0"};
  entry.event.ch = policies::name_of(record.origin.role);
  entry.event.facts = {{"size", static_cast<std::int64_t>(size)},
                       {"rcpts", static_cast<std::int64_t>(recipients.size())},
                       {"proof", std::string(policies::name_of(record.origin.proof))}};
  std::vector<std::string> to;
  for (const auto& r : recipients) to.push_back(r.address.text());
  disclose(entry, DisclosureClass::env, "reverse_path", path_text(record.reverse_path));
  disclose(entry, DisclosureClass::env, "to", joined(to));
  disclose(entry, DisclosureClass::env, "from", record.from);
  disclose(entry, DisclosureClass::env, "principal", record.origin.principal);
  disclose(entry, DisclosureClass::env, "department", record.origin.department);
  disclose(entry, DisclosureClass::msg, "subject", record.subject);
  disclose(entry, DisclosureClass::msg, "message_id", record.message_id);
  disclose(entry, DisclosureClass::msg, "sha256", hex(digest));
  disclose(entry, DisclosureClass::peer, "address", session.peer_address);
  disclose(entry, DisclosureClass::peer, "helo", session.helo);
  if (session.tls) disclose(entry, DisclosureClass::peer, "tls", session.tls->version + " " + session.tls->cipher);
  return entry;
}

store::LogEntry decide_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, const RecipientRecord& recipient) {
  const policies::PolicyDecision& d = recipient.decision;
  auto entry = make(at, EventType::msg_decide, mid, policies::name_of(d.outcome));
  entry.event.rx = rx;
  entry.event.ret = d.receipts_class;
  entry.event.actor = "policy";
  entry.event.facts = {{"direction", std::string(policies::name_of(recipient.direction))},
                       {"encrypt", std::string(d.encrypt ? certs::name_of(*d.encrypt) : "none")},
                       {"sign", std::string(policies::name_of(d.sign))},
                       {"clear", std::int64_t{d.plaintext ? 1 : 0}}};
  disclose(entry, DisclosureClass::dec, "recipient", recipient.address.text());
  disclose(entry, DisclosureClass::dec, "rule", d.rule);
  disclose(entry, DisclosureClass::dec, "trail", policies::format_trail(d));
  std::vector<std::string> legal;
  for (const policies::LegalEffect* effect : policies::legal_effects_of(d, at.now)) legal.push_back(effect->key);
  disclose(entry, DisclosureClass::dec, "legal", joined(legal));
  return entry;
}

store::LogEntry reject_event(const EventTime& at, const policies::Origin& origin, const mail::ReversePath& path, const std::vector<std::string>& recipients,
                             const smtp::Reply& reply, const char* word, const std::string& peer) {
  auto entry = make(at, EventType::msg_reject, std::nullopt, word);
  entry.event.rc = receipts::ReplyCode{static_cast<std::uint16_t>(reply.code), reply.enhanced};
  entry.event.ch = policies::name_of(origin.role);
  disclose(entry, DisclosureClass::env, "reverse_path", path_text(path));
  disclose(entry, DisclosureClass::env, "to", joined(recipients));
  disclose(entry, DisclosureClass::env, "principal", origin.principal);
  disclose(entry, DisclosureClass::dec, "reply", joined(reply.lines));
  disclose(entry, DisclosureClass::peer, "address", peer);
  return entry;
}

store::LogEntry transform_event(const EventTime& at, const base::MessageId& mid, std::uint32_t group, const crypto::ProtectReport& report) {
  auto entry = make(at, EventType::msg_transform, mid, report.encrypted ? (report.signed_ ? "signed_encrypted" : "encrypted") : "signed");
  entry.event.facts = {{"group", std::int64_t{group}}, {"method", report.method}};
  if (!report.cipher.empty()) entry.event.facts.push_back({"cipher", report.cipher});
  disclose(entry, DisclosureClass::msg, "in", hex(report.input));
  disclose(entry, DisclosureClass::msg, "out", hex(report.output));
  disclose(entry, DisclosureClass::dec, "keys", joined(report.recipients));
  if (report.signer) disclose(entry, DisclosureClass::dec, "signer", report.signer->hex);
  return entry;
}

store::LogEntry opened_event(const EventTime& at, const base::MessageId& mid, std::uint32_t group, const crypto::Opened& opened,
                             policies::SignatureVerdict verdict, const std::string& signer) {
  const char* out = opened.was_encrypted ? (opened.opened ? "opened" : "unopened") : "verified";
  auto entry = make(at, EventType::msg_transform, mid, out);
  entry.event.facts = {{"group", std::int64_t{group}}, {"signature", std::string(policies::name_of(verdict))}};
  if (!opened.cipher.empty()) entry.event.facts.push_back({"cipher", opened.cipher});
  std::vector<std::string> findings;
  for (const auto finding : opened.findings) findings.emplace_back(crypto::name_of(finding));
  disclose(entry, DisclosureClass::dec, "findings", joined(findings));
  disclose(entry, DisclosureClass::dec, "layers", joined(opened.layers));
  disclose(entry, DisclosureClass::dec, "signer", signer);
  for (const auto& s : opened.signers) disclose(entry, DisclosureClass::dec, "signer_key", s.fingerprint.hex);
  if (entry.event.disclosures.size() > 8) entry.event.disclosures.resize(8);  // several signers are a finding already
  return entry;
}

store::LogEntry attempt_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, const std::string& route, std::uint32_t attempt) {
  auto entry = make(at, EventType::relay_attempt, mid, "begun");
  entry.event.rx = rx;
  entry.event.facts = {{"attempt", std::int64_t{attempt}}};
  disclose(entry, DisclosureClass::peer, "route", route);
  return entry;
}

store::LogEntry outcome_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, bool mailbox, const smtp::client::Outcome& outcome,
                              const std::string& host, const std::string& tls) {
  using smtp::client::OutcomeKind;
  EventType type = EventType::relay_unknown;
  const char* out = "unknown";
  switch (outcome.kind) {
    case OutcomeKind::ok:
      type = mailbox ? EventType::mbox_ok : EventType::relay_ok;
      out = mailbox ? "delivered" : "handed_over";
      break;
    case OutcomeKind::temporary:
      type = EventType::relay_defer;
      out = "deferred";
      break;
    case OutcomeKind::permanent:
      type = mailbox ? EventType::mbox_fail : EventType::relay_fail;
      out = "failed";
      break;
    case OutcomeKind::unknown: break;
  }
  auto entry = make(at, type, mid, out);
  entry.event.rx = rx;
  if (outcome.reply.code >= 200 && outcome.reply.code < 600)
    entry.event.rc = receipts::ReplyCode{static_cast<std::uint16_t>(outcome.reply.code), outcome.reply.enhanced};
  disclose(entry, DisclosureClass::peer, "host", host);
  disclose(entry, DisclosureClass::peer, "tls", tls);
  disclose(entry, DisclosureClass::peer, "reply", outcome.reply.text.printable(1000));
  return entry;
}

store::LogEntry demail_event(const EventTime& at, EventType type, const base::MessageId& mid, std::uint32_t rx, const char* out) {
  auto entry = make(at, type, mid, out);
  entry.event.rx = rx;
  entry.event.ch = "demail";
  return entry;
}

store::LogEntry demail_opened_event(const EventTime& at, const base::MessageId& mid, std::uint32_t group, const DeMailVerdict& verdict) {
  const bool proven = verdict.integrity.is_proven();
  auto entry = make(at, EventType::msg_transform, mid, proven ? "demail_proven" : verdict.integrity.is_whole() ? "demail_whole" : "demail_unproven");
  entry.event.ch = "demail";
  entry.event.facts = {{"group", std::int64_t{group}}, {"authoritative", std::int64_t{verdict.fields.options.authoritative && proven ? 1 : 0}}};
  if (verdict.fields.level) entry.event.facts.push_back({"level", std::string(demail::name_of(*verdict.fields.level))});
  std::vector<std::string> findings;
  for (const auto finding : verdict.integrity.findings) findings.emplace_back(demail::name_of(finding));
  for (const auto finding : verdict.fields.findings) findings.emplace_back(demail::name_of(finding));
  disclose(entry, DisclosureClass::dec, "findings", joined(findings));
  disclose(entry, DisclosureClass::msg, "provider_id", verdict.fields.message_id);
  disclose(entry, DisclosureClass::env, "sender", verdict.fields.sender ? verdict.fields.sender->text() : "");
  return entry;
}

store::LogEntry hold_event(const EventTime& at, const base::MessageId& mid, std::uint32_t rx, const char* actor, const std::string& reason) {
  auto entry = make(at, EventType::msg_hold, mid, "held");
  entry.event.rx = rx;
  entry.event.actor = actor;
  disclose(entry, DisclosureClass::dec, "reason", reason);
  return entry;
}

store::LogEntry notice_event(const EventTime& at, const base::MessageId& about, const base::MessageId& notice, const char* kind) {
  auto entry = make(at, EventType::dsn_sent, about, kind);
  entry.event.facts = {{"notice", notice.text()}};
  return entry;
}

store::LogEntry person_event(const EventTime& at, EventType type, const base::MessageId& mid, std::uint32_t rx, const std::string& who,
                             const std::string& reason) {
  auto entry = make(at, type, mid, "done");
  entry.event.rx = rx;
  entry.event.actor = "person";
  disclose(entry, DisclosureClass::dec, "who", who);
  disclose(entry, DisclosureClass::dec, "reason", reason);
  return entry;
}

}  // namespace pipeline
