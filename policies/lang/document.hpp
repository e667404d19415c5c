// Promise: a TOML file as plain values with positions. The only place in the house that knows the TOML library, whose
// exceptions and types end here. A document is written by an administrator, but a wrong one must not harm: bytes, nesting
// and the length of dotted keys are bounded before the library sees them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policies/lang/fault.hpp"

namespace policies {

inline constexpr std::size_t k_max_document_bytes = 4 << 20;
inline constexpr int k_max_nesting = 32;      // brackets and braces within each other
inline constexpr int k_max_key_parts = 16;    // a.b.c

enum class NodeKind { string, integer, boolean, list, table, other };  // other: floats, dates and times
const char* name_of(NodeKind kind);

struct Entry;
struct Node {
  NodeKind kind = NodeKind::table;
  Position at;
  std::string text;               // string; of `other` what kind of value it is
  std::int64_t integer = 0;
  bool boolean = false;
  std::vector<Node> items;        // list
  std::vector<Entry> entries;     // table, in the order of the file
};
struct Entry {
  std::string key;
  Position at;
  Node value;
};

// Nothing on failure; `faults` then says why.
std::optional<Node> parse_document(std::string_view file, std::string_view text, Faults& faults);

// A value as one would write it on one line, capped.
std::string format_node(const Node& node);

}  // namespace policies
