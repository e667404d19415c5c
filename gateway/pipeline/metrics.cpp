#include "gateway/pipeline/metrics.hpp"

#include <algorithm>

namespace pipeline {

std::uint64_t RunningJobs::begin(base::Steady now) {
  const std::lock_guard lock(m_mutex);
  m_jobs[++m_next] = now;
  return m_next;
}

void RunningJobs::end(std::uint64_t job) {
  const std::lock_guard lock(m_mutex);
  m_jobs.erase(job);
}

std::size_t RunningJobs::running() const {
  const std::lock_guard lock(m_mutex);
  return m_jobs.size();
}

std::size_t RunningJobs::begun_before(base::Steady time) const {
  const std::lock_guard lock(m_mutex);
  return static_cast<std::size_t>(std::count_if(m_jobs.begin(), m_jobs.end(), [&](const auto& job) { return job.second < time; }));
}

base::metrics::Counter& Metrics::refused_for(std::string_view word) {
  for (std::size_t i = 0; i < k_refusals; ++i)
    if (word == row_of(static_cast<Refusal>(i)).word) return refused[i];
  return refused[static_cast<std::size_t>(Refusal::internal)];
}

}  // namespace pipeline
