#include <algorithm>

#include "base/core/log.hpp"
#include "gateway/pipeline/demail_in.hpp"
#include "gateway/pipeline/dispatch.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/notice.hpp"
#include "gateway/store/errors.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;
using smtp::client::Outcome;

constexpr base::log::Event k_event_news{"demail.news"};
constexpr base::log::Event k_event_overdue{"demail.overdue"};
constexpr base::log::Event k_event_uncertain{"demail.uncertain"};
constexpr int k_news_attempts = 5;
constexpr std::chrono::seconds k_news_pause{2};  // until news is looked at again that came too early

constexpr const char* k_uncertain_de =
    "Die Verbindung zum De-Mail-Anbieter brach ab, bevor er antwortete, und keine Bestätigung nennt die Nachricht. Bitte fragen "
    "Sie beim Empfänger nach, oder "
    "lassen Sie die Administration im De-Mail-Konto nachsehen; läuft eine Frist, wählen Sie einen anderen Weg.";
constexpr const char* k_uncertain_en =
    "The connection to the De-Mail provider broke before it answered, and no confirmation names the message. Please ask the "
    "recipient, or let the administrators "
    "look into the De-Mail account; where a deadline runs, choose another way.";
constexpr const char* k_overdue_de =
    "Rechnen Sie nicht damit, dass die De-Mail angekommen ist; läuft eine Frist, wählen Sie einen anderen Weg. Die "
    "Administration kann im De-Mail-Konto nachsehen.";
constexpr const char* k_overdue_en =
    "Do not count on the arrival of the De-Mail; where a deadline runs, choose another way. The administrators can look into the "
    "De-Mail account.";

bool heard_all(const RecipientRecord& record) {
  const demail::Options& asked = record.decision.demail->options;
  const Carried& c = *record.carried;
  return (c.dispatched || !asked.dispatch) && (c.received || !asked.receipt) && (c.retrieved || !asked.retrieve);
}

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
      const bool ends = settled.update.to == store::State::delivered;
      if (!ends)
        base::log::warning(is_unknown ? k_event_uncertain : k_event_overdue, {{"mid", (*row)->mid.text()}, {"rx", static_cast<std::uint64_t>(r.rx)}});
      if (!ends || !heard_all(addressee.record))
        change.events.push_back(demail_event(at, type, (*row)->mid, r.rx, is_unknown ? "uncertain" : ends ? "incomplete" : "overdue"));
      if (is_unknown) change.events.push_back(hold_event(at, (*row)->mid, r.rx, "gateway", "demail_uncertain"));
      if (settled.notice) {
        const Outcome why = is_unknown ? told("4.4.2", "uncertain") : told("4.4.7", "overdue");
        (is_unknown ? uncertain : overdue).push_back(report_recipient(addressee.record, why, "", ""));
      }
      if (is_unknown) m_context.metrics.held.add();
      change.updates.push_back(std::move(settled.update));
    }
    if (!uncertain.empty())
      add_notice(*m_context.store,
                 {*snapshot, *record, (*row)->mid, (*row)->received, now, mail::ReportKind::uncertain, std::move(uncertain),
                  k_uncertain_de, k_uncertain_en},
                 change);
    if (!overdue.empty())
      add_notice(*m_context.store,
                 {*snapshot, *record, (*row)->mid, (*row)->received, now, mail::ReportKind::overdue, std::move(overdue),
                  k_overdue_de, k_overdue_en},
                 change);
    co_await commit_outcome((*row)->mid, std::move(change));
  }
}

Awaitable<bool> Dispatch::count_demail(const Snapshot& snapshot, Group& group) {
  const std::string name = group.first().decision.demail->account;
  const auto* account = snapshot.options->demail.find_account(name);
  if (account == nullptr) co_return false;
  if (!m_today.contains(name)) {
    auto job = [this, name] { return m_context.store->mark(day_mark_of(name)); };
    const auto stored = co_await base::net::run_on(*m_context.blocking, std::move(job));
    if (!stored) co_return false;
    m_today.emplace(name, *stored ? decode_day_count(**stored) : DayCount{});
  }
  DayCount& count = m_today[name];
  const auto counted = with_one_more(count, *account, group.members.size(), day_of(m_context.clock->now()));
  if (counted) count = *counted;
  for (Addressee& a : group.members) {
    if (!a.record.carried) a.record.carried.emplace();
    a.record.carried->group = group.number;
  }
  co_return counted.has_value();
}

void Dispatch::uncount_demail(const Group& group, const Delivery& delivery, store::Change& change) {
  const auto& choice = group.first().decision.demail;
  if (!choice) return;
  using smtp::client::OutcomeKind;
  const bool was_taken = std::any_of(delivery.outcomes.begin(), delivery.outcomes.end(),
                                     [](const Outcome& o) { return o.kind == OutcomeKind::ok || o.kind == OutcomeKind::unknown; });
  const auto it = m_today.find(choice->account);
  if (was_taken || it == m_today.end()) return;
  it->second = with_one_less(it->second, group.members.size(), day_of(m_context.clock->now()));
  change.marks.emplace_back(day_mark_of(choice->account), encode(it->second));
}

Awaitable<bool> Dispatch::take_news(const Snapshot& snapshot, const store::MessageRow& row, const std::vector<Addressee>& due) {
  if (due.empty()) co_return false;
  // what a person released is judged once more: the anchors may have been mended; if it proves nothing still, it is mail
  const bool released = due.front().record.released;
  const base::Timestamp now = m_context.clock->now();
  const NewsInput input{*m_context.store, snapshot, row, due, now};
  for (int attempt = 0; attempt < k_news_attempts; ++attempt) {
    auto job = [&input] { return read_news(input); };
    auto news = co_await base::net::run_on(*m_context.blocking, std::move(job));
    if (news && std::holds_alternative<Ordinary>(*news)) co_return false;
    if (news && std::holds_alternative<Doubtful>(*news)) {
      if (released) co_return false;
      co_await hold_news(snapshot, row, due, std::get<Doubtful>(*news));
      co_return true;
    }
    if (!news || std::holds_alternative<Later>(*news)) {
      base::log::warning(k_event_news, {{"mid", row.mid.text()}, {"error", news ? std::get<Later>(*news).why : news.error().describe()}});
      break;
    }
    auto& settled = std::get<Settled>(*news);
    const bool has_notice = !settled.change.inserts.empty();
    const auto done = co_await m_context.store->commit(std::move(settled.change));
    if (done) {
      base::log::info(k_event_news, {{"mid", row.mid.text()}, {"about", settled.about.text()}, {"out", settled.out}});
      m_context.metrics.demail_news.add();
      if (has_notice) wake();
      co_return true;
    }
    // its message changed since it was read, by the other confirmation that came with this one: read it again
    if (done.error().code == store::k_wrong_state) continue;
    base::log::warning(k_event_news, {{"mid", row.mid.text()}, {"error", done.error().describe()}});
    break;
  }
  co_await postpone_news(row, due);
  co_return true;
}

Awaitable<void> Dispatch::hold_news(const Snapshot& snapshot, const store::MessageRow& row, const std::vector<Addressee>& due, const Doubtful& doubtful) {
  const base::Timestamp now = m_context.clock->now();
  store::Change change;
  base::log::warning(k_event_news, {{"mid", row.mid.text()}, {"held", doubtful.why}});
  m_context.metrics.demail_doubtful.add();
  std::string findings;
  for (const std::string& finding : doubtful.findings) findings.append(findings.empty() ? "" : "\n").append(finding);
  for (const Addressee& a : due) {
    auto held = settle_hold(snapshot.options->retry, a, store::State::due, doubtful.why, now);
    held.update.id = row.id;
    m_context.metrics.held.add();
    change.events.push_back(hold_event({now, snapshot.cfg}, row.mid, a.row.rx, "gateway", doubtful.why));
    if (!findings.empty()) change.events.back().event.disclosures.push_back({receipts::DisclosureClass::dec, "findings", findings});
    change.updates.push_back(std::move(held.update));
  }
  co_await commit_outcome(row.mid, std::move(change));
}

Awaitable<void> Dispatch::postpone_news(const store::MessageRow& row, const std::vector<Addressee>& due) {
  const base::Timestamp now = m_context.clock->now();
  store::Change change;
  for (const Addressee& a : due) {
    store::RecipientUpdate u;
    u.id = row.id;
    u.rx = a.row.rx;
    u.from = u.to = store::State::due;
    u.from_due = a.row.due;
    u.due = now + k_news_pause;
    u.attempts = a.row.attempts;
    u.reason = a.row.reason;
    change.updates.push_back(std::move(u));
  }
  co_await commit_outcome(row.mid, std::move(change));
}

}  // namespace pipeline
