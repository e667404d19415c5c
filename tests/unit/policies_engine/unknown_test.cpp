// The small model: for every question with unknowns, the decision is the common decision of all its resolutions, or Later.
#include <random>

#include "policies/engine/conditions.hpp"
#include "tests/unit/policies_engine/world.hpp"

namespace policies {
namespace {

using namespace testing_world;

// What leaves the house, as text; the reason of a refusal is not part of it: a certain no is a no.
std::string effect_of(const PolicyDecision& d) {
  std::string out = name_of(d.outcome);
  if (d.outcome == Outcome::refuse || d.outcome == Outcome::later) return out;
  out += std::string("/") + name_of(d.reason) + "/" + (d.encrypt ? certs::name_of(*d.encrypt) : "-") + "/" + name_of(d.sign) +
         "/" + (d.plaintext ? "clear" : "-") + "/" + d.route + "/" + (d.transport ? name_of(*d.transport) : "-") + "/" +
         d.receipts_class;
  return out;
}

Condition random_condition(std::mt19937& random) {
  switch (random() % 6) {
    case 0: return has_key(k_smime);
    case 1: return has_key(k_openpgp);
    case 2: return negated(has_key(k_smime));
    case 3: return text_is(TextField::recipient_domain, random() % 2 == 0 ? "web.example" : "other.example");
    case 4: return {KeyCondition{{k_smime, k_openpgp}}, "either"};
    default: return negated({NotCondition{{has_key(k_openpgp)}}, "not not"});
  }
}

Rule random_rule(std::mt19937& random, int number) {
  std::vector<Condition> when;
  for (std::size_t i = random() % 3; i > 0; --i) when.push_back(random_condition(random));
  Rule r = rule("", std::move(when));
  r.name = "r" + std::to_string(number);
  switch (random() % 10) {
    case 0: r.stop = Stop::refuse; break;
    case 1: r.stop = Stop::quarantine; break;
    case 2: r.stop = Stop::final_rule; break;
    case 3: r.then.route = random() % 2 == 0 ? "a" : "b"; break;
    case 4: r.then.transport = Transport::verified; break;
    case 5: r.then.encrypt = {k_openpgp}; break;
    case 6: r.then.encrypt.emplace(); break;
    case 7: r.then.otherwise = Otherwise::clear; break;
    case 8: r.then.otherwise = random() % 2 == 0 ? Otherwise::hold : Otherwise::refuse; break;
    default: r.then.sign = SignMethod::openpgp; break;
  }
  return r;
}

TEST(Unknown, DecisionIsCommonToAllResolutionsOrLater) {
  std::mt19937 random(20260301);
  int decided = 0, postponed = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Rule> list;
    for (int i = 0; i < 5; ++i) list.push_back(random_rule(random, i));
    const RuleSet set(std::move(list));
    World w;
    w.recipient_unknown(k_smime);
    const bool both_unknown = random() % 2 == 0;
    if (both_unknown) w.recipient_unknown(k_openpgp);
    const std::string got = effect_of(decide(set, w.question));
    if (got == "later") {
      ++postponed;
      continue;
    }
    ++decided;
    for (int resolution = 0; resolution < (both_unknown ? 4 : 2); ++resolution) {
      World resolved;
      if ((resolution & 1) != 0) resolved.recipient_has(k_smime);
      if ((resolution & 2) != 0) resolved.recipient_has(k_openpgp);
      ASSERT_EQ(effect_of(decide(set, resolved.question)), got) << "round " << round << " resolution " << resolution;
    }
  }
  // the test would say nothing if everything were put off
  EXPECT_GT(decided, 3000);
  EXPECT_GT(postponed, 3000);
}

// The one freedom: an unknown method may be passed over for a known one; the message is protected in every resolution.
TEST(Unknown, ClearTextInNoResolutionMeansNoClearText) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Rule> list;
    for (int i = 0; i < 4; ++i) list.push_back(random_rule(random, i));
    Rule last = others();
    last.then.otherwise = random() % 2 == 0 ? Otherwise::clear : Otherwise::refuse;
    list.push_back(last);
    const RuleSet set(std::move(list));
    World w;
    if (random() % 2 == 0) w.recipient_has(k_openpgp);
    w.recipient_unknown(k_smime);
    if (!decide(set, w.question).plaintext) continue;
    for (const bool has : {false, true}) {
      if (has)
        w.recipient_has(k_smime);
      else
        w.question.recipient.keys[k_smime] = absent();
      ASSERT_TRUE(decide(set, w.question).plaintext) << "round " << round;
    }
  }
}

TEST(Unknown, TruthTables) {
  constexpr Truth n = Truth::no, y = Truth::yes, u = Truth::unknown, t = Truth::not_yet;
  constexpr Truth all[] = {n, y, u, t};
  constexpr Truth conjunction[4][4] = {{n, n, n, n}, {n, y, u, t}, {n, u, u, u}, {n, t, u, t}};
  for (int a = 0; a < 4; ++a)
    for (int b = 0; b < 4; ++b) {
      EXPECT_EQ(both(all[a], all[b]), conjunction[a][b]) << a << b;
      EXPECT_EQ(either(all[a], all[b]), negation(both(negation(all[a]), negation(all[b]))));
    }
  EXPECT_EQ(negation(u), u);
  EXPECT_EQ(negation(t), t);
}

TEST(Ask, OnlyWhatCouldMatter) {
  World w;
  auto plan = ask(rules(health()), w.question);
  EXPECT_EQ(plan.recipient_keys, (std::set{k_smime, k_openpgp}));
  EXPECT_EQ(plan.signer_keys, (std::set{k_smime, k_openpgp}));
  plan = ask(rules(refusing("no", {}), health()), w.question);
  EXPECT_TRUE(plan.recipient_keys.empty() && plan.signer_keys.empty()) << "refused whatever is found";
  Rule only_pgp = rule("pgp", {});
  only_pgp.then.encrypt = {k_openpgp};
  plan = ask(rules(only_pgp, health()), w.question);
  EXPECT_EQ(plan.recipient_keys, std::set{k_openpgp}) << "settled before";
  plan = ask(rules(refusing("r", {has_key(k_smime)}), only_pgp), w.question);
  EXPECT_EQ(plan.recipient_keys, (std::set{k_smime, k_openpgp}));
  EXPECT_TRUE(plan.signer_keys.empty());
  w.message.wrapping = mail::Wrapping::smime_encrypted;
  EXPECT_TRUE(ask(rules(health()), w.question).recipient_keys.empty());
  w.message.wrapping = mail::Wrapping::none;
  w.question.recipient.direction = Direction::internal;
  EXPECT_TRUE(ask(rules(only_pgp), w.question).recipient_keys.empty());
  w.question.recipient.direction = Direction::outbound;
  w.at_rcpt();
  EXPECT_EQ(ask(rules(health()), w.question).recipient_keys.size(), 2u);
}

// decide() never asks for what ask() did not name: no plan leads to a Later by itself.
TEST(Ask, PlanIsEnough) {
  std::mt19937 random(99);
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Rule> list;
    for (int i = 0; i < 5; ++i) list.push_back(random_rule(random, i));
    const RuleSet set(std::move(list));
    World w;
    if (random() % 2 == 0) w.recipient_has(k_smime);
    if (random() % 2 == 0) w.recipient_has(k_openpgp);
    const PolicyDecision with_all = decide(set, w.question);
    const LookupPlan plan = ask(set, w.question);
    std::erase_if(w.question.recipient.keys, [&](const auto& e) { return plan.recipient_keys.count(e.first) == 0; });
    std::erase_if(w.question.signer.keys, [&](const auto& e) { return plan.signer_keys.count(e.first) == 0; });
    ASSERT_EQ(effect_of(decide(set, w.question)), effect_of(with_all)) << round;
  }
}

}  // namespace
}  // namespace policies
