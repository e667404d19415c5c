// The queue: what is under way, and what a person may do about it. Everything that changes is one commit of {change, events},
// with the person and the reason in the log.
#include <algorithm>

#include <boost/json/array.hpp>

#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/web/timeline.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/events.hpp"
#include "gateway/pipeline/record.hpp"
#include "gateway/pipeline/settle.hpp"
#include "gateway/store/errors.hpp"
#include "mail/message/inspect.hpp"
#include "policies/lang/fault.hpp"

namespace app {
namespace {

using receipts::EventType;
using store::State;

constexpr std::size_t k_max_list = 10'000;
constexpr std::size_t k_retry_lot = 10'000;  // not fewer than one message may have recipients
constexpr std::size_t k_max_reason = 1000;
constexpr std::size_t k_max_trail_lines = 2000;

json::object reason_error() { return error_answer("a reason must be given: it stands in the log", k_exit_error); }

std::string reason_name(int reason) {
  const auto value = static_cast<policies::Reason>(reason);
  return value == policies::Reason::none ? "" : policies::name_of(value);
}

// Clear columns only: a list is read over shoulders and copied into tickets. `show` opens one message.
json::object row_as_json(const store::MessageRow& row) {
  json::array recipients;
  for (const store::RecipientRow& r : row.recipients)
    recipients.emplace_back(json::object{{"rx", r.rx},
                                         {"state", store::name_of(r.state)},
                                         {"due", base::format_utc(r.due)},
                                         {"attempts", r.attempts},
                                         {"route", r.route},
                                         {"reason", reason_name(r.reason)}});
  return {{"mid", row.mid.text()}, {"received", base::format_utc(row.received)}, {"size", row.size}, {"recipients", std::move(recipients)}};
}

// What a list or a retry asks for; `answer` says what is wrong where it returns nothing.
std::optional<store::ListFilter> filter_of(const Task& task, json::object& answer) {
  store::ListFilter filter;
  const std::string state = text_of(task.request, "state"), reason = text_of(task.request, "reason"), domain = text_of(task.request, "domain");
  for (const State s : {State::held, State::due, State::in_flight, State::unknown, State::submitted})
    if (state == store::name_of(s)) filter.state = s;
  for (int r = 1; r <= static_cast<int>(policies::Reason::demail_ended); ++r)
    if (reason == reason_name(r)) filter.reason = r;
  if (!state.empty() && !filter.state) answer = error_answer("no such state", k_exit_error);
  if (!reason.empty() && !filter.reason)
    answer = error_answer("no such reason: no_rule, no_key, refused_by_rule, held_by_rule, quarantined, lookup_unknown, no_signing_identity, demail_no_account, demail_not_reachable, "
                          "demail_not_allowed or demail_ended", k_exit_error);
  if (!domain.empty()) {
    const auto parsed = mail::parse_domain(domain);
    if (!parsed) answer = error_answer("no domain: " + shown(domain), k_exit_error);
    if (parsed) filter.domain = *parsed;
  }
  filter.route = text_of(task.request, "route");
  filter.department = text_of(task.request, "department");
  filter.account = text_of(task.request, "account");
  if (const auto age = number_of(task.request, "age_seconds")) filter.received_before = task.live.now() - std::chrono::seconds(std::clamp<std::int64_t>(*age, 0, 1LL << 32));
  if (!answer.empty()) return std::nullopt;
  return filter;
}

// Where a filter lets nothing through, its name may be misspelt; mail may still stand under a name that the configuration had before.
std::string unknown_names(const Task& task, const store::ListFilter& filter) {
  const auto& options = *task.live.snapshot()->options;
  std::vector<std::string_view> routes, departments;
  for (const auto& route : options.routes) routes.push_back(route.name);
  for (const auto& department : options.departments()) departments.push_back(department.id);
  std::string out;
  for (const auto& [what, name, known] : {std::tuple{"route", &filter.route, &routes}, {"department", &filter.department, &departments}})
    if (!name->empty() && std::find(known->begin(), known->end(), *name) == known->end()) out += "; " + policies::unknown_word(what, *name, *known);
  return out;
}

json::object list(const Task& task) {
  json::object wrong;
  auto asked = filter_of(task, wrong);
  if (!asked) return wrong;
  store::ListFilter& filter = *asked;
  filter.limit = static_cast<std::size_t>(std::clamp<std::int64_t>(number_of(task.request, "limit").value_or(1000), 1, k_max_list));
  const auto rows = task.live.store().list(filter);
  if (!rows) return error_answer(rows.error());
  json::array messages;
  for (const store::MessageRow& row : *rows) messages.emplace_back(row_as_json(row));
  json::object out = good_answer();
  std::size_t listed = 0;
  for (const store::MessageRow& row : *rows) listed += row.recipients.size();
  out["more"] = listed == filter.limit;
  if (rows->empty()) out["note"] = "nothing is under way" + unknown_names(task, filter);
  out["messages"] = std::move(messages);
  return out;
}

// One message that is under way, with its records decoded.
struct Opened {
  store::MessageRow row;
  pipeline::MessageRecord record;
  std::vector<pipeline::RecipientRecord> recipients;
};

// None: `answer` says why.
std::optional<Opened> open_message(const Task& task, bool with_body, json::object& answer) {
  const auto mid = base::MessageId::parse(text_of(task.request, "id"));
  if (!mid) {
    answer = error_answer("not the id of a message: 26 letters and digits, as `queue list` shows them", k_exit_error);
    return std::nullopt;
  }
  const auto id = task.live.store().find_id(*mid);
  if (id && !*id) {
    answer = error_answer("no message with this id is under way: amtsbote receipts show tells of those that have left", k_exit_no);
    return std::nullopt;
  }
  auto row = id ? task.live.store().load(**id, with_body) : base::Result<std::optional<store::MessageRow>>(id.error());
  if (!row || !*row) {
    answer = row ? error_answer("the message has just left the queue", k_exit_no) : error_answer(row.error());
    return std::nullopt;
  }
  Opened out;
  out.row = **std::move(row);
  auto record = pipeline::decode_message(out.row.record);
  if (record) out.record = *std::move(record);
  for (const store::RecipientRow& r : out.row.recipients) {
    auto recipient = pipeline::decode_recipient(r.record);
    if (recipient) out.recipients.push_back(*std::move(recipient));
  }
  if (!record || out.recipients.size() != out.row.recipients.size()) {
    answer = error_answer("what is stored of this message cannot be read", k_exit_error);
    return std::nullopt;
  }
  return out;
}

json::array trail_lines(const policies::PolicyDecision& decision) {
  json::array out;
  const std::string trail = policies::format_trail(decision);
  for (std::string_view rest = trail; !rest.empty() && out.size() < k_max_trail_lines;) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    out.emplace_back(shown(line));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
  return out;
}

json::object decision_as_json(const policies::PolicyDecision& d) {
  return {{"outcome", policies::name_of(d.outcome)},
          {"reason", reason_name(static_cast<int>(d.reason))},
          {"rule", shown(d.rule)},
          {"encrypt", d.encrypt ? certs::name_of(*d.encrypt) : "none"},
          {"sign", policies::name_of(d.sign)},
          {"clear", d.plaintext.has_value()},
          {"trail", trail_lines(d)}};
}

json::object show(const Task& task) {
  json::object answer;
  auto message = open_message(task, false, answer);
  if (!message) return answer;
  const pipeline::MessageRecord& record = message->record;
  json::object out = row_as_json(message->row);
  out["ok"] = true;
  out["sender"] = record.reverse_path ? shown(record.reverse_path->text()) : "<>";
  out["from"] = shown(record.from);
  out["subject"] = shown(record.subject);
  out["message_id"] = shown(record.message_id);
  out["origin"] = json::object{{"listener", record.origin.listener},
                               {"role", policies::name_of(record.origin.role)},
                               {"proof", policies::name_of(record.origin.proof)},
                               {"principal", shown(record.origin.principal)},
                               {"department", record.origin.department}};
  out["receipt"] = record.receipt.text();
  json::array& rows = out["recipients"].get_array();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const pipeline::RecipientRecord& r = message->recipients[i];
    json::object& row = rows[i].get_object();
    row["address"] = shown(r.address.text());
    row["direction"] = policies::name_of(r.direction);
    row["expires"] = base::format_utc(r.expires);
    row["last_error"] = shown(r.last_error);
    row["decision"] = decision_as_json(r.decision);
  }
  const auto leaves = task.live.store().leaves_of(message->row.mid);
  if (!leaves) return error_answer(leaves.error());
  out["timeline"] = web::timeline_as_json(*leaves);
  return out;
}

pipeline::EventTime time_of(const Task& task) { return {task.live.now(), task.live.snapshot()->cfg}; }

store::RecipientUpdate update_of(const store::MessageRow& message, const store::RecipientRow& row, State to, base::Timestamp due) {
  store::RecipientUpdate out;
  out.id = message.id;
  out.rx = row.rx;
  out.from = row.state;
  out.to = to;
  out.due = due;
  out.attempts = row.attempts;
  out.reason = row.reason;
  return out;
}

store::RecipientUpdate update_of(const Opened& message, std::size_t i, State to, base::Timestamp due) {
  return update_of(message.row, message.row.recipients[i], to, due);
}

// Commits and tells; `what` was done to how many of the recipients.
json::object commit(const Task& task, store::Change change, const char* what, std::size_t count) {
  const auto done = task.live.store().commit_and_wait(std::move(change));
  if (!done && done.error().code == store::k_wrong_state) return error_answer("a delivery has just begun or ended: look again", k_exit_error);
  if (!done) return error_answer(done.error());
  task.live.wake();
  json::object out = good_answer();
  out[what] = count;
  return out;
}

// All that wait behind a filter, a lot at a time: what a next hop that was down for a day leaves may be many.
json::object retry_many(const Task& task) {
  json::object wrong;
  auto filter = filter_of(task, wrong);
  if (!filter) return wrong;
  filter->state = State::due;
  filter->limit = k_retry_lot;
  const base::Timestamp now = task.live.now();
  std::size_t count = 0;
  while (true) {
    const auto rows = task.live.store().list(*filter);
    if (!rows) return error_answer(rows.error());
    if (rows->empty()) break;
    std::size_t listed = 0;
    for (const store::MessageRow& row : *rows) {
      store::Change change;
      listed += row.recipients.size();
      for (const store::RecipientRow& r : row.recipients)
        if (r.due > now) change.updates.push_back(update_of(row, r, State::due, now));
      if (change.updates.empty()) continue;
      const std::size_t some = change.updates.size();
      const auto done = task.live.store().commit_and_wait(std::move(change));
      // a delivery that has just begun is as good as retried
      if (!done && done.error().code != store::k_wrong_state && done.error().code != store::k_no_message) return error_answer(done.error());
      if (done) count += some;
    }
    // a message whose recipients are split by the limit is looked at again
    filter->after_id = listed == filter->limit && rows->size() > 1 ? rows->back().id - 1 : rows->back().id;
    if (listed < filter->limit) break;
  }
  if (count == 0) return error_answer("no recipient behind this filter waits for a later attempt" + unknown_names(task, *filter), k_exit_no);
  task.live.wake();
  json::object out = good_answer();
  out["retried"] = count;
  return out;
}

json::object retry(const Task& task) {
  const bool is_one = !text_of(task.request, "id").empty();
  if (!is_one) return retry_many(task);
  json::object answer;
  const auto message = open_message(task, false, answer);
  if (!message) return answer;
  const base::Timestamp now = task.live.now();
  store::Change change;
  for (std::size_t i = 0; i < message->row.recipients.size(); ++i)
    if (message->row.recipients[i].state == State::due) change.updates.push_back(update_of(*message, i, State::due, now));
  if (change.updates.empty()) return error_answer("no recipient of this message waits for another attempt; what is held needs `queue release`", k_exit_no);
  const std::size_t count = change.updates.size();
  return commit(task, std::move(change), "retried", count);
}

json::object hold(const Task& task) {
  const std::string reason = shown(text_of(task.request, "reason"), k_max_reason);
  if (reason.empty()) return reason_error();
  json::object answer;
  auto message = open_message(task, false, answer);
  if (!message) return answer;
  const auto at = time_of(task);
  store::Change change;
  for (std::size_t i = 0; i < message->row.recipients.size(); ++i) {
    const State state = message->row.recipients[i].state;
    if (state != State::due && state != State::unknown) continue;
    pipeline::RecipientRecord& record = message->recipients[i];
    const base::Timestamp until = pipeline::hold_until(task.live.snapshot()->options->retry, record.direction, at.now);
    auto update = update_of(*message, i, State::held, until);
    record.expires = until;
    record.released = false;
    record.last_error = "held: " + reason;
    update.record = pipeline::encode(record);
    change.updates.push_back(std::move(update));
    change.events.push_back(pipeline::person_event(at, EventType::msg_hold, message->row.mid, message->row.recipients[i].rx, task.caller.text(), reason));
  }
  if (change.updates.empty()) return error_answer("no recipient of this message can be held: held already, or being delivered now", k_exit_no);
  const std::size_t count = change.updates.size();
  return commit(task, std::move(change), "held", count);
}

json::object cancel(const Task& task) {
  const std::string reason = shown(text_of(task.request, "reason"), k_max_reason);
  if (reason.empty()) return reason_error();
  json::object answer;
  const auto message = open_message(task, false, answer);
  if (!message) return answer;
  const auto at = time_of(task);
  store::Change change;
  for (std::size_t i = 0; i < message->row.recipients.size(); ++i) {
    if (!store::may_follow(message->row.recipients[i].state, State::cancelled)) continue;
    change.updates.push_back(update_of(*message, i, State::cancelled, at.now));
    change.events.push_back(pipeline::person_event(at, EventType::msg_cancel, message->row.mid, message->row.recipients[i].rx, task.caller.text(), reason));
  }
  if (change.updates.empty()) return error_answer("no recipient of this message can be cancelled: delivered, or being delivered now", k_exit_no);
  const std::size_t count = change.updates.size();
  return commit(task, std::move(change), "cancelled", count);
}

// One held recipient under the policy of this moment. What it does not deliver stays where it is; a person cannot do more.
void release_one(const Task& task, const Opened& message, std::size_t i, const pipeline::Case& facts, const std::string& reason, store::Change& change,
                 json::array& told) {
  const auto snapshot = task.live.snapshot();
  pipeline::RecipientRecord record = message.recipients[i];
  record.decision = pipeline::decide_one(*snapshot, facts, record.address, record.direction);
  const policies::PolicyDecision& d = record.decision;
  const bool goes = d.outcome == policies::Outcome::deliver;
  const pipeline::EventTime at{facts.now, snapshot->cfg};
  const auto& retry = snapshot->options->retry;
  auto update = update_of(message, i, goes ? State::due : State::held, goes ? facts.now : message.row.recipients[i].due);
  // an outcome that hangs on a lookup says nothing new: the old decision stays
  if (d.outcome != policies::Outcome::later) {
    if (goes) record.expires = facts.now + retry.expiry;
    record.released = goes;
    record.last_error = goes ? "" : std::string("not released: ") + policies::name_of(d.reason);
    update.reason = static_cast<int>(d.reason);
    update.record = pipeline::encode(record);
    change.events.push_back(pipeline::decide_event(at, message.row.mid, message.row.recipients[i].rx, record));
  }
  auto event = pipeline::person_event(at, EventType::msg_release, message.row.mid, message.row.recipients[i].rx, task.caller.text(), reason);
  if (!goes) event.event.out = "kept";
  change.events.push_back(std::move(event));
  change.updates.push_back(std::move(update));
  told.emplace_back(json::object{{"rx", message.row.recipients[i].rx},
                                 {"address", shown(record.address.text())},
                                 {"released", goes},
                                 {"decision", decision_as_json(d)}});
}

json::object release(const Task& task) {
  const std::string reason = shown(text_of(task.request, "reason"), k_max_reason);
  if (reason.empty()) return reason_error();
  json::object answer;
  auto message = open_message(task, true, answer);
  if (!message) return answer;
  const auto facts = mail::inspect(*message->row.body);
  if (!facts) return error_answer(facts.error());
  const pipeline::Case c{message->record.origin, message->record.reverse_path, &*facts, nullptr, task.live.now(), true};
  store::Change change;
  json::array told;
  for (std::size_t i = 0; i < message->row.recipients.size(); ++i)
    if (message->row.recipients[i].state == State::held) release_one(task, *message, i, c, reason, change, told);
  if (change.updates.empty()) return error_answer("no recipient of this message is held", k_exit_no);
  std::size_t released = 0;
  for (const store::RecipientUpdate& u : change.updates) released += u.to == State::due ? 1 : 0;
  const std::size_t all = change.updates.size();
  json::object out = commit(task, std::move(change), "released", released);
  if (!flag_of(out, "ok")) return out;
  out["kept"] = all - released;
  out["recipients"] = std::move(told);
  if (released < all) out["exit"] = k_exit_no;
  return out;
}

}  // namespace

std::vector<Handler> queue_handlers() {
  return {{"queue.list", false, list},   {"queue.show", false, show},       {"queue.retry", false, retry},
          {"queue.hold", false, hold}, {"queue.release", false, release}, {"queue.cancel", false, cancel}};
}

}  // namespace app
