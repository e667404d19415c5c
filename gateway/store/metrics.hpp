// What the store measures of itself: fed by the writer and the publisher, read by anybody.
#pragma once

#include "base/core/clock.hpp"
#include "base/core/metrics.hpp"
#include "base/core/result.hpp"

namespace store {

struct Metrics {
  base::metrics::Histogram commit_seconds{base::metrics::time_bounds()};
  base::metrics::Histogram batch{base::metrics::count_bounds()};  // changes of one transaction
  base::metrics::Counter commits_failed;                          // for the disk or the database, not for a change at fault

  // A transaction ended so.
  void tried(const base::Result<void>& done, std::chrono::nanoseconds time, std::size_t changes);
  bool is_writable() const { return m_writable.load(std::memory_order_relaxed); }  // the last transaction said so
  void published(base::Steady now) { m_published.store(now.time_since_epoch().count(), std::memory_order_relaxed); }
  std::chrono::seconds since_published(base::Steady now) const;

 private:
  std::atomic<bool> m_writable{true};
  std::atomic<base::Steady::rep> m_published{0};
};

}  // namespace store
