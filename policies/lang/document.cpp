#include "policies/lang/document.hpp"

#include <algorithm>
#include <tuple>

#include <toml++/toml.h>

#include "base/core/bytes.hpp"
#include "base/core/remote_text.hpp"

namespace policies {
namespace {

// Walks over the text without understanding it: strings and comments are skipped, brackets and dots counted. The library
// builds one table a dotted part and takes them down by recursion, so a long key would cost the stack.
class Guard {
 public:
  Guard(std::string_view file, std::string_view text, Faults& faults) : m_file(file), m_text(text), m_faults(faults) {}

  bool passes() {
    if (m_text.size() > k_max_document_bytes) return refuse("file is larger than 4 MiB");
    if (!base::is_utf8(m_text)) return find_bad_utf8();
    while (m_i < m_text.size())
      if (!step()) return false;
    return true;
  }

 private:
  bool refuse(std::string message) {
    m_faults.error(m_file, {m_line, static_cast<int>(m_i - m_line_begin) + 1}, std::move(message));
    return false;
  }

  // The line is good enough: editors show broken bytes.
  bool find_bad_utf8() {
    while (m_i < m_text.size()) {
      const auto end = std::min(m_text.find('\n', m_i), m_text.size());
      if (!base::is_utf8(m_text.substr(m_i, end - m_i))) break;
      m_i = end + 1;
      m_line_begin = m_i;
      ++m_line;
    }
    return refuse("not UTF-8");
  }

  bool step() {
    const char c = m_text[m_i];
    if (c == '\0') return refuse("NUL byte");
    if (c == '\n') {
      ++m_line;
      m_line_begin = m_i + 1;
      m_dots = 0;
    }
    if (c == '#') return skip_comment();
    if (c == '"' || c == '\'') return skip_string(c);
    if (c == '[' || c == '{') {
      m_dots = 0;
      if (++m_depth > k_max_nesting) return refuse("nested more than 32 levels deep");
    }
    if (c == ']' || c == '}') m_depth = std::max(0, m_depth - 1);
    if (c == '=' || c == ',') m_dots = 0;
    if (c == '.' && ++m_dots >= k_max_key_parts) return refuse("a key of more than 16 parts");
    ++m_i;
    return true;
  }

  bool skip_comment() {
    while (m_i < m_text.size() && m_text[m_i] != '\n') {
      if (m_text[m_i] == '\0') return refuse("NUL byte");
      ++m_i;
    }
    return true;
  }

  bool skip_string(char quote) {
    const std::string triple(3, quote);
    const bool is_long = m_text.substr(m_i, 3) == triple;
    m_i += is_long ? 3 : 1;
    while (m_i < m_text.size()) {
      const char c = m_text[m_i];
      if (c == '\0') return refuse("NUL byte");
      if (c == '\n') {
        if (!is_long) return true;  // the library says what is wrong with it
        ++m_line;
        m_line_begin = m_i + 1;
      }
      if (c == '\\' && quote == '"' && m_i + 1 < m_text.size() && m_text[m_i + 1] != '\n') {
        m_i += 2;
      } else if (is_long && m_text.substr(m_i, 3) == triple) {
        m_i += 3;
        return true;
      } else {
        ++m_i;
        if (!is_long && c == quote) return true;
      }
    }
    return true;
  }

  std::string_view m_file, m_text;
  Faults& m_faults;
  std::size_t m_i = 0, m_line_begin = 0;
  int m_line = 1, m_depth = 0, m_dots = 0;
};

Position position_of(const toml::source_region& region) {
  return {static_cast<int>(region.begin.line), static_cast<int>(region.begin.column)};
}

Node convert(const toml::node& from);

void convert_table(const toml::table& from, Node& into) {
  into.kind = NodeKind::table;
  for (const auto& [key, value] : from) into.entries.push_back({std::string(key.str()), position_of(key.source()), convert(value)});
  std::stable_sort(into.entries.begin(), into.entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
  });
}

// Recursion is bounded by the guard.
Node convert(const toml::node& from) {
  Node node;
  node.at = position_of(from.source());
  if (const auto* table = from.as_table()) {
    convert_table(*table, node);
  } else if (const auto* list = from.as_array()) {
    node.kind = NodeKind::list;
    for (const auto& item : *list) node.items.push_back(convert(item));
  } else if (const auto* text = from.as_string()) {
    node.kind = NodeKind::string;
    node.text = text->get();
  } else if (const auto* integer = from.as_integer()) {
    node.kind = NodeKind::integer;
    node.integer = integer->get();
  } else if (const auto* boolean = from.as_boolean()) {
    node.kind = NodeKind::boolean;
    node.boolean = boolean->get();
  } else {
    node.kind = NodeKind::other;
    node.text = from.is_floating_point() ? "a number with a fraction" : "a date or time without quotes";
  }
  return node;
}

void append(std::string& out, const Node& node) {
  const char* between = "";
  switch (node.kind) {
    case NodeKind::string: out.append("\"").append(base::escape_remote(node.text, 120)).append("\""); break;
    case NodeKind::integer: out += std::to_string(node.integer); break;
    case NodeKind::boolean: out += node.boolean ? "true" : "false"; break;
    case NodeKind::other: out += node.text; break;
    case NodeKind::list:
      out += '[';
      for (const Node& item : node.items) {
        out += between;
        append(out, item);
        between = ", ";
        if (out.size() > 400) break;
      }
      out += ']';
      break;
    case NodeKind::table:
      out += "{ ";
      for (const Entry& entry : node.entries) {
        out.append(between).append(base::escape_remote(entry.key, 64)).append(" = ");
        append(out, entry.value);
        between = ", ";
        if (out.size() > 400) break;
      }
      out += " }";
      break;
  }
}

}  // namespace

const char* name_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::string: return "a string";
    case NodeKind::integer: return "a number";
    case NodeKind::boolean: return "true or false";
    case NodeKind::list: return "a list";
    case NodeKind::table: return "a table";
    case NodeKind::other: return "another kind of value";
  }
  return "another kind of value";
}

std::optional<Node> parse_document(std::string_view file, std::string_view text, Faults& faults) {
  if (!Guard(file, text, faults).passes()) return std::nullopt;
  try {
    return convert(toml::parse(text));
  } catch (const toml::parse_error& e) {
    // the library stops at the first; its text begins with "Error while parsing …: "
    faults.error(file, position_of(e.source()), base::escape_remote(e.description(), 300));
  } catch (const std::exception& e) {
    faults.error(file, {}, std::string("cannot be read: ") + e.what());
  }
  return std::nullopt;
}

std::string format_node(const Node& node) {
  std::string out;
  append(out, node);
  return out;
}

}  // namespace policies
