#include "receipts/log/balance.hpp"

namespace receipts {

std::int64_t number_of(const std::vector<Fact>& facts, std::string_view name) {
  for (const Fact& fact : facts)
    if (fact.name == name)
      if (const auto* n = std::get_if<std::int64_t>(&fact.value)) return *n;
  return 0;
}

void Balance::count(EventType type, const std::vector<Fact>& facts, std::string_view out) {
  switch (type) {
    case EventType::msg_accept:
    case EventType::msg_accept_ext: ++accepted; break;
    case EventType::msg_closed: ++(out == k_out_cancelled ? cancelled : closed); break;
    case EventType::log_open: *this = {.open_before = number_of(facts, "open")}; break;
    case EventType::log_balance: *this = {.open_before = open()}; break;
    default: break;
  }
}

std::vector<Fact> Balance::facts() const {
  return {{"accepted", accepted}, {"cancelled", cancelled}, {"closed", closed}, {"open", open()}, {"open_before", open_before}};
}

}  // namespace receipts
