// Promise: ids sort by the time they were made, can be read out on the telephone and hold nothing personal. 16 bytes: 48
// bits of milliseconds since 1970 and 80 random bits; written as 26 characters of Crockford's base32 (the ULID form).
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "base/core/bytes.hpp"
#include "base/core/clock.hpp"

namespace base {

struct RawId {
  std::array<unsigned char, 16> bytes{};

  friend auto operator<=>(const RawId&, const RawId&) = default;
  std::string text() const;  // 26 characters, upper case
  ByteView view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
};

RawId make_raw_id(Timestamp now);
Result<RawId> parse_raw_id(std::string_view text);   // either case; no I, L, O or U; k_malformed
Result<RawId> raw_id_of(ByteView bytes);             // exactly 16 bytes

// A strong id: ids of different things do not mix.
template <class Tag>
struct Id : RawId {
  static Id make(Timestamp now) { return Id{make_raw_id(now)}; }
  static Result<Id> parse(std::string_view text) {
    auto raw = parse_raw_id(text);
    if (!raw) return std::move(raw).error();
    return Id{*raw};
  }
  static Result<Id> of(ByteView bytes) {
    auto raw = raw_id_of(bytes);
    if (!raw) return std::move(raw).error();
    return Id{*raw};
  }
};

using MessageId = Id<struct MessageTag>;  // "mid": a message in our hands; not its Message-ID field
using EventId = Id<struct EventTag>;      // "eid": one event of the log

}  // namespace base

template <class Tag>
struct std::hash<base::Id<Tag>> {
  std::size_t operator()(const base::Id<Tag>& id) const { return std::hash<std::string_view>{}(id.view()); }
};
