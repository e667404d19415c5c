// Promise: notices a clock that steps back, also by less than passed since the last look: the steady clock says what time it
// should be. Before the first look the newest leaf of the log is the measure.
#pragma once

#include <optional>

#include "base/core/clock.hpp"

namespace store {

inline constexpr std::chrono::milliseconds k_clock_step{1000};  // smaller steps are what time servers do all day

class ClockWatch {
 public:
  explicit ClockWatch(base::Timestamp newest) : m_last(newest) {}

  // How far it went back since the last call; 0 if by no more than k_clock_step.
  std::chrono::milliseconds step_back(base::Timestamp now, base::Steady steady) {
    const auto passed = m_steady ? std::chrono::floor<std::chrono::milliseconds>(steady - *m_steady) : std::chrono::milliseconds{0};
    const auto back = m_last + passed - now;
    m_last = now;
    m_steady = steady;
    return back > k_clock_step ? std::chrono::milliseconds{back} : std::chrono::milliseconds{0};
  }

 private:
  base::Timestamp m_last;
  std::optional<base::Steady> m_steady;
};

}  // namespace store
