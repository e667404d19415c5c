#include "gateway/pipeline/notice.hpp"

#include "base/core/log.hpp"
#include "gateway/pipeline/events.hpp"

namespace pipeline {
namespace {

constexpr base::log::Event k_event_notice{"notice.failed"};

// Small ones share the group commit; a large one becomes a durable file first, and blocks meanwhile.
base::Result<store::StoredBody> at_rest(store::Store& store, const base::MessageId& mid, const base::SecretBytes& key, const std::string& text) {
  if (text.size() <= store::k_max_inline_body) return store::StoredBody{store::Store::seal_body(mid, key, text), {}, text.size()};
  auto file = store.create_spool_file(mid, key);
  if (!file) return std::move(file).error();
  if (auto done = (*file)->write(text); !done) return done.error();
  if (auto done = (*file)->finish(); !done) return done.error();
  if (auto done = (*file)->sync(); !done) return done.error();
  return store::StoredBody{{}, store::Store::spool_name(mid), text.size()};
}

}  // namespace

mail::ReportRecipient report_recipient(const RecipientRecord& record, const smtp::client::Outcome& outcome, const std::string& host, const std::string& how) {
  mail::ReportRecipient out;
  out.address = record.address.text();
  out.original = record.orcpt;
  out.status = outcome.reply.enhanced;
  out.remote_host = outcome.reply.code > 0 ? host : "";
  out.diagnostic = outcome.reply.text.printable(500);
  if (outcome.reply.code > 0 && !out.diagnostic.empty())
    out.diagnostic = std::to_string(outcome.reply.code) + " " + (outcome.reply.enhanced.empty() ? "" : outcome.reply.enhanced + " ") + out.diagnostic;
  out.how = how;
  return out;
}

void add_hold_notice(store::Store& store, const Snapshot& snapshot, const MessageRecord& record, const base::MessageId& mid, base::Timestamp now,
                     const std::vector<RecipientRecord>& recipients, store::Change& change) {
  NoticeInput notice{snapshot, record, mid, now, now, mail::ReportKind::held, {}, "", ""};
  for (const RecipientRecord& r : recipients) {
    const policies::PolicyDecision& d = r.decision;
    if (d.outcome != policies::Outcome::hold || r.notify.contains(smtp::Notify::never)) continue;
    if (notice.recipients.empty()) {
      const bool missing = d.reason == policies::Reason::no_key || d.reason == policies::Reason::no_signing_identity;
      notice.reason_de = missing ? german_text(refusal_of(d.reason), r.address.text(), d.rule) : "Die Regel \"" + d.rule + "\" hält sie an.";
      notice.reason_en = missing ? english_text(refusal_of(d.reason), r.address.text(), d.rule) : "The rule \"" + d.rule + "\" holds it.";
    }
    smtp::client::Outcome outcome;
    outcome.reply.enhanced = "4.7.1";
    outcome.reply.text = base::RemoteText(policies::name_of(d.reason));
    auto told = report_recipient(r, outcome, "", "");
    told.retry_until = r.expires;
    notice.recipients.push_back(std::move(told));
  }
  if (!notice.recipients.empty()) add_notice(store, notice, change);
}

void add_notice(store::Store& store, const NoticeInput& in, store::Change& change) {
  if (in.record.own_notice || !in.record.reverse_path) return;
  const mail::Address& to = *in.record.reverse_path;
  const config::Options& options = *in.snapshot.options;
  const config::RouteOptions* route = options.route_for(to.domain());
  if (route == nullptr) return;
  if (!in.evidence.empty() && !options.is_own_domain(to.domain())) return;
  store::NewMessage message;
  message.id = store.reserve_id();
  message.mid = base::MessageId::make(in.now);
  message.key = crypto::seal::make_message_key();
  message.received = in.now;

  mail::ReportInput report{in.kind, options.site.hostname, to, "<" + message.mid.text() + "@" + options.site.hostname + ">", in.now, in.received,
                           in.record.parameters.envid, in.record.language, in.reason_de, in.reason_en, in.recipients, in.record.from, in.record.subject,
                           in.record.message_id, in.title_de, in.title_en, in.evidence};
  const auto text = mail::compose_report(report);
  if (!text) {
    base::log::error(k_event_notice, {{"mid", in.about.text()}, {"error", text.error().describe()}});
    return;
  }
  auto body = at_rest(store, message.mid, message.key, *text);
  if (!body) {
    base::log::error(k_event_notice, {{"mid", in.about.text()}, {"error", body.error().describe()}});
    return;
  }
  message.body = *std::move(body);

  MessageRecord record;
  record.origin = {policies::ListenerRole::submission, "gateway", policies::Proof::none, "", ""};
  record.from = "MAILER-DAEMON@" + options.site.hostname;
  record.message_id = report.message_id;
  record.protocol = "ESMTP";
  record.receipt = base::EventId::make(in.now);
  // evidence is foreign content: such a notice goes to our mailboxes and nowhere else
  record.own_notice = in.evidence.empty();
  record.eight_bit = !base::is_ascii(in.evidence);
  record.language = in.record.language;
  RecipientRecord recipient;
  recipient.address = to;
  recipient.direction = options.is_own_domain(to.domain()) ? policies::Direction::internal : policies::Direction::outbound;
  recipient.notify = {smtp::Notify::never};
  recipient.decision.outcome = policies::Outcome::deliver;
  recipient.decision.rule = "notice";
  recipient.expires = in.now + options.retry.expiry;
  message.record = encode(record);
  message.recipients.push_back({store::State::due, in.now, route->name, 0, encode(recipient), to.domain()});
  message.tags = {to.folded()};

  const EventTime at{in.now, in.snapshot.cfg};
  const smtp::server::SessionInfo nobody;
  change.events.push_back(notice_event(at, in.about, message.mid, mail::name_of(in.kind)));
  change.events.push_back(accept_event(at, message.mid, record, {recipient}, text->size(), base::sha256(*text), nobody));
  change.inserts.push_back(std::move(message));
}

}  // namespace pipeline
