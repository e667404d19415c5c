// Promise: what the message path counts, fed by its steps without a lock. Labels are closed sets: the roles of listeners, the
// words of the reply table, the states of recipients. Nothing here names a person, an address or a domain.
#pragma once

#include <array>
#include <map>
#include <mutex>

#include "base/core/clock.hpp"
#include "base/core/metrics.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "policies/engine/question.hpp"

namespace pipeline {

// Jobs that another program may hang (gpg and its agent): they cannot be ended from here, so at least they are seen.
class RunningJobs {
 public:
  std::uint64_t begin(base::Steady now);
  void end(std::uint64_t job);
  std::size_t running() const;
  std::size_t begun_before(base::Steady time) const;

 private:
  mutable std::mutex m_mutex;
  std::uint64_t m_next = 0;
  std::map<std::uint64_t, base::Steady> m_jobs;  // when each began
};

// A gpg that has not answered for so long is counted as lost.
inline constexpr std::chrono::minutes k_lost_after{5};

struct Metrics {
  std::array<base::metrics::Counter, 4> accepted;  // by policies::ListenerRole
  std::array<base::metrics::Counter, k_refusals> refused;  // by Refusal
  base::metrics::Counter delivered, deferred, failed, held, uncertain, logins_failed;
  base::metrics::Histogram decide_seconds{base::metrics::time_bounds()}, protect_seconds{base::metrics::time_bounds()},
      open_seconds{base::metrics::time_bounds()};
  RunningJobs openpgp;

  base::metrics::Counter& accepted_by(policies::ListenerRole role) { return accepted[static_cast<std::size_t>(role)]; }
  // By the word of the reply table; any other word counts as `internal`.
  base::metrics::Counter& refused_for(std::string_view word);
};

}  // namespace pipeline
