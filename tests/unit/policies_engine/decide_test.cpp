#include <algorithm>

#include "tests/unit/policies_engine/world.hpp"

namespace policies {
namespace {

using namespace testing_world;

TEST(Decide, FirstPossibleMethodIsTaken) {
  World w;
  w.recipient_has(k_openpgp);
  auto d = decide(rules(health()), w.question);
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_EQ(d.encrypt, k_openpgp);
  EXPECT_EQ(d.sign, SignMethod::openpgp) << "one method makes the whole of an encrypted message";
  EXPECT_EQ(d.signer->fingerprint.hex, "BB");
  EXPECT_EQ(d.rule, "health");
  EXPECT_FALSE(d.plaintext);
  w.recipient_has(k_smime);
  d = decide(rules(health()), w.question);
  EXPECT_EQ(d.encrypt, k_smime);
  EXPECT_EQ(d.trail.methods.at(0).why, "chosen");
  EXPECT_EQ(d.trail.methods.at(1).why, "possible, not needed");
}

TEST(Decide, NoKeyMeansRefusalWithTheRuleThatDemands) {
  World w;
  const auto d = decide(rules(health()), w.question);
  EXPECT_EQ(d.outcome, Outcome::refuse);
  EXPECT_EQ(d.reason, Reason::no_key);
  EXPECT_EQ(d.rule, "health");
}

TEST(Decide, ForbiddenKeyIsNoKey) {
  World w;
  w.recipient_has(k_smime);
  w.question.recipient.keys[k_smime].findings = {certs::Finding::expired};
  EXPECT_EQ(decide(rules(health()), w.question).reason, Reason::no_key);
  w.question.recipient.keys[k_smime].findings = {certs::Finding::rsa_below_3000};
  EXPECT_EQ(decide(rules(health()), w.question).encrypt, k_smime);
}

TEST(Decide, ClearOnlyThroughOtherwise) {
  World w;
  auto d = decide(rules(others()), w.question);
  ASSERT_TRUE(d.plaintext);
  EXPECT_EQ(d.plaintext->rule(), "others");
  EXPECT_EQ(d.sign, SignMethod::smime);
  EXPECT_EQ(d.transport, Transport::verified);
  // the first rule that speaks wins
  d = decide(rules(health(), others()), w.question);
  EXPECT_EQ(d.outcome, Outcome::refuse);
  EXPECT_FALSE(d.plaintext);
  // an empty list clears nothing
  Rule empty = rule("empty", {});
  empty.then.encrypt.emplace();
  d = decide(rules(empty), w.question);
  EXPECT_EQ(d.outcome, Outcome::refuse);
  EXPECT_EQ(d.reason, Reason::no_rule);
  EXPECT_FALSE(d.plaintext);
}

TEST(Decide, FailedLookupNeverMeansClear) {
  World w;
  w.recipient_unknown(k_smime);
  auto d = decide(rules(others()), w.question);
  EXPECT_EQ(d.outcome, Outcome::later);
  EXPECT_EQ(d.reason, Reason::lookup_unknown);
  EXPECT_FALSE(d.plaintext);
  // protected either way
  w.recipient_has(k_openpgp);
  d = decide(rules(others()), w.question);
  EXPECT_EQ(d.encrypt, k_openpgp);
  EXPECT_NE(d.trail.methods.at(0).why.find("lookup failed"), std::string::npos);
  // what was not looked up is unknown as well
  w.question.recipient.keys.clear();
  EXPECT_EQ(decide(rules(others()), w.question).outcome, Outcome::later);
}

TEST(Decide, SigningDemandsAnIdentity) {
  World w;
  w.question.signer.keys[k_smime] = absent();
  auto d = decide(rules(others()), w.question);
  EXPECT_EQ(d.outcome, Outcome::hold);
  EXPECT_EQ(d.reason, Reason::no_signing_identity);
  EXPECT_FALSE(d.plaintext) << "a held message carries no permit";
  w.question.signer.keys[k_smime] = unknown();
  EXPECT_EQ(decide(rules(others()), w.question).outcome, Outcome::later);
  Rule as_mayor = others();
  as_mayor.then.identity = "ob@stadt.example";
  w.question.signer.keys[k_smime] = known(k_smime, "amt53@stadt.example", "AA");
  EXPECT_EQ(decide(rules(as_mayor), w.question).reason, Reason::no_signing_identity) << "another's key signs for nobody";
}

TEST(Decide, ActingRulesActWhenReached) {
  World w;
  w.recipient_has(k_smime);
  auto d = decide(rules(health(), refusing("no", {})), w.question);
  EXPECT_EQ(d.outcome, Outcome::refuse);
  EXPECT_EQ(d.reason, Reason::refused_by_rule);
  EXPECT_EQ(d.text_de, "nein");
  Rule final_rule = health();
  final_rule.stop = Stop::final_rule;
  EXPECT_EQ(decide(rules(final_rule, refusing("no", {})), w.question).outcome, Outcome::deliver);
  Rule quarantine = rule("q", {});
  quarantine.stop = Stop::quarantine;
  d = decide(rules(health(), quarantine), w.question);
  EXPECT_EQ(d.outcome, Outcome::hold);
  EXPECT_EQ(d.reason, Reason::quarantined);
}

TEST(Decide, ReleaseLiftsAQuarantineAndNothingElse) {
  World w;
  Rule quarantine = rule("q", {});
  quarantine.stop = Stop::quarantine;
  quarantine.then.mark = Mark{"[geprueft]", {}};
  w.question.released = true;
  // outward: what stands behind the quarantine decides, with all that it demands
  EXPECT_EQ(decide(rules(quarantine, health()), w.question).reason, Reason::no_key);
  EXPECT_EQ(decide(rules(quarantine, refusing("no", {})), w.question).reason, Reason::refused_by_rule);
  EXPECT_EQ(decide(rules(quarantine), w.question).reason, Reason::no_rule);
  EXPECT_EQ(ask(rules(quarantine, health()), w.question).recipient_keys.size(), 2u) << "what decides must have been looked up";
  w.recipient_has(k_smime);
  auto d = decide(rules(quarantine, health()), w.question);
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_EQ(d.encrypt, k_smime);
  EXPECT_FALSE(d.plaintext);
  EXPECT_NE(format_trail(d).find("lifted by a person"), std::string::npos);
  // inward a refusal after acceptance was a quarantine as well
  World in;
  in.inbound();
  in.opened.signature = SignatureVerdict::invalid;
  in.question.opened = &in.opened;
  for (const Rule& r : {quarantine, refusing("no", {signature_is(SignatureVerdict::invalid)})}) {
    in.question.released = false;
    EXPECT_EQ(decide(rules(r), in.question).reason, Reason::quarantined);
    in.question.released = true;
    EXPECT_EQ(decide(rules(r), in.question).outcome, Outcome::deliver);
  }
  EXPECT_EQ(decide(rules(quarantine), in.question).mark.subject_prefix, "[geprueft]");
}

TEST(Decide, AtRcptTheDepartmentOfAReportIsNotKnown) {
  World w;
  w.at_rcpt();
  w.question.origin.department.clear();
  EXPECT_EQ(decide(rules(health()), w.question).outcome, Outcome::refuse) << "a sender in no department";
  w.question.reverse_path.reset();
  EXPECT_EQ(decide(rules(health()), w.question).outcome, Outcome::deliver) << "From decides, and it has not come yet";
  EXPECT_EQ(decide(RuleSet{}, w.question).outcome, Outcome::refuse) << "a no that hangs on nothing is still a no";
}

TEST(Decide, BuiltInRules) {
  World w;
  auto d = decide(RuleSet{}, w.question);
  EXPECT_EQ(d.reason, Reason::no_rule);
  EXPECT_EQ(d.rule, k_built_in);
  w.question.recipient.direction = Direction::internal;
  d = decide(RuleSet{}, w.question);
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_FALSE(d.plaintext);
  w.inbound();
  EXPECT_EQ(decide(RuleSet{}, w.question).outcome, Outcome::deliver);
  EXPECT_EQ(decide(RuleSet{}, w.question).trail.rules.back().rule, k_built_in);
}

TEST(Decide, WhatTheSenderEncryptedPasses) {
  World w;
  w.message.wrapping = mail::Wrapping::pgp_encrypted;
  auto d = decide(rules(health()), w.question);
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_TRUE(d.protected_by_sender);
  EXPECT_FALSE(d.encrypt);
  EXPECT_FALSE(d.plaintext) << "a Content-Type proves nothing: no permit beside it";
  EXPECT_EQ(decide(RuleSet{}, w.question).reason, Reason::no_rule);
  w.message.wrapping = mail::Wrapping::smime_unknown;
  EXPECT_EQ(decide(rules(health()), w.question).reason, Reason::no_key);
}

TEST(Decide, AtRcptOnlyACertainNoIsFinal) {
  World w;
  w.at_rcpt();
  EXPECT_EQ(decide(rules(health()), w.question).outcome, Outcome::deliver) << "the sender may have encrypted it himself";
  EXPECT_EQ(decide(RuleSet{}, w.question).reason, Reason::no_rule);
  EXPECT_EQ(decide(rules(refusing("no", {text_is(TextField::recipient_domain, "web.example")})), w.question).outcome,
            Outcome::refuse);
  EXPECT_EQ(decide(rules(refusing("kw", {text_is(TextField::keyword, "x")}), others()), w.question).outcome, Outcome::deliver);
  EXPECT_EQ(decide(rules(others(), refusing("kw", {text_is(TextField::keyword, "x")})), w.question).outcome, Outcome::deliver);
  // whatever the subject is, it ends in a no
  EXPECT_EQ(decide(rules(refusing("kw", {text_is(TextField::keyword, "x")}), refusing("all", {})), w.question).outcome,
            Outcome::refuse);
  EXPECT_FALSE(decide(rules(others()), w.question).plaintext);
}

TEST(Decide, BeforeOpeningAcceptAfterwardsNeverRefuse) {
  World w;
  w.inbound();
  w.message.wrapping = mail::Wrapping::smime_encrypted;
  const auto set = rules(refusing("bad signature", {signature_is(SignatureVerdict::invalid)}));
  EXPECT_EQ(decide(set, w.question).outcome, Outcome::deliver);
  w.opened = {true, true, SignatureVerdict::invalid, ""};
  w.question.opened = &w.opened;
  const auto d = decide(set, w.question);
  EXPECT_EQ(d.outcome, Outcome::hold);
  EXPECT_EQ(d.reason, Reason::quarantined);
  w.opened.signature = SignatureVerdict::valid;
  EXPECT_EQ(decide(set, w.question).outcome, Outcome::deliver);
  w.question.opened = nullptr;
  EXPECT_EQ(decide(rules(refusing("all", {})), w.question).outcome, Outcome::refuse) << "a certain no before acceptance";
}

TEST(Decide, UnknownThatDoesNotMatter) {
  World w;
  w.recipient_unknown(k_smime);
  w.recipient_has(k_openpgp);
  // unknown and no is no
  Rule elsewhere = refusing("elsewhere", {has_key(k_smime), text_is(TextField::recipient_domain, "other.example")});
  EXPECT_EQ(decide(rules(elsewhere, others()), w.question).outcome, Outcome::deliver);
  // matters
  EXPECT_EQ(decide(rules(refusing("r", {has_key(k_smime)}), others()), w.question).outcome, Outcome::later);
  // the same either way
  EXPECT_EQ(decide(rules(refusing("r", {has_key(k_smime)}), refusing("s", {})), w.question).outcome, Outcome::refuse);
  // both ways of a question that is unknown lead to a no, but each rule by itself may not match: never a guess
  EXPECT_EQ(
      decide(rules(refusing("r", {has_key(k_smime)}), refusing("s", {negated(has_key(k_smime))}), others()), w.question).outcome,
      Outcome::later);
  Rule routed = rule("routed", {has_key(k_smime)});
  routed.then.route = "a";
  EXPECT_EQ(decide(rules(routed, others()), w.question).outcome, Outcome::later);
  Rule settled = rule("settled", {});
  settled.then.route = "a";
  EXPECT_EQ(decide(rules(settled, routed, others()), w.question).route, "a");
}

TEST(Decide, MoreUnknownRulesThanAreTried) {
  World w;
  w.recipient_unknown(k_smime);
  w.recipient_has(k_openpgp);
  std::vector<Rule> set;
  set.push_back(others());
  for (int i = 0; i < 1000; ++i) {
    Rule r = refusing("r", {has_key(k_smime)});
    r.name += std::to_string(i);
    set.push_back(r);
  }
  EXPECT_EQ(decide(RuleSet(set), w.question).outcome, Outcome::later);
  // every combination ends in a no, but there are more of them than anybody tries
  set.push_back(refusing("all", {}));
  EXPECT_EQ(decide(RuleSet(set), w.question).outcome, Outcome::later);
  w.at_rcpt();
  EXPECT_EQ(decide(RuleSet(set), w.question).outcome, Outcome::deliver);
}

TEST(Decide, KeywordsOnlyFromOurOwn) {
  World w;
  w.message.keywords = {"geheim"};
  Rule r = refusing("kw", {text_is(TextField::keyword, "GEHEIM")});
  EXPECT_EQ(decide(rules(r), w.question).outcome, Outcome::refuse);
  w.inbound();
  EXPECT_EQ(decide(rules(r), w.question).outcome, Outcome::deliver);
  w.question.recipient.direction = Direction::internal;
  Rule mark = rule("mark", {text_is(TextField::keyword, "geheim")});
  mark.then.receipts = "long";
  EXPECT_EQ(decide(rules(mark), w.question).keywords, std::vector<std::string>{"geheim"});
}

}  // namespace
}  // namespace policies
