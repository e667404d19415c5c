#include "simulator/model/json.hpp"

#include <cstdio>

#include "base/core/bytes.hpp"

namespace simulator {
namespace {

// Bytes that are no UTF-8 become one character each, as in ISO 8859-1: nothing is lost and the line stays readable.
std::string quoted(std::string_view text) {
  const bool utf8 = base::is_utf8(text);
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !utf8)) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", byte);
      out += escape;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace

JsonLine& JsonLine::add_raw(std::string_view name, std::string_view raw) {
  if (!m_members.empty()) m_members += ", ";
  m_members += quoted(name);
  m_members += ": ";
  m_members += raw;
  return *this;
}

JsonLine& JsonLine::add(std::string_view name, std::string_view text) { return add_raw(name, quoted(text)); }
JsonLine& JsonLine::add(std::string_view name, std::int64_t number) { return add_raw(name, std::to_string(number)); }
JsonLine& JsonLine::add(std::string_view name, bool yes) { return add_raw(name, yes ? "true" : "false"); }
JsonLine& JsonLine::add(std::string_view name, const JsonLine& object) { return add_raw(name, object.text()); }

JsonLine& JsonLine::add(std::string_view name, const std::vector<std::string>& texts) {
  std::string raw = "[";
  for (const std::string& text : texts) raw += (raw.size() > 1 ? ", " : "") + quoted(text);
  return add_raw(name, raw + "]");
}

}  // namespace simulator
