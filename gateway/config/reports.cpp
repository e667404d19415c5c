#include <array>

#include "gateway/config/sections.hpp"

namespace config {
namespace {

std::vector<mail::Address> addresses(policies::TableReader& r, std::string_view key) {
  std::vector<mail::Address> out;
  for (const policies::Node* node : r.strings(key).value_or(std::vector<const policies::Node*>{})) {
    auto address = mail::Address::parse(node->text);
    if (!address) r.error_at(node->at, "reports." + std::string(key) + ": \"" + node->text + "\" is no address");
    if (address) out.push_back(*std::move(address));
  }
  return out;
}

// "06:30"
std::optional<int> minute_of(std::string_view text) {
  const auto digit = [&](std::size_t i) { return text[i] >= '0' && text[i] <= '9'; };
  if (text.size() != 5 || text[2] != ':' || !digit(0) || !digit(1) || !digit(3) || !digit(4)) return std::nullopt;
  const int hour = (text[0] - '0') * 10 + text[1] - '0', minute = (text[3] - '0') * 10 + text[4] - '0';
  if (hour > 23 || minute > 59) return std::nullopt;
  return hour * 60 + minute;
}

}  // namespace

void read_reports(const Section* section, Draft& draft) {
  ReportsOptions& reports = draft.options.reports;
  reports.minute = *minute_of("06:00");
  if (section == nullptr) return;
  policies::TableReader r(*section->table, section->file, "reports", schema::reports(), draft.faults);
  reports.administrators = addresses(r, "administrators");
  reports.auditors = addresses(r, "auditors");
  reports.always = r.boolean("always").value_or(false);
  if (const auto text = r.string("at")) {
    const auto minute = minute_of(*text);
    if (!minute) r.error("at", "= \"" + *text + "\" is no time of day: \"06:30\"");
    reports.minute = minute.value_or(reports.minute);
  }
}

}  // namespace config
