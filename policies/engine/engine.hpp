// Promise: ask() says what would have to be looked up, decide() says what happens; both are pure. Conditions are
// three-valued (and "not yet" before opening): an unknown that matters makes the decision Later, never a guess.
#pragma once

#include <memory>
#include <set>

#include "policies/engine/decision.hpp"
#include "policies/engine/question.hpp"

namespace policies {

// Compiled rules; immutable, shared between threads. Made by policies/lang.
class RuleSet;
using RuleSetPtr = std::shared_ptr<const RuleSet>;

// What could still matter for this recipient: methods whose keys must be looked up for him, and methods for which we need
// an identity of ours. Empty sets: the decision needs no lookup.
struct LookupPlan {
  std::set<certs::Method> recipient_keys;
  std::set<certs::Method> signer_keys;
  std::string identity;                     // whose signer_keys: an address of ours; "": the sender's own
};

// `question.recipient.keys` and `question.signer.keys` are ignored.
LookupPlan ask(const RuleSet& rules, const Question& question);

// At RCPT (question.message is null) only a certain refuse is final; anything that depends on the message is deliver.
PolicyDecision decide(const RuleSet& rules, const Question& question);

}  // namespace policies
