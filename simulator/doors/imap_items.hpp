// The small grammar of IMAP: sets, lists, sections of a message; inside simulator/doors only. Standard: RFC 3501 section 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/clock.hpp"

namespace simulator {

// "1,3:5,7:*"; "*" is `most`. At most 1000 ranges. nullopt: no set.
std::optional<std::vector<std::pair<std::uint32_t, std::uint32_t>>> parse_set(std::string_view text, std::uint32_t most);
// "(UID BODY.PEEK[HEADER.FIELDS (FROM TO)])" to its items; FAST to what it stands for.
std::vector<std::string> split_items(std::string_view list);

// BODY[…], BODY.PEEK[…], RFC822, RFC822.HEADER, RFC822.TEXT.
struct Section {
  std::string label;  // as the answer names it
  bool peek = false;
  enum class Part { all, header, text, fields } part = Part::all;
  std::vector<std::string> fields;
  std::optional<std::pair<std::size_t, std::size_t>> partial;  // offset, size

  std::string of(std::string_view message) const;
};
std::optional<Section> parse_section(std::string_view item);

std::string imap_date(base::Timestamp t);           // "01-Mar-2026 08:15:30 +0000"
std::string canonical_flag(std::string_view flag);  // "\\seen" as "\\Seen"

}  // namespace simulator
