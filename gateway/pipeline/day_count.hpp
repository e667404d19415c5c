// Promise: what an account at a provider of De-Mail has sent today, as a value with one stored form. A day is the site's.
// Standard: BSI TR 01201 part 3.1 (limits of a login of level normal).
#pragma once

#include "gateway/options/options.hpp"

namespace pipeline {

struct DayCount {
  std::string day;  // "2026-03-01"
  std::uint64_t messages = 0, recipients = 0;
  friend bool operator==(const DayCount&, const DayCount&) = default;
};
std::string day_of(base::Timestamp now);
std::string encode(const DayCount& count);                // "2026-03-01 4 7"
DayCount decode_day_count(const std::string& text);       // nothing sent yet where it is none of ours
std::string day_mark_of(const std::string& account);      // the name under which the store keeps it

// One more De-Mail to so many, counted on that day; nullopt where the account may not send it today. A limit of 0 is none.
std::optional<DayCount> with_one_more(const DayCount& count, const config::DeMailAccountOptions& account, std::uint64_t recipients, const std::string& day);
// It was not taken after all.
DayCount with_one_less(const DayCount& count, std::uint64_t recipients, const std::string& day);

}  // namespace pipeline
