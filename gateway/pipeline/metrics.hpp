// Promise: what the message path counts, fed by its steps without a lock. Labels are closed sets: the roles of listeners, the
// words of the reply table, the states of recipients. Nothing here names a person, an address or a domain.
#pragma once

#include <array>

#include "base/core/metrics.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "policies/engine/question.hpp"

namespace pipeline {

struct Metrics {
  std::array<base::metrics::Counter, 5> accepted;          // by policies::ListenerRole
  std::array<base::metrics::Counter, k_refusals> refused;  // by Refusal
  base::metrics::Counter delivered, deferred, failed, held, uncertain, logins_failed;
  base::metrics::Counter demail_news, demail_doubtful;     // confirmations and notifications: that counted, that a person must look at
  base::metrics::Histogram decide_seconds{base::metrics::time_bounds()}, protect_seconds{base::metrics::time_bounds()},
      open_seconds{base::metrics::time_bounds()};

  base::metrics::Counter& accepted_by(policies::ListenerRole role) { return accepted[static_cast<std::size_t>(role)]; }
  // By the word of the reply table; any other word counts as `internal`.
  base::metrics::Counter& refused_for(std::string_view word);
};

}  // namespace pipeline
