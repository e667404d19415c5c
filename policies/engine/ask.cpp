#include "policies/engine/engine.hpp"
#include "policies/engine/merge.hpp"

namespace policies {
namespace {

using certs::Method;

void collect_key_conditions(const std::vector<Condition>& conditions, std::set<Method>& into) {
  for (const Condition& condition : conditions) {
    if (const auto* key = std::get_if<KeyCondition>(&condition.test)) into.insert(key->any_of.begin(), key->any_of.end());
    if (const auto* inverse = std::get_if<NotCondition>(&condition.test)) collect_key_conditions(inverse->all_of, into);
  }
}

// What the rules may come to want, in one pass and without branching: a setting is settled once a rule that certainly
// matches has it; until then every rule that may match adds what it names.
struct Wanted {
  std::set<Method> encrypt, sign, conditions;
  std::string identity;
  bool encrypt_settled = false, sign_settled = false, identity_settled = false;

  void add(const Settings& then, bool certain) {
    if (then.encrypt && !encrypt_settled) {
      encrypt.insert(then.encrypt->begin(), then.encrypt->end());
      encrypt_settled = certain;
    }
    if (then.sign && !sign_settled) {
      if (*then.sign == SignMethod::smime) sign.insert(Method::smime);
      if (*then.sign == SignMethod::openpgp) sign.insert(Method::openpgp);
      sign_settled = certain;
    }
    // several that may apply: decide() holds what it cannot sign with the right one
    if (then.identity && !identity_settled) {
      if (identity.empty()) identity = *then.identity;
      identity_settled = certain;
    }
  }
};

}  // namespace

LookupPlan ask(const RuleSet& rules, const Question& asked) {
  Question question = asked;
  question.recipient.keys.clear();
  question.signer.keys.clear();
  const View view(question);
  Wanted wanted;
  bool may_have_stopped = false;
  for (const Rule& rule : rules.rules()) {
    const Condition* decided_by = nullptr;
    const Truth truth = view.truth_of(rule, &decided_by);
    if (truth == Truth::no) continue;
    const bool certain = truth == Truth::yes;
    const Stop stop = view.stop_of(rule);
    // a certain end: nothing is encrypted or signed; what a held message carries along may still hang on earlier rules
    if (certain && stop == Stop::refuse && !may_have_stopped) return {};
    if (certain && stop == Stop::quarantine && !may_have_stopped) return {wanted.conditions, {}, {}};
    if (truth == Truth::unknown) collect_key_conditions(rule.when, wanted.conditions);
    wanted.add(rule.then, certain);
    if (certain && stop != Stop::none) break;
    may_have_stopped = may_have_stopped || stop != Stop::none;
  }

  LookupPlan plan;
  plan.recipient_keys = wanted.conditions;
  if (question.recipient.direction != Direction::outbound) return plan;
  // a De-Mail is neither encrypted nor signed by us
  if (question.recipient.demail.is_demail_address || !view.wish().by.empty()) return plan;
  // what its sender has encrypted passes as it is
  if (question.message != nullptr && mail::is_encrypted(question.message->wrapping)) return plan;
  plan.recipient_keys.insert(wanted.encrypt.begin(), wanted.encrypt.end());
  if (!wanted.sign.empty()) {
    plan.signer_keys = wanted.sign;
    plan.signer_keys.insert(wanted.encrypt.begin(), wanted.encrypt.end());
    plan.identity = wanted.identity;
  }
  return plan;
}

}  // namespace policies
