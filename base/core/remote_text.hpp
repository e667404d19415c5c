// Promise: text that a peer wrote can be carried about but not printed by accident: the only way out is escaped and capped.
#pragma once

#include <string>
#include <string_view>

namespace base {

// Printable ASCII and well-formed UTF-8 stay; controls, DEL, C1 controls, bidirectional overrides and broken bytes become
// \xNN; at most `cap` bytes, then "...".
std::string escape_remote(std::string_view text, std::size_t cap = 512);

class RemoteText {
 public:
  RemoteText() = default;
  explicit RemoteText(std::string raw) : m_raw(std::move(raw)) {}
  std::string printable(std::size_t cap = 512) const { return escape_remote(m_raw, cap); }
  const std::string& raw() const { return m_raw; }  // for comparison and evidence, never for people
  bool empty() const { return m_raw.empty(); }

 private:
  std::string m_raw;
};

}  // namespace base
