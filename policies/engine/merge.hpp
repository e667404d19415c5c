// Internal to policies/engine. Promise: the settings of all rules that match, each from the first rule that has it, and
// the rule that ended the search; then what follows from them for one recipient.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "policies/engine/conditions.hpp"
#include "policies/engine/rule_set.hpp"

namespace policies {

template <class T>
struct Filled {
  const T* value = nullptr;
  const Rule* rule = nullptr;

  bool would_take(const std::optional<T>& offered) const { return value == nullptr && offered.has_value(); }
  void take(const std::optional<T>& offered, const Rule& from) {
    if (!would_take(offered)) return;
    value = &*offered;
    rule = &from;
  }
};

struct Merged {
  Filled<SignMethod> sign;
  Filled<std::vector<certs::Method>> encrypt;
  Filled<Otherwise> otherwise;
  Filled<Carrier> carrier;
  std::array<Filled<bool>, k_demail_options> demail;  // by DeMailOption
  Filled<std::string> route, receipts, identity;
  Filled<Transport> transport;
  Filled<Mark> mark;
  Filled<std::vector<std::string>> strip;
  const Rule* stopped_by = nullptr;
  std::vector<const Rule*> applied;

  // Would taking this rule change anything? What does not need not be known.
  bool would_change(const Rule& rule, Stop stop) const;
  void take(const Rule& rule, Stop stop);

 private:
  bool would_take_demail(const Settings& then) const;
};

std::string rule_name(const Rule* rule);  // null: the built-in rules
void end_with(PolicyDecision& decision, Outcome outcome, Reason reason, const Rule* rule);

// The decision for these settings, without the traces of rules. Pure; makes PlaintextPermit only where the merged
// `otherwise` is clear, no method was possible, and the message is delivered.
PolicyDecision conclude(const Merged& merged, const View& view);

}  // namespace policies
