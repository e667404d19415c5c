#include "gateway/app/render.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "base/core/clock.hpp"

namespace app {
namespace {

// Columns of a terminal, near enough: UTF-8 continuation bytes take none.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void print_value(std::ostream& out, const std::string& label, const json::value& value) {
  if (value.is_string()) {
    out << "      " << label << ": " << shown(std::string(value.get_string()), 4000) << "\n";
    return;
  }
  if (!value.is_array()) {
    out << "      " << label << ": " << json::serialize(value) << "\n";
    return;
  }
  out << "      " << label << ":\n";
  for (const json::value& line : value.get_array())
    if (line.is_string()) out << "        " << shown(std::string(line.get_string()), 4000) << "\n";
}

}  // namespace

void Columns::print(std::ostream& out) const {
  std::vector<std::size_t> widths(m_rows.front().size(), 0);
  for (const auto& row : m_rows)
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  for (const auto& row : m_rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      line += row[i];
      if (i + 1 < row.size()) line += std::string(widths[i] - width_of(row[i]) + 2, ' ');
    }
    out << line << "\n";
  }
}

std::string local_time(const std::string& utc) {
  const auto time = base::parse_utc(utc);
  return time ? base::format_local(*time) : shown(utc, 40);
}

std::string size_text(std::int64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  const char* unit = "KiB";
  for (const char* next : {"MiB", "GiB", "TiB"}) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %s", value, unit);
  return text;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : between).append(shown(word));
  return out;
}

void render_timeline(std::ostream& out, const json::array& timeline) {
  for (const json::value& item : timeline) {
    if (!item.is_object()) continue;
    const json::object& leaf = item.get_object();
    out << local_time(text_of(leaf, "time")) << "  " << shown(text_of(leaf, "event"));
    if (const auto rx = number_of(leaf, "rx")) out << "  r" << *rx;
    out << "  " << shown(text_of(leaf, "out"));
    if (!text_of(leaf, "reply").empty()) out << "  " << shown(text_of(leaf, "reply"));
    out << "\n      receipt: " << shown(text_of(leaf, "eid")) << " (entry " << number_of(leaf, "index").value_or(-1) << ")\n";
    for (const auto& fact : object_of(leaf, "facts")) print_value(out, std::string(fact.key()), fact.value());
    for (const auto& cls : object_of(leaf, "disclosures"))
      if (cls.value().is_object())
        for (const auto& one : cls.value().get_object()) print_value(out, std::string(one.key()), one.value());
    if (flag_of(leaf, "erased")) out << "      content erased\n";
  }
}

}  // namespace app
