// The numbers: one row each with key, default, range and meaning; the row fills the options, the reader and the docs.
#include <cassert>

#include "gateway/config/schema.hpp"

namespace config {
namespace {

using policies::KeySpec;
using policies::TableReader;
using namespace std::chrono_literals;

template <class Owner, class Value>
struct Row {
  KeySpec spec;
  Value Owner::*member;
  Value least, most;
};

constexpr Row<SizeLimits, base::ByteCount> k_sizes[] = {
    {{"message_size", "size", "100MiB", "64KiB to 1GiB", "largest message; announced as SIZE"},
     &SizeLimits::message,
     {64 << 10},
     {1 << 30}},
};

constexpr Row<CountLimits, std::size_t> k_counts[] = {
    {{"recipients", "number", "1000", "100 to 10000", "recipients of one message (RFC 5321 section 4.5.3.1.8 demands 100)"},
     &CountLimits::recipients,
     100,
     10'000},
    {{"received", "number", "50", "20 to 200", "Received fields before a message counts as going round in circles"},
     &CountLimits::received,
     20,
     200},
    {{"sessions", "number", "2000", "10 to 50000", "sessions at the same time"}, &CountLimits::sessions, 10, 50'000},
    {{"sessions_per_address", "number", "50", "1 to 50000", "of these from one IP address"},
     &CountLimits::sessions_per_address,
     1,
     50'000},
    {{"errors", "number", "20", "3 to 1000", "wrong commands in a session before it is ended"}, &CountLimits::errors, 3, 1000},
    {{"idle_commands", "number", "100", "10 to 10000", "NOOP, RSET, VRFY and HELP between two messages before a session is ended"},
     &CountLimits::idle_commands,
     10,
     10'000},
};

constexpr Row<TimeLimits, Milliseconds> k_times[] = {
    {{"idle", "duration", "5m", "1s to 1h", "wait for a command (RFC 5321 section 4.5.3.2.7: 5 minutes)"},
     &TimeLimits::idle,
     1s,
     1h},
    {{"data", "duration", "3m", "1s to 2h", "wait for more bytes of a message (RFC 5321 section 4.5.3.2.5: 3 minutes)"}, &TimeLimits::data, 1s, 2h},
    {{"tls_handshake", "duration", "30s", "1s to 5m", "wait for a TLS handshake"}, &TimeLimits::tls_handshake, 1s, 5min},
};

constexpr Row<RetryOptions, Milliseconds> k_retry_times[] = {
    {{"first", "duration", "1m", "1s to 1h", "wait after the first attempt that failed"}, &RetryOptions::first, 1s, 1h},
    {{"most", "duration", "1h", "1s to 1d", "longest wait between two attempts"}, &RetryOptions::most, 1s, 24h},
    {{"expiry", "duration", "48h", "1s to 30d", "after this the sender gets a failure report"},
     &RetryOptions::expiry,
     1s,
     720h},
    {{"delay_notice", "duration", "1h", "1s to 30d", "after this the sender is told once that it takes longer"},
     &RetryOptions::delay_notice,
     1s,
     720h},
    {{"hold_expiry", "duration", "5d", "1s to 90d", "after this a held message of ours fails"},
     &RetryOptions::hold_expiry,
     1s,
     2160h},
};

constexpr Row<RetryOptions, std::size_t> k_retry_counts[] = {
    {{"growth", "number", "2", "1 to 10", "each wait is this many times the one before, with jitter"},
     &RetryOptions::growth,
     1,
     10},
    {{"connections", "number", "10", "1 to 500", "connections to one destination at the same time"},
     &RetryOptions::connections,
     1,
     500},
};

base::ByteCount value_of(const KeySpec& s, base::ByteCount) { return *policies::parse_size(s.fallback); }
Milliseconds value_of(const KeySpec& s, Milliseconds) { return *policies::parse_duration(s.fallback); }
std::size_t value_of(const KeySpec& s, std::size_t) { return std::stoul(std::string(s.fallback)); }

std::optional<base::ByteCount> read(TableReader& r, std::string_view key, base::ByteCount least, base::ByteCount most) {
  return r.size(key, least, most);
}
std::optional<Milliseconds> read(TableReader& r, std::string_view key, Milliseconds least, Milliseconds most) {
  return r.duration(key, least, most);
}
std::optional<std::size_t> read(TableReader& r, std::string_view key, std::size_t least, std::size_t most) {
  const auto n = r.integer(key, static_cast<std::int64_t>(least), static_cast<std::int64_t>(most));
  if (!n) return std::nullopt;
  return static_cast<std::size_t>(*n);
}

template <class Owner, class Value, std::size_t N>
void fill(const Row<Owner, Value> (&rows)[N], TableReader* reader, Owner& into) {
  for (const auto& row : rows) {
    into.*row.member = value_of(row.spec, Value{});
    assert(into.*row.member >= row.least && into.*row.member <= row.most);
    if (reader == nullptr) continue;
    if (const auto given = read(*reader, row.spec.key, row.least, row.most)) into.*row.member = *given;
  }
}

template <class... Rows>
std::vector<KeySpec> specs_of(const Rows&... rows) {
  std::vector<KeySpec> out;
  (
      [&](const auto& list) {
        for (const auto& row : list) out.push_back(row.spec);
      }(rows),
      ...);
  return out;
}

}  // namespace

std::span<const KeySpec> schema::limits() {
  static const std::vector<KeySpec> rows = specs_of(k_sizes, k_counts, k_times);
  return rows;
}

std::span<const KeySpec> schema::retry() {
  static const std::vector<KeySpec> rows = specs_of(k_retry_times, k_retry_counts);
  return rows;
}

void read_limits(TableReader* reader, LimitsOptions& into) {
  fill(k_sizes, reader, into.size);
  fill(k_counts, reader, into.count);
  fill(k_times, reader, into.time);
  if (reader != nullptr && into.count.sessions_per_address > into.count.sessions)
    reader->error("sessions_per_address", "is above limits.sessions");
}

void read_retry(TableReader* reader, RetryOptions& into) {
  fill(k_retry_times, reader, into);
  fill(k_retry_counts, reader, into);
  if (reader == nullptr) return;
  if (into.first > into.most) reader->error("first", "is above retry.most");
  for (const auto& [key, value] : {std::pair{"expiry", into.expiry}, {"hold_expiry", into.hold_expiry}})
    if (value < 1h) reader->warning(key, "is below an hour: mail fails before anybody can do something about it");
  if (into.delay_notice >= into.expiry)
    reader->warning("delay_notice", "is not below retry.expiry: nobody would be told of a delay");
}

}  // namespace config
