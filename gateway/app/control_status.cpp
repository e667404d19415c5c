// One screen for whoever has to know whether something needs a person.
#include <boost/json/array.hpp>

#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"

namespace app {
namespace {

constexpr std::chrono::hours k_expires_soon{30 * 24};

void attend(json::array& attention, std::string text) { attention.emplace_back(std::move(text)); }

json::object status(const Task& task) {
  const auto counters = task.live.store().counters();
  if (!counters) return error_answer(counters.error());
  const auto snapshot = task.live.snapshot();
  const base::Timestamp now = task.live.now();
  json::array attention;
  json::object queue{{"messages", counters->messages}, {"held", counters->held},         {"due", counters->due},
                     {"in_flight", counters->in_flight}, {"unknown", counters->unknown}};
  if (counters->oldest) {
    queue["oldest"] = base::format_utc(*counters->oldest);
    if (now - *counters->oldest > snapshot->options->retry.delay_notice) attend(attention, "the oldest message waits longer than its sender expects");
  }
  if (counters->held > 0) attend(attention, std::to_string(counters->held) + " recipients are held: amtsbote queue list --held");
  const auto free = task.live.store().free_bytes();
  if (free && *free < snapshot->options->store.free_space.value) attend(attention, "the disk is too full: new mail is refused");
  json::array expiring = expiring_keys(task, now + k_expires_soon);
  if (!expiring.empty()) attend(attention, std::to_string(expiring.size()) + " keys of ours expire within 30 days or have expired");
  json::object out = good_answer();
  if (const auto* pool = task.live.context().openpgp) {
    const auto counts = pool->counts();
    out["openpgp"] = json::object{{"running", counts.running}, {"waiting", counts.waiting}, {"lost", counts.lost}, {"late", counts.late}};
    if (counts.lost > 0) attend(attention, std::to_string(counts.lost) + " OpenPGP operations hang: is gpg or its agent in trouble?");
  }
  out["time"] = base::format_utc(now);
  out["queue"] = std::move(queue);
  out["log"] = json::object{{"origin", task.live.store().verifier_key().name}, {"size", counters->log_size}};
  if (free) out["free_bytes"] = *free;
  out["expiring_keys"] = std::move(expiring);
  out["config"] = base::to_hex(base::view(snapshot->cfg));
  out["exit"] = attention.empty() ? k_exit_good : k_exit_no;
  out["attention"] = std::move(attention);
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
