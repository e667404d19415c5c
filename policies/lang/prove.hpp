// Promise: looks for a way from "protection demanded" to clear text. Every message that the rules can tell apart is put
// together from the values that stand in them, written as a case, and decided as a case is. A demand is a rule whose
// conditions hold and that says `otherwise = "refuse"`, "hold" or "demail", or `carrier = "demail"`, whether or not an earlier rule, or a `final` one, is in its
// way. Where the combinations are too many, or a value cannot be made up from a regular expression, the answer says so.
#pragma once

#include "policies/lang/cases.hpp"

namespace policies {

inline constexpr std::size_t k_most_combinations = 500'000;  // some seconds

struct ProveOptions {
  CaseOptions cases;
  std::vector<std::string> senders;    // one address for each department, and one in none
  std::vector<std::string> listeners;  // of own users, as configured
};

struct Counterexample {
  std::string demanding, clearing;     // rules
  std::string text;                    // a case in TOML that fails today: `expect = { clear = false }`
};

struct ClearTextSearch {
  std::vector<Counterexample> counterexamples;  // one for each pair of rules
  std::vector<std::string> unmatched;           // rules that no message of the search met
  std::size_t tried = 0;
  bool complete = true;                         // every combination was tried
  std::vector<std::string> gaps;                // why it is not complete
};

ClearTextSearch prove(const RuleSet& rules, const ProveOptions& options);

}  // namespace policies
