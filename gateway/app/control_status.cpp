// One screen for whoever has to know whether something needs a person.
#include <boost/json/array.hpp>

#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/app/endings.hpp"

namespace app {
namespace {

// Thresholds; docs/operations.md lists them.
constexpr std::chrono::hours k_ends_soon{30 * 24}, k_ends_now{3 * 24};
constexpr std::chrono::hours k_unread_now{1};  // a mailbox of De-Mails
constexpr int k_old_factor = 4;  // of retry.delay_notice: that much patience nobody has

enum class Level { ok, warning, critical };

// What was looked at, the worst first in mind: each finding is a line for people and a level for machines.
class Findings {
 public:
  void add(bool is_warning, bool is_critical, std::string text) {
    if (!is_warning && !is_critical) return;
    m_worst = std::max(m_worst, is_critical ? Level::critical : Level::warning);
    m_texts.emplace_back(std::move(text));
  }
  Level worst() const { return m_worst; }
  json::array take() { return std::move(m_texts); }

 private:
  Level m_worst = Level::ok;
  json::array m_texts;
};

void look_at_queue(const store::Counters& c, base::Timestamp now, std::chrono::milliseconds patience, json::object& out, Findings& found) {
  json::object queue{{"messages", c.messages}, {"held", c.held}, {"due", c.due}, {"in_flight", c.in_flight}, {"unknown", c.unknown}, {"submitted", c.submitted}};
  if (c.oldest) queue["oldest"] = base::format_utc(*c.oldest);
  const auto age = c.oldest_moving ? now - *c.oldest_moving : std::chrono::milliseconds{0};
  queue["oldest_seconds"] = std::chrono::duration_cast<std::chrono::seconds>(age).count();
  found.add(age > patience, age > k_old_factor * patience, "the oldest message waits longer than its sender expects");
  found.add(c.held > 0, false, std::to_string(c.held) + " recipients are held: amtsbote queue list --held");
  out["queue"] = std::move(queue);
}

void look_at_store(const Task& task, json::object& out, Findings& found) {
  store::Store& store = task.live.store();
  const auto mark = task.live.snapshot()->options->store.free_space.value;
  if (const auto free = store.free_bytes()) {
    out["free_bytes"] = *free;
    found.add(*free < 2 * mark, *free < mark, *free < mark ? "the disk is too full: new mail is refused" : "the disk comes close to the mark at which new mail is refused");
  }
  found.add(false, !store.metrics().is_writable(), "the store cannot be written: new mail is refused");
  const auto age = store.checkpoint_age();
  found.add(false, age > web::k_checkpoint_late, "the log has had no new checkpoint for " + std::to_string(age.count()) + " seconds");
  out["checkpoint_seconds"] = age.count();
}

void look_at_endings(const Task& task, base::Timestamp now, json::object& out, Findings& found) {
  json::array endings;
  for (const web::Ending& e : find_endings(*task.live.snapshot(), task.live.keys(), now)) {
    endings.emplace_back(json::object{{"kind", e.kind}, {"name", shown(e.name)}, {"not_after", base::format_utc(e.not_after)}});
    const std::string what = e.kind == "tls" ? "the TLS certificate \"" + shown(e.name) + "\"" : "a " + e.kind + " key of ours that signs";
    found.add(e.not_after < now + k_ends_soon, e.not_after < now + k_ends_now,
              what + (e.not_after <= now ? " has ended" : " ends within " + std::to_string(e.not_after < now + k_ends_now ? 3 : 30) + " days"));
  }
  out["endings"] = std::move(endings);
  out["expiring_keys"] = expiring_keys(task, now + k_ends_soon);
}

void look_at_demail(const Task& task, json::object& out, Findings& found) {
  std::uint64_t overdue = 0;
  if (const auto by_route = task.live.store().count_overdue())
    for (const auto& [route, count] : *by_route) overdue += count;
  out["demail_overdue"] = overdue;
  found.add(overdue > 0, false, "the confirmations of " + std::to_string(overdue) + " De-Mails are overdue: demail.overdue in the log names them");
}

// A look that fails now and then is told as well: whoever just set the mailbox up wants to know at once.
void look_at_mailboxes(const Task& task, json::object& out, Findings& found) {
  json::array polls;
  for (const pipeline::PollLine& line : task.live.polls()) {
    json::object poll{{"account", line.account}};
    if (line.looked) poll["looked"] = base::format_utc(*line.looked);
    if (line.down_since) {
      poll["down_since"] = base::format_utc(*line.down_since);
      poll["why"] = shown(line.why);
      found.add(true, line.age > k_unread_now, "the mailbox of the De-Mail account " + line.account + " cannot be read: " + shown(line.why));
    }
    polls.push_back(std::move(poll));
  }
  out["polls"] = std::move(polls);
}

json::object status(const Task& task) {
  const auto counters = task.live.store().counters();
  if (!counters) return error_answer(counters.error());
  const auto snapshot = task.live.snapshot();
  const base::Timestamp now = task.live.now();
  Findings found;
  json::object out = good_answer();
  out["daemon"] = task.live.is_daemon();
  found.add(false, !task.live.is_daemon(), "no daemon runs: mail is neither taken nor delivered");
  look_at_queue(*counters, now, snapshot->options->retry.delay_notice, out, found);
  look_at_store(task, out, found);
  look_at_endings(task, now, out, found);
  look_at_demail(task, out, found);
  look_at_mailboxes(task, out, found);
  if (const auto* pool = task.live.context().openpgp) {
    const auto counts = pool->counts();
    out["openpgp"] = json::object{{"running", counts.running}, {"waiting", counts.waiting}, {"lost", counts.lost}, {"late", counts.late}};
    found.add(counts.lost > 0, false, std::to_string(counts.lost) + " OpenPGP operations hang: is gpg or its agent in trouble?");
  }
  out["time"] = base::format_utc(now);
  out["log"] = json::object{{"origin", task.live.store().verifier_key().name}, {"size", counters->log_size}};
  out["config"] = base::to_hex(base::view(snapshot->cfg));
  out["level"] = static_cast<int>(found.worst());
  out["exit"] = found.worst() == Level::ok ? k_exit_good : k_exit_no;
  out["attention"] = found.take();
  return out;
}

json::object reload(const Task& task) {
  json::array faults;
  for (const std::string& fault : task.live.reload()) faults.emplace_back(shown(fault));
  json::object out = good_answer();
  out["exit"] = faults.empty() ? k_exit_good : k_exit_no;
  out["config"] = base::to_hex(base::view(task.live.snapshot()->cfg));
  out["faults"] = std::move(faults);
  return out;
}

}  // namespace

std::vector<Handler> status_handlers() { return {{"status", true, status}, {"reload", false, reload}}; }

}  // namespace app
