#include "gateway/store/metrics.hpp"

#include "base/core/errors.hpp"
#include "gateway/store/errors.hpp"

namespace store {

void Metrics::tried(const base::Result<void>& done, std::chrono::nanoseconds time, std::size_t changes) {
  if (done) {
    commit_seconds.observe(time);
    batch.observe(static_cast<double>(changes));
    m_writable.store(true, std::memory_order_relaxed);
    return;
  }
  // a change that contradicts the queue says nothing about the disk
  const base::Code code = done.error().code;
  if (code != base::k_io && code != k_full && code != k_database) return;
  commits_failed.add();
  m_writable.store(false, std::memory_order_relaxed);
}

std::chrono::seconds Metrics::since_published(base::Steady now) const {
  const base::Steady then{base::Steady::duration{m_published.load(std::memory_order_relaxed)}};
  return std::chrono::duration_cast<std::chrono::seconds>(now - then);
}

}  // namespace store
