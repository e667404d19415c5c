// Promise: the daily balance of the log, counted by the writer and counted again by whoever audits:
//   accepted + open_before = closed + cancelled + open.
// accepted: leaves msg.accept and msg.accept.ext; closed and cancelled: leaves msg.closed, told apart by `out` "cancelled".
// Each log.balance leaf covers what stands between it and the one before; the first one starts from the fact "open" of
// log.open (messages carried over from an older epoch), 0 if there is none.
#pragma once

#include "receipts/log/event.hpp"

namespace receipts {

inline constexpr const char* k_out_cancelled = "cancelled";

struct Balance {
  std::int64_t accepted = 0, open_before = 0, closed = 0, cancelled = 0;

  std::int64_t open() const { return accepted + open_before - closed - cancelled; }
  // Counts one leaf, in the order of the log. A log.balance leaf starts the next period.
  void count(EventType type, const std::vector<Fact>& facts, std::string_view out);
  // The facts of a log.balance leaf for what was counted so far, in canonical order.
  std::vector<Fact> facts() const;
  friend bool operator==(const Balance&, const Balance&) = default;
};

// The number with this name, 0 if it is absent or a word.
std::int64_t number_of(const std::vector<Fact>& facts, std::string_view name);

}  // namespace receipts
