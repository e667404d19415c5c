// Promise: what people hear of the gateway once a day: the digest for administrators and the log's checkpoint for auditors. A day
// is one of the site's time zone. Mail and the mark that it was sent are one transaction: at most once a day, whatever restarts.
// Nothing personal: ids, states, reasons, counts.
#pragma once

#include "gateway/pipeline/context.hpp"

namespace pipeline {

// Something of ours that ends: "TLS certificate \"gw\"".
struct EndingLine {
  std::string what;
  base::Timestamp not_after{};
};

inline constexpr std::size_t k_digest_lines = 50;  // held recipients that are listed one by one

// All that the digest tells.
struct DigestFacts {
  base::Timestamp now{};
  std::uint64_t held = 0, unopened = 0;  // recipients now; messages since the last digest
  std::vector<store::MessageRow> held_rows;  // at most k_digest_lines recipients
  std::optional<base::Timestamp> oldest;     // set if it waits longer than its sender expects
  std::vector<EndingLine> endings;           // within 30 days
  bool is_quiet() const { return held == 0 && unopened == 0 && !oldest && endings.empty(); }
};
std::string compose_digest(const DigestFacts& facts, bool german);  // LF lines

// The local day of `now` ("2026-11-25") if the minute of the day has come and `last` is another day.
std::optional<std::string> find_due_day(base::Timestamp now, int minute, const std::string& last);

// What is due now, committed; how many mails that were. Blocks on the disk. `endings` are looked at only if a digest is due.
base::Result<std::size_t> send_daily(Context& context, const std::function<std::vector<EndingLine>()>& endings);

}  // namespace pipeline
