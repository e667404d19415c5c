#include "policies/lang/table_reader.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace policies {
namespace {

// The number and what follows it; nothing for signs, blanks, fractions or what does not fit.
std::optional<std::pair<std::uint64_t, std::string_view>> split_unit(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number > 1'000'000'000'000ULL) return std::nullopt;
  return std::pair{number, text.substr(static_cast<std::size_t>(end - text.data()))};
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

std::optional<std::uint64_t> scaled(std::string_view text, std::span<const Unit> units) {
  const auto parts = split_unit(text);
  if (!parts) return std::nullopt;
  for (const Unit& unit : units)
    if (parts->second == unit.name) {
      std::uint64_t out = 0;
      if (__builtin_mul_overflow(parts->first, unit.factor, &out) || out > INT64_MAX) return std::nullopt;
      return out;
    }
  return std::nullopt;
}

std::string shown(std::chrono::milliseconds d) {
  const auto n = d.count();
  for (const auto& [name, factor] : {std::pair{"d", 86'400'000LL}, {"h", 3'600'000LL}, {"m", 60'000LL}, {"s", 1000LL}})
    if (n != 0 && n % factor == 0) return std::to_string(n / factor) + name;
  return std::to_string(n) + "ms";
}

std::string shown(base::ByteCount c) {
  for (const auto& [name, factor] : {std::pair{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}})
    if (c.value != 0 && c.value % factor == 0) return std::to_string(c.value / factor) + name;
  return std::to_string(c.value) + "B";
}

}  // namespace

std::string format_markdown(std::span<const KeySpec> specs) {
  std::string out;
  for (const KeySpec& s : specs) {
    const auto cell = [](std::string_view text) { return text.empty() ? std::string("–") : std::string(text); };
    out += "| `" + std::string(s.key) + "` | " + cell(s.type) + " | " + cell(s.fallback) + " | " + cell(s.range) + " | " +
           cell(s.meaning) + " |\n";
  }
  return out;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  static constexpr Unit k_units[] = {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  const auto n = scaled(text, k_units);
  if (!n) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*n)};
}

std::optional<base::ByteCount> parse_size(std::string_view text) {
  static constexpr Unit k_units[] = {{"B", 1}, {"KiB", 1ULL << 10}, {"MiB", 1ULL << 20}, {"GiB", 1ULL << 30}};
  const auto n = scaled(text, k_units);
  if (!n) return std::nullopt;
  return base::ByteCount{*n};
}

TableReader::TableReader(const Node& table, std::string_view file, std::string where, std::span<const KeySpec> specs, Faults& faults)
    : m_table(table), m_file(file), m_where(std::move(where)), m_specs(specs), m_faults(faults) {
  std::vector<std::string_view> known;
  for (const KeySpec& s : m_specs) known.push_back(s.key);
  for (const Entry& entry : table.entries)
    if (std::find(known.begin(), known.end(), entry.key) == known.end())
      m_faults.error(m_file, entry.at, m_where + ": " + unknown_word("key", entry.key, known));
}

const Node* TableReader::find(std::string_view key) const {
  assert(std::any_of(m_specs.begin(), m_specs.end(), [&](const KeySpec& s) { return s.key == key; }));
  for (const Entry& entry : m_table.entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

Position TableReader::at(std::string_view key) const {
  const Node* node = find(key);
  return node != nullptr ? node->at : m_table.at;
}

void TableReader::error(std::string_view key, std::string message) {
  m_faults.error(m_file, at(key), m_where + "." + std::string(key) + " " + message);
}

void TableReader::warning(std::string_view key, std::string message) {
  m_faults.warning(m_file, at(key), m_where + "." + std::string(key) + " " + message);
}

bool TableReader::required(std::string_view key) {
  if (has(key)) return true;
  m_faults.error(m_file, m_table.at, m_where + ": \"" + std::string(key) + "\" is missing");
  return false;
}

const Node* TableReader::of_kind(std::string_view key, NodeKind kind) {
  const Node* node = find(key);
  if (node == nullptr || node->kind == kind) return node;
  error(key, std::string("must be ") + name_of(kind) + ", not " + (node->kind == NodeKind::other ? node->text : name_of(node->kind)));
  return nullptr;
}

bool TableReader::good_text(const Node& node, std::string_view key) {
  const bool has_control = std::any_of(node.text.begin(), node.text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
  if (!node.text.empty() && !has_control) return true;
  m_faults.error(m_file, node.at, m_where + "." + std::string(key) + (has_control ? " holds a control character" : " is empty"));
  return false;
}

std::optional<std::string> TableReader::string(std::string_view key) {
  const Node* node = of_kind(key, NodeKind::string);
  if (node == nullptr || !good_text(*node, key)) return std::nullopt;
  return node->text;
}

std::optional<std::vector<const Node*>> TableReader::strings(std::string_view key, bool may_be_empty) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  std::vector<const Node*> out;
  if (node->kind == NodeKind::string) {
    if (!good_text(*node, key)) return std::nullopt;
    out.push_back(node);
    return out;
  }
  if (node->kind != NodeKind::list) {
    error(key, std::string("must be a string or a list of strings, not ") + (node->kind == NodeKind::other ? node->text : name_of(node->kind)));
    return std::nullopt;
  }
  if (node->items.empty() && !may_be_empty) {
    error(key, "is an empty list: leave it out, or name a value");
    return std::nullopt;
  }
  bool good = true;
  for (const Node& item : node->items) {
    if (item.kind != NodeKind::string) {
      m_faults.error(m_file, item.at, m_where + "." + std::string(key) + " must hold strings only, not " +
                                          (item.kind == NodeKind::other ? item.text : name_of(item.kind)));
      good = false;
    } else if (good_text(item, key)) {
      out.push_back(&item);
    } else {
      good = false;
    }
  }
  if (!good) return std::nullopt;
  return out;
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  const Node* node = of_kind(key, NodeKind::boolean);
  if (node == nullptr) return std::nullopt;
  return node->boolean;
}

std::optional<std::int64_t> TableReader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const Node* node = of_kind(key, NodeKind::integer);
  if (node == nullptr) return std::nullopt;
  if (node->integer < least || node->integer > most) {
    error(key, "must be between " + std::to_string(least) + " and " + std::to_string(most));
    return std::nullopt;
  }
  return node->integer;
}

std::optional<std::chrono::milliseconds> TableReader::duration(std::string_view key, std::chrono::milliseconds least,
                                                               std::chrono::milliseconds most) {
  const Node* node = of_kind(key, NodeKind::string);
  if (node == nullptr) return std::nullopt;
  const auto value = parse_duration(node->text);
  if (!value) error(key, "must be a duration such as \"90s\", \"10m\", \"4h\" or \"5d\"");
  if (!value) return std::nullopt;
  if (*value >= least && *value <= most) return value;
  error(key, "must be between " + shown(least) + " and " + shown(most));
  return std::nullopt;
}

std::optional<base::ByteCount> TableReader::size(std::string_view key, base::ByteCount least, base::ByteCount most) {
  const Node* node = of_kind(key, NodeKind::string);
  if (node == nullptr) return std::nullopt;
  const auto value = parse_size(node->text);
  if (!value) error(key, "must be a size such as \"64KiB\" or \"20MiB\"");
  if (!value) return std::nullopt;
  if (*value >= least && *value <= most) return value;
  error(key, "must be between " + shown(least) + " and " + shown(most));
  return std::nullopt;
}

const Node* TableReader::table(std::string_view key) { return of_kind(key, NodeKind::table); }

std::vector<const Node*> TableReader::tables(std::string_view key) {
  std::vector<const Node*> out;
  const Node* node = find(key);
  if (node == nullptr) return out;
  if (node->kind != NodeKind::list) {
    m_faults.error(m_file, node->at, "write [[" + std::string(key) + "]], once for each");
    return out;
  }
  for (const Node& item : node->items) {
    if (item.kind == NodeKind::table)
      out.push_back(&item);
    else
      m_faults.error(m_file, item.at, "[[" + std::string(key) + "]] must be a table");
  }
  return out;
}

std::optional<std::size_t> TableReader::word(std::string_view key, std::span<const std::string_view> words) {
  const Node* node = of_kind(key, NodeKind::string);
  if (node == nullptr) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), node->text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  error(key, "= " + unknown_word("value", node->text, words));
  return std::nullopt;
}

}  // namespace policies
