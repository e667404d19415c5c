// Promise: what arrived, counted: messages, unique ids, duplicates of (id, recipient), and how each was wrapped by its outermost
// Content-Type, so that a fast run cannot hide that it protected nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace bench {

struct Arrival {
  std::vector<std::string> recipients;
  std::string header;        // the outermost, as far as it was kept
  std::uint64_t bytes = 0;
};

class Tally {
 public:
  void add(const Arrival& arrival);
  void clear() { *this = Tally(); }
  void refused() { ++m_refused; }
  void connected(bool tls) { ++(tls ? m_tls : m_connections); }
  std::uint64_t messages() const { return m_messages; }
  std::string json() const;
  std::string ids() const;  // one a line: those that arrived

 private:
  std::uint64_t m_messages = 0, m_bytes = 0, m_duplicates = 0, m_nameless = 0, m_refused = 0, m_connections = 0, m_tls = 0;
  std::uint64_t m_plain = 0, m_smime = 0, m_smime_signed = 0, m_pgp = 0;
  std::unordered_map<std::string, std::uint32_t> m_seen;  // "id recipient"
  std::unordered_map<std::string, std::uint32_t> m_ids;
  double m_first = 0, m_last = 0;
};

// The id of a message: X-Bench-Id, else Message-ID at bench.invalid (both may survive protection), else the +tag of the recipient.
std::string find_id(const Arrival& arrival);

// A field of the header, unfolded, in lower case for the name only; "" if missing.
std::string field_of(std::string_view header, std::string_view name);

}  // namespace bench
