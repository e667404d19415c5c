// Promise: nobody reads the machine's clock but through here, so that a test can move time. Points in time are UTC with
// milliseconds; deadlines use the steady clock.
#pragma once

#include <chrono>
#include <string>

#include "base/core/result.hpp"

namespace base {

using Timestamp = std::chrono::sys_time<std::chrono::milliseconds>;
using Steady = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() const = 0;
  virtual Steady steady() const = 0;
};

const Clock& system_clock();  // lives for the whole process

std::string format_utc(Timestamp t);                       // "2026-03-01T08:15:30.123Z"
Result<Timestamp> parse_utc(std::string_view text);        // exactly that form
std::string format_local(Timestamp t);                     // "2026-03-01 09:15:30 CET", in the zone of TZ
std::string format_rfc5322(Timestamp t);                   // "Sun, 01 Mar 2026 08:15:30 +0000" (RFC 5322 section 3.3)

}  // namespace base
