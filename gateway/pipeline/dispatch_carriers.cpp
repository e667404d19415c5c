#include "gateway/pipeline/dispatch.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/notice.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;
using smtp::client::Outcome;

constexpr const char* k_uncertain_de =
    "Ob der De-Mail-Anbieter die Nachricht angenommen hat, ist nicht bekannt, und keine Bestätigung nennt sie. Sie wird nicht "
    "von selbst noch einmal gesendet. "
    "Bitte fragen Sie beim Empfänger nach, oder lassen Sie die Administration im Postfach des De-Mail-Kontos nachsehen.";
constexpr const char* k_uncertain_en =
    "Whether the De-Mail provider took the message is not known, and no confirmation names it. It is not sent again by itself. "
    "Please ask the recipient, or let the "
    "administrators look into the De-Mail account.";
constexpr const char* k_overdue_de =
    "Der De-Mail-Anbieter hat die Nachricht angenommen, aber die Eingangsbestätigung steht aus. Rechnen Sie nicht damit, dass "
    "die Nachricht angekommen ist, "
    "und wählen Sie bei laufenden Fristen einen anderen Weg.";
constexpr const char* k_overdue_en =
    "The De-Mail provider took the message, but the confirmation of receipt is missing. Do not count on its arrival; where a "
    "deadline runs, choose another way.";

Outcome told(const char* enhanced, const char* text) {
  Outcome out;
  out.reply.enhanced = enhanced;
  out.reply.text = base::RemoteText(text);
  return out;
}

}  // namespace

// Of a De-Mail something is heard within hours; where nothing was, somebody must know.
Awaitable<void> Dispatch::watch_carriers() {
  auto job = [this] { return m_context.store->find_overdue(m_context.clock->now(), k_lot); };
  const auto ids = co_await base::net::run_on(*m_context.blocking, std::move(job));
  if (!ids) co_return;
  const SnapshotPtr snapshot = m_context.current.get();
  const base::Timestamp now = m_context.clock->now();
  for (const std::int64_t id : *ids) {
    auto load = [this, id] { return m_context.store->load(id, false); };
    auto row = co_await base::net::run_on(*m_context.blocking, std::move(load));
    if (!row || !*row) continue;
    const auto record = decode_message((*row)->record);
    if (!record) continue;
    store::Change change;
    const EventTime at{now, snapshot->cfg};
    std::vector<mail::ReportRecipient> uncertain, overdue;
    for (const auto& r : (*row)->recipients) {
      const bool is_unknown = r.state == store::State::unknown;
      if ((!is_unknown && r.state != store::State::submitted) || r.due > now) continue;
      auto recipient = decode_recipient(r.record);
      if (!recipient) continue;
      const Addressee addressee{r, *std::move(recipient)};
      auto settled = settle_overdue(snapshot->options->retry, addressee, now);
      settled.update.id = id;
      const auto type = is_unknown ? receipts::EventType::demail_uncertain : receipts::EventType::demail_overdue;
      change.events.push_back(demail_event(at, type, (*row)->mid, r.rx, r.rx, is_unknown ? "uncertain" : "overdue"));
      if (is_unknown) change.events.push_back(hold_event(at, (*row)->mid, r.rx, "gateway", "demail_uncertain"));
      if (settled.notice) {
        auto reported =
            report_recipient(addressee.record, is_unknown ? told("4.4.2", "uncertain") : told("4.4.7", "overdue"), "", "");
        reported.retry_until = is_unknown ? settled.record.expires : settled.update.due;
        (is_unknown ? uncertain : overdue).push_back(std::move(reported));
      }
      if (is_unknown) m_context.metrics.held.add();
      change.updates.push_back(std::move(settled.update));
    }
    if (!uncertain.empty())
      add_notice(*m_context.store,
                 {*snapshot, *record, (*row)->mid, (*row)->received, now, mail::ReportKind::held, std::move(uncertain),
                  k_uncertain_de, k_uncertain_en},
                 change);
    if (!overdue.empty())
      add_notice(*m_context.store,
                 {*snapshot, *record, (*row)->mid, (*row)->received, now, mail::ReportKind::delayed, std::move(overdue),
                  k_overdue_de, k_overdue_en},
                 change);
    co_await commit_outcome((*row)->mid, std::move(change));
  }
}

}  // namespace pipeline
