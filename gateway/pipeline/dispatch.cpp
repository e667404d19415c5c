#include "gateway/pipeline/dispatch.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/core/log.hpp"
#include "base/core/random.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/notice.hpp"

namespace pipeline {
namespace {

using base::net::Awaitable;
using smtp::client::Outcome;
using smtp::client::OutcomeKind;

constexpr base::log::Event k_event_delivered{"message.delivery"};
constexpr base::log::Event k_event_trouble{"message.trouble"};
constexpr base::log::Event k_event_exception{"message.exception"};
constexpr std::size_t k_recover_lot = 1000;

std::uint32_t draw_jitter() {
  std::uint32_t value = 0;
  base::fill_random(&value, sizeof value);
  return value % 1000;
}

Outcome unknown_outcome(const char* text) {
  Outcome out;
  out.kind = OutcomeKind::unknown;
  out.reply.text = base::RemoteText(text);
  return out;
}

Outcome temporary_outcome(const char* enhanced, std::string text) {
  Outcome out;
  out.kind = OutcomeKind::temporary;
  out.reply.enhanced = enhanced;
  out.reply.text = base::RemoteText(std::move(text));
  return out;
}

bool may_notify(const MessageRecord& record) { return !record.own_notice && record.reverse_path.has_value(); }

bool is_mailbox(const Group& group) { return group.first().direction != policies::Direction::outbound; }

void count(Metrics& metrics, store::State to, OutcomeKind kind) {
  if (kind == OutcomeKind::unknown) metrics.uncertain.add();
  if (to == store::State::delivered) metrics.delivered.add();
  if (to == store::State::failed) metrics.failed.add();
  if (to == store::State::due) metrics.deferred.add();
}

std::string how_it_left(const RecipientRecord& record, const std::string& tls) {
  const auto& d = record.decision;
  std::string out = d.encrypt ? (*d.encrypt == certs::Method::smime ? "S/MIME" : "OpenPGP") + std::string(", encrypted")
                              : "not encrypted by the gateway";
  if (d.key) out += " for key " + d.key->fingerprint.hex.substr(0, 16);
  if (d.demail) return "De-Mail (" + demail::describe(d.demail->options) + "); transport: " + (tls.empty() ? "none" : tls);
  if (d.signer) out += ", signed";
  return out + "; transport: " + (tls.empty() ? "none" : tls);
}

}  // namespace

Dispatch::Dispatch(Context& context, boost::asio::any_io_executor executor)
    : m_context(context), m_executor(executor), m_lanes(context, executor), m_timer(executor) {}

// `in flight` at start means: the process died between an attempt's begin and its outcome.
base::Result<void> Dispatch::recover() {
  const auto snapshot = m_context.current.get();
  while (true) {
    const auto ids = m_context.store->find_in_state(store::State::in_flight, k_recover_lot);
    if (!ids) return ids.error();
    if (ids->empty()) return base::Done{};
    for (const std::int64_t id : *ids) {
      auto row = m_context.store->load(id, false);
      if (!row) return std::move(row).error();
      if (!*row) continue;
      store::Change change;
      const base::Timestamp now = m_context.clock->now();
      for (const auto& r : (*row)->recipients) {
        if (r.state != store::State::in_flight) continue;
        auto record = decode_recipient(r.record);
        if (!record) return std::move(record).error();
        const Addressee addressee{r, *std::move(record)};
        SettleInput input{addressee,
                          store::State::in_flight,
                          unknown_outcome("the gateway was stopped during the attempt"),
                          (*row)->received,
                          now,
                          500,
                          false};
        input.carrier = carrier_times(*snapshot->options, addressee.record);
        auto settled = settle(snapshot->options->retry, input);
        settled.update.id = id;
        if (settled.update.to == store::State::due) settled.update.due = now;
        change.updates.push_back(std::move(settled.update));
        const bool mailbox = addressee.record.direction != policies::Direction::outbound;
        change.events.push_back(outcome_event({now, snapshot->cfg}, (*row)->mid, r.rx, mailbox, input.outcome, "", ""));
      }
      if (auto done = m_context.store->commit_and_wait(std::move(change)); !done) return done;
    }
  }
}

void Dispatch::start() { spawn(run(), 0); }

// One failing coroutine costs one message its turn, never the daemon.
void Dispatch::spawn(Awaitable<void> work, std::int64_t id) {
  if (id != 0) ++m_active[id];
  boost::asio::co_spawn(m_executor, std::move(work), [this, id](std::exception_ptr thrown) {
    if (thrown) {
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        base::log::error(k_event_exception, {{"id", id}, {"what", e.what()}});
      }
    }
    if (id != 0) finish(id);
  });
}

bool Dispatch::reserve(std::int64_t id) {
  if (m_stopping || m_active.size() >= k_max_active) return false;
  m_active.emplace(id, 0);
  return true;
}

void Dispatch::taken(Accepted message) {
  const std::int64_t id = message.row.id;
  std::vector<Addressee> due;
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    const auto& r = message.row.recipients[i];
    if (r.state == store::State::due) due.push_back({r, std::move(message.recipients[i])});
  }
  spawn(carry(std::move(message.row), std::move(message.record), std::move(due)), id);
}

void Dispatch::dropped(std::int64_t id) { finish(id); }

void Dispatch::finish(std::int64_t id) {
  if (const auto it = m_active.find(id); it != m_active.end() && (it->second == 0 || --it->second == 0)) m_active.erase(it);
  if (m_shares.take_room()) m_woken = true;
  // room again: what waits in the store may come
  if (m_woken && has_room()) m_timer.cancel();
}

void Dispatch::wake() {
  m_woken = true;
  if (has_room()) m_timer.cancel();
}

// What nobody decided in time: the sender is told that it failed. Mail from outside stays held until somebody decides, and
// its sender hears nothing.
Awaitable<void> Dispatch::expire_holds() {
  auto job = [this] { return m_context.store->find_expired_holds(m_context.clock->now(), k_lot); };
  const auto ids = co_await base::net::run_on(*m_context.blocking, std::move(job));
  if (!ids) co_return;
  const SnapshotPtr snapshot = m_context.current.get();
  const base::Timestamp now = m_context.clock->now();
  for (const std::int64_t id : *ids) {
    auto load = [this, id] { return m_context.store->load(id, false); };
    auto row = co_await base::net::run_on(*m_context.blocking, std::move(load));
    if (!row || !*row) continue;
    const auto record = decode_message((*row)->record);
    if (!record || !record->internal_sender) continue;
    Group group;
    for (const auto& r : (*row)->recipients) {
      if (r.state != store::State::held || r.due > now) continue;
      auto recipient = decode_recipient(r.record);
      if (recipient) group.members.push_back({r, *std::move(recipient)});
    }
    if (group.members.empty()) continue;
    Delivery expired;
    Outcome outcome = temporary_outcome("5.4.7", "held, and nobody decided in time");
    outcome.kind = OutcomeKind::permanent;
    expired.outcomes.assign(group.members.size(), outcome);
    std::vector<store::LogEntry> none;
    co_await settle_group(*snapshot, **row, *record, group, store::State::held, std::move(expired), std::move(none));
  }
}

Awaitable<void> Dispatch::process(store::MessageRow row) {
  auto record = decode_message(row.record);
  if (!record) {
    base::log::error(k_event_trouble, {{"mid", row.mid.text()}, {"error", record.error().describe()}});
    note_unreadable(row.id);
    co_return;
  }
  const base::Timestamp now = m_context.clock->now();
  std::vector<Addressee> due;
  for (const auto& r : row.recipients) {
    if (r.state != store::State::due || r.due > now) continue;
    auto recipient = decode_recipient(r.record);
    if (!recipient) {
      base::log::error(k_event_trouble, {{"mid", row.mid.text()}, {"error", recipient.error().describe()}});
      note_unreadable(row.id);
      continue;
    }
    due.push_back({r, *std::move(recipient)});
  }
  co_await carry(std::move(row), *std::move(record), std::move(due));
}

// A message whose groups several coroutines deliver, each the next one that nobody has taken.
struct Dispatch::Carried {
  SnapshotPtr snapshot;
  store::MessageRow row;
  MessageRecord record;
  std::vector<Group> groups;
  std::size_t next = 0;
};

Awaitable<void> Dispatch::carry(store::MessageRow row, MessageRecord record, std::vector<Addressee> due) {
  const SnapshotPtr snapshot = m_context.current.get();
  if (record.origin.role == config::ListenerRole::demail) {
    const bool ended = co_await take_news(*snapshot, row, due);
    if (ended) co_return;
  }
  auto groups = plan(*snapshot->options, std::move(due));
  const std::size_t hands = std::min(groups.size(), k_groups_at_once);
  const auto carried = std::make_shared<Carried>(Carried{snapshot, std::move(row), std::move(record), std::move(groups)});
  for (std::size_t i = 1; i < hands; ++i) spawn(deliver_groups(carried), carried->row.id);
  co_await deliver_groups(carried);
}

Awaitable<void> Dispatch::deliver_groups(std::shared_ptr<Carried> carried) {
  while (carried->next < carried->groups.size()) {
    Group group = std::move(carried->groups[carried->next++]);
    co_await deliver_group(carried->snapshot, carried->row, carried->record, std::move(group));
  }
}

// Nothing: it cannot leave now, and was put off or held.
Awaitable<std::optional<Prepared>> Dispatch::prepare_or_end(SnapshotPtr snapshot, const store::MessageRow& row, const MessageRecord& record, Group& group) {
  std::vector<store::LogEntry> events;
  auto prepared = co_await make_ready(snapshot, row, record, group);
  if (!prepared) {
    base::log::warning(k_event_trouble, {{"mid", row.mid.text()}, {"error", prepared.error().describe()}});
    if (is_temporary(prepared.error())) {
      co_await put_off(*snapshot, row, record, group, std::move(events), "4.3.0", prepared.error().code.name);
    } else {
      std::string why = prepared.error().code.name;
      co_await hold_group(*snapshot, row, record, std::move(group), std::move(events), std::move(why), 0);
    }
    co_return std::nullopt;
  }
  if (!prepared->mail) {
    events = std::move(prepared->events);
    for (Addressee& a : group.members) a.record.decision = *prepared->second;
    std::string why = policies::name_of(prepared->second->reason);
    const int reason = static_cast<int>(prepared->second->reason);
    co_await hold_group(*snapshot, row, record, std::move(group), std::move(events), std::move(why), reason);
    co_return std::nullopt;
  }
  std::optional<Prepared> out = *std::move(prepared);
  co_return out;
}

// A message whose other recipients may be due before this lane has room is not passed over: each look takes it up again.
void Dispatch::set_aside(const store::MessageRow& row, const Group& group, const std::string& lane) {
  const auto waiting = std::count_if(row.recipients.begin(), row.recipients.end(), [](const auto& r) { return r.state == store::State::due; });
  if (static_cast<std::size_t>(waiting) == group.members.size()) m_shares.set_aside(row.id, lane);
}

Awaitable<void> Dispatch::deliver_group(SnapshotPtr snapshot, const store::MessageRow& row, const MessageRecord& record,
                                        Group group) {
  if (group.route == nullptr) {
    std::vector<store::LogEntry> nothing;
    co_await put_off(*snapshot, row, record, group, std::move(nothing), "4.3.5", "no route is configured for this recipient");
    co_return;
  }
  const std::string lane = Lanes::name_of(*group.route, group.lane_domain, group.floor);
  auto seat = m_shares.take(lane, free_places());
  if (!seat) {
    set_aside(row, group, lane);
    co_return;
  }
  auto prepared = co_await prepare_or_end(snapshot, row, record, group);
  if (!prepared) co_return;
  auto* external = std::get_if<ExternalMail>(&*prepared->mail);
  const base::ContentPtr content = external != nullptr ? std::visit([](const auto& m) { return m.content(); }, *external)
                                                       : std::get<MailboxMail>(*prepared->mail).content;
  Parcel parcel = parcel_of(record, group, *prepared, content);
  // the place first: what waits for a connection when the process dies was not tried, and must not look as if it had been
  auto place = co_await m_lanes.enter(snapshot, parcel);
  if (m_stopping) co_return;
  if (!place) {
    set_aside(row, group, lane);
    seat->step_back();
    co_return;
  }
  if (group.first().decision.demail) {
    const bool may_go = co_await count_demail(*snapshot, group);
    if (!may_go) {
      co_await put_off(*snapshot, row, record, group, std::move(prepared->events), "4.7.0",
                       "the De-Mail account has sent what it may send in a day");
      co_return;
    }
  }
  const bool begun = co_await begin(*snapshot, row, group, std::move(prepared->events));
  if (!begun) co_return;
  Delivery delivery;
  if (external != nullptr)
    delivery = co_await m_lanes.send_external(snapshot, std::move(parcel), std::move(*external), std::move(place));
  else
    delivery = co_await m_lanes.send_to_mailbox(snapshot, std::move(parcel), std::move(std::get<MailboxMail>(*prepared->mail)),
                                                std::move(place));
  std::vector<store::LogEntry> none;
  co_await settle_group(*snapshot, row, record, group, store::State::in_flight, std::move(delivery), std::move(none));
}

// Not tried: something of ours stands in the way, and may be gone later.
Awaitable<void> Dispatch::put_off(const Snapshot& snapshot, const store::MessageRow& row, const MessageRecord& record,
                                  const Group& group, std::vector<store::LogEntry> events, const char* enhanced,
                                  const char* why) {
  Delivery later;
  later.outcomes.assign(group.members.size(), temporary_outcome(enhanced, why));
  co_await settle_group(snapshot, row, record, group, store::State::due, std::move(later), std::move(events));
}

// Plain passing costs nothing and stays here; cryptography goes to its pool, large files to the blocking one, and gpg to the
// one whose threads may be lost.
Awaitable<base::Result<Prepared>> Dispatch::make_ready(SnapshotPtr snapshot, const store::MessageRow& row,
                                                       const MessageRecord& record, const Group& group) {
  const PrepareInput input{*snapshot, row, record, group, m_context.store->scratch_directory(), m_context.clock->now()};
  const auto& d = group.first().decision;
  const bool inbound = group.first().direction == policies::Direction::inbound;
  const bool crypto = d.encrypt || d.signer || inbound;
  if (!reads_body(input) || (!crypto && row.size <= store::k_max_inline_body)) co_return prepare(input, *m_budget);
  auto& measured = inbound ? m_context.metrics.open_seconds : m_context.metrics.protect_seconds;
  const base::Steady begun = m_context.clock->steady();
  if (m_context.openpgp != nullptr) {
    bool openpgp = false;
    if (inbound) {
      auto look = [&input] { return needs_openpgp(input); };
      openpgp = co_await base::net::run_on(*m_context.blocking, std::move(look));
    } else {
      openpgp = needs_openpgp(input);
    }
    if (openpgp) {
      PrepareJob lasting(std::move(snapshot), input, m_budget);
      auto made = co_await m_context.openpgp->run(std::move(lasting));
      measured.observe(m_context.clock->steady() - begun);
      co_return made;
    }
  }
  auto job = [this, &input, &measured] {
    const base::Steady started = m_context.clock->steady();
    auto made = prepare(input, *m_budget);
    measured.observe(m_context.clock->steady() - started);
    return made;
  };
  auto result = co_await base::net::run_on(inbound ? *m_context.blocking : *m_context.crypto, std::move(job));
  co_return result;
}

Parcel Dispatch::parcel_of(const MessageRecord& record, const Group& group, const Prepared& prepared,
                           const base::ContentPtr& content) const {
  Parcel out{*group.route, group.lane_domain, group.floor, {}, prepared.dot_lines, prepared.top};
  auto& t = out.transaction;
  t.reverse_path = record.reverse_path;
  if (const auto& choice = group.first().decision.demail) {
    if (auto sender = mail::Address::parse(choice->sender)) t.reverse_path = *std::move(sender);
    // its fields name all recipients: one without some of them might reach those all the same, and once more later
    t.all_or_none = true;
  }
  t.parameters.size = content->size().value + prepared.top.size();
  t.parameters.smtputf8 = record.parameters.smtputf8;
  t.parameters.envid = record.parameters.envid;
  // what comes back from the internal server must not carry opened content to the outside
  if (is_mailbox(group))
    t.parameters.ret_full = false;
  else
    t.parameters.ret_full = record.parameters.ret_full;
  t.eight_bit = prepared.eight_bit;
  for (const Addressee& a : group.members) {
    smtp::RecipientParameters parameters;
    parameters.notify = a.record.notify;
    parameters.orcpt = a.record.orcpt;
    t.recipients.push_back({a.record.address, std::move(parameters)});
  }
  return out;
}

// The attempt is on record before its first byte leaves.
Awaitable<bool> Dispatch::begin(const Snapshot& snapshot, const store::MessageRow& row, const Group& group,
                                std::vector<store::LogEntry> events) {
  store::Change change;
  const EventTime at{m_context.clock->now(), snapshot.cfg};
  change.events = std::move(events);
  for (const Addressee& a : group.members) {
    store::RecipientUpdate u;
    u.id = row.id;
    u.rx = a.row.rx;
    u.from = store::State::due;
    u.to = store::State::in_flight;
    u.due = a.row.due;
    u.attempts = a.row.attempts;
    u.reason = a.row.reason;
    if (a.record.carried) u.record = encode(a.record);
    change.updates.push_back(std::move(u));
    change.events.push_back(attempt_event(at, row.mid, a.row.rx, group.route->name, a.row.attempts + 1));
  }
  if (const auto& choice = group.first().decision.demail)
    if (const auto count = m_today.find(choice->account); count != m_today.end())
      change.marks.emplace_back(day_mark_of(choice->account), encode(count->second));
  const auto done = co_await m_context.store->commit(std::move(change));
  // an administrator was faster, or the disk is full: nothing has left
  if (!done) base::log::warning(k_event_trouble, {{"mid", row.mid.text()}, {"error", done.error().describe()}});
  co_return done.has_value();
}

Awaitable<void> Dispatch::settle_group(const Snapshot& snapshot, const store::MessageRow& row, const MessageRecord& record,
                                       const Group& group, store::State from, Delivery delivery,
                                       std::vector<store::LogEntry> events) {
  store::Change change;
  change.is_outcome = true;
  change.events = std::move(events);
  const EventTime at{m_context.clock->now(), snapshot.cfg};
  std::map<mail::ReportKind, std::vector<mail::ReportRecipient>> notices;
  const auto* department = snapshot.options->find_department(record.origin.department);
  for (std::size_t i = 0; i < group.members.size(); ++i) {
    const Addressee& a = group.members[i];
    const Outcome& outcome = delivery.outcomes[i];
    SettleInput input{a, from, outcome, row.received, at.now, draw_jitter(), may_notify(record)};
    input.tells_sent =
        department != nullptr && department->notify_sent && group.first().direction == policies::Direction::outbound;
    input.peer_does_dsn = delivery.peer_does_dsn;
    input.carrier = carrier_times(*snapshot.options, a.record);
    auto settled = settle(snapshot.options->retry, input);
    settled.update.id = row.id;
    change.events.push_back(outcome_event(at, row.mid, a.row.rx, is_mailbox(group), outcome, delivery.host, delivery.tls));
    if (settled.update.to == store::State::submitted) {
      change.events.push_back(demail_event(at, receipts::EventType::demail_submit, row.mid, a.row.rx, "submitted"));
      change.events.back().event.facts = {{"group", std::int64_t{group.number}}};  // of the private-id that confirmations name
    }
    // the peer put it off and our patience is at its end: two facts, each with its receipt
    if (settled.update.to == store::State::failed && outcome.kind != OutcomeKind::permanent) {
      Outcome expired = temporary_outcome("4.4.7", "expired: not delivered in time");
      expired.kind = OutcomeKind::permanent;
      change.events.push_back(outcome_event(at, row.mid, a.row.rx, is_mailbox(group), expired, "", ""));
    }
    if (settled.notice) {
      auto reported = report_recipient(a.record, outcome, delivery.host,
                                       *settled.notice == mail::ReportKind::sent ? how_it_left(a.record, delivery.tls) : "");
      if (*settled.notice == mail::ReportKind::delayed) reported.retry_until = settled.record.expires;
      notices[*settled.notice].push_back(std::move(reported));
    }
    base::log::info(k_event_delivered, {{"mid", row.mid.text()},
                                        {"rx", static_cast<std::uint64_t>(a.row.rx)},
                                        {"state", store::name_of(settled.update.to)},
                                        {"host", delivery.host},
                                        {"tls", delivery.tls},
                                        {"reply", outcome.reply.text.printable(200)}});
    count(m_context.metrics, settled.update.to, outcome.kind);
    change.updates.push_back(std::move(settled.update));
  }
  if (from == store::State::in_flight) uncount_demail(group, delivery, change);
  for (auto& [kind, recipients] : notices)
    add_notice(*m_context.store, {snapshot, record, row.mid, row.received, at.now, kind, std::move(recipients), "", ""}, change);
  co_await commit_outcome(row.mid, std::move(change));
}

Awaitable<void> Dispatch::hold_group(const Snapshot& snapshot, const store::MessageRow& row, const MessageRecord& record,
                                     Group group, std::vector<store::LogEntry> events, std::string why, int reason) {
  store::Change change;
  change.events = std::move(events);
  const EventTime at{m_context.clock->now(), snapshot.cfg};
  std::vector<mail::ReportRecipient> told;
  for (const Addressee& a : group.members) {
    auto settled = settle_hold(snapshot.options->retry, a, store::State::due, why, at.now);
    settled.update.id = row.id;
    settled.update.reason = reason;
    m_context.metrics.held.add();
    change.updates.push_back(std::move(settled.update));
    change.events.push_back(hold_event(at, row.mid, a.row.rx, reason == 0 ? "gateway" : "policy", why));
    // held mail from outside stays between the gateway and its administrators
    if (settled.notice && record.internal_sender) {
      auto reported = report_recipient(a.record, temporary_outcome("4.7.1", why), "", "");
      reported.retry_until = settled.record.expires;
      told.push_back(std::move(reported));
    }
  }
  if (!told.empty())
    add_notice(*m_context.store,
               {snapshot, record, row.mid, row.received, at.now, mail::ReportKind::held, std::move(told), "", ""}, change);
  co_await commit_outcome(row.mid, std::move(change));
}

Awaitable<void> Dispatch::commit_outcome(const base::MessageId& mid, store::Change change) {
  const bool has_notice = !change.inserts.empty();
  bool sooner = false;  // than the dispatcher means to look again
  for (const auto& u : change.updates) {
    const bool waits = u.to == store::State::due || u.to == store::State::submitted || u.to == store::State::unknown;
    sooner = sooner || (waits && u.due < m_wakes_at);
  }
  const base::MessageId about = mid;
  const auto done = co_await m_context.store->commit(std::move(change));
  if (!done) base::log::error(k_event_trouble, {{"mid", about.text()}, {"error", done.error().describe()}});
  if (has_notice || sooner) wake();
}

Awaitable<void> Dispatch::drain(std::chrono::seconds at_most) {
  m_stopping = true;
  m_timer.cancel();
  const base::Steady until = m_context.clock->steady() + at_most;
  while (!m_active.empty() && m_context.clock->steady() < until) {
    boost::asio::steady_timer pause(m_executor, std::chrono::milliseconds(20));
    boost::system::error_code ignored;
    co_await pause.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, ignored));
  }
  co_await m_lanes.close_idle();
}

}  // namespace pipeline
