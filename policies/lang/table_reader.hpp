// Promise: one way to read a table of a config or policy file: every key is in a schema, every value has one type and a
// range, and whatever is wrong becomes a fault with its place while reading goes on. The documentation is held against
// the same schema by a test.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/bytes.hpp"
#include "policies/lang/document.hpp"
#include "policies/lang/fault.hpp"

namespace policies {

struct KeySpec {
  std::string_view key;
  std::string_view type;
  std::string_view fallback;  // what holds without it; "" where it must be given or nothing holds
  std::string_view range;
  std::string_view meaning;
};

// The rows of a Markdown table, as docs/config.md and docs/policy.md must contain them.
std::string format_markdown(std::span<const KeySpec> specs);

// "90s", "10m", "4h", "5d", "500ms"; "20MiB", "64KiB", "2GiB", "512B". Whole numbers with exactly one unit.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);
std::optional<base::ByteCount> parse_size(std::string_view text);

class TableReader {
 public:
  // `where` names the table for people: "rule \"x\".then". The arguments must outlive the reader. Unknown keys are
  // reported here and now.
  TableReader(const Node& table, std::string_view file, std::string where, std::span<const KeySpec> specs, Faults& faults);

  Position at() const { return m_table.at; }
  Position at(std::string_view key) const;    // of its value, or of the table if absent
  bool has(std::string_view key) const { return find(key) != nullptr; }
  // The key must stand in the schema: asserted, so that code and schema cannot drift apart.
  const Node* find(std::string_view key) const;

  std::optional<std::string> string(std::string_view key);                       // never empty, no control characters
  std::optional<std::vector<const Node*>> strings(std::string_view key, bool may_be_empty = false);  // one or a list of them
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::optional<std::chrono::milliseconds> duration(std::string_view key, std::chrono::milliseconds least, std::chrono::milliseconds most);
  std::optional<base::ByteCount> size(std::string_view key, base::ByteCount least, base::ByteCount most);
  const Node* table(std::string_view key);
  std::vector<const Node*> tables(std::string_view key);                         // [[key]]
  // Index into `words`.
  std::optional<std::size_t> word(std::string_view key, std::span<const std::string_view> words);
  bool required(std::string_view key);                                           // reports if absent

  void error(std::string_view key, std::string message);
  void error_at(Position at, std::string message) { m_faults.error(m_file, at, std::move(message)); }
  void warning(std::string_view key, std::string message);
  std::string_view file() const { return m_file; }
  const std::string& where() const { return m_where; }
  Faults& faults() { return m_faults; }

 private:
  const Node* of_kind(std::string_view key, NodeKind kind);
  bool good_text(const Node& node, std::string_view key);

  const Node& m_table;
  std::string_view m_file;
  std::string m_where;
  std::span<const KeySpec> m_specs;
  Faults& m_faults;
};

}  // namespace policies
