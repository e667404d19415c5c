#include "gateway/pipeline/day_count.hpp"

#include <charconv>

namespace pipeline {
namespace {

bool read_number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::string day_of(base::Timestamp now) { return base::format_local(now).substr(0, 10); }

std::string encode(const DayCount& count) {
  return count.day + " " + std::to_string(count.messages) + " " + std::to_string(count.recipients);
}

DayCount decode_day_count(const std::string& text) {
  DayCount out;
  const auto first = text.find(' '), second = text.rfind(' ');
  if (first == std::string::npos || first == second) return {};
  out.day = text.substr(0, first);
  if (!read_number(std::string_view(text).substr(first + 1, second - first - 1), out.messages)) return {};
  if (!read_number(std::string_view(text).substr(second + 1), out.recipients)) return {};
  return out;
}

std::string day_mark_of(const std::string& account) { return "demail-day:" + account; }

std::optional<DayCount> with_one_more(const DayCount& count, const config::DeMailAccountOptions& account, std::uint64_t recipients, const std::string& day) {
  DayCount out = count.day == day ? count : DayCount{day, 0, 0};
  out.messages += 1;
  out.recipients += recipients;
  if (account.messages_a_day != 0 && out.messages > account.messages_a_day) return std::nullopt;
  if (account.recipients_a_day != 0 && out.recipients > account.recipients_a_day) return std::nullopt;
  return out;
}

DayCount with_one_less(const DayCount& count, std::uint64_t recipients, const std::string& day) {
  if (count.day != day) return count;
  return {day, count.messages - std::min<std::uint64_t>(count.messages, 1), count.recipients - std::min(count.recipients, recipients)};
}

}  // namespace pipeline
