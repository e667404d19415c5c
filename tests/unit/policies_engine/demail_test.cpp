// What is meant as De-Mail leaves as De-Mail or not at all: by tables, and by random rules against the two laws that must hold
// whatever they say.
#include <random>

#include "base/core/errors.hpp"
#include "mail/message/inspect.hpp"
#include "policies/engine/conditions.hpp"
#include "tests/unit/policies_engine/world.hpp"

namespace policies {
namespace {

using namespace testing_world;

constexpr const char* k_sender = "amt53@stadt.de-mail.example";

// A sender with an account of level high, and a recipient at a provider of De-Mail.
struct DeMailWorld : World {
  DeMailWorld() {
    question.recipient.address = address("erika.mustermann@anbieter.de-mail.example");
    question.recipient.demail = {true, "stadt", k_sender, true, true, false};
  }
  void to_the_internet() {
    question.recipient.address = address("Buerger@Web.example");
    question.recipient.demail.is_demail_address = false;
  }
  void says(const std::string& subject, const std::string& fields = "") {
    message = mail::inspect("From: amt53@stadt.example\r\n" + fields + "Subject: " + subject + "\r\n\r\nText\r\n");
  }
  PolicyDecision decide_by(const RuleSet& rules) const { return decide(rules, question); }
};

Rule by_carrier(const char* name, Carrier carrier) {
  Rule r = rule(name, {direction_is(Direction::outbound)});
  r.then.carrier = carrier;
  return r;
}

Rule asking(const char* name, DeMailOption option, bool value) {
  Rule r = rule(name, {});
  r.then.demail[static_cast<std::size_t>(option)] = value;
  return r;
}

std::string setting_of(const PolicyDecision& d, const std::string& name) {
  for (const auto& s : d.trail.settings)
    if (s.setting == name) return s.value + " from " + s.rule;
  return "";
}

TEST(DeMail, TheAddressChoosesTheCarrier) {
  DeMailWorld w;
  for (const RuleSet& set : {RuleSet{}, rules(health()), rules(others()), rules(by_carrier("smtp", Carrier::smtp), others())}) {
    const auto d = w.decide_by(set);
    EXPECT_EQ(d.outcome, Outcome::deliver);
    ASSERT_TRUE(d.demail);
    EXPECT_EQ(*d.demail, (DeMailChoice{"stadt", k_sender, {.dispatch = true, .receipt = true}}));
    EXPECT_FALSE(d.plaintext || d.encrypt || d.signer || d.transport);
    EXPECT_EQ(d.route, "");
    EXPECT_EQ(d.rule, "built-in");
    EXPECT_EQ(setting_of(d, "carrier").substr(0, 4), set.rules().size() == 2 ? "smtp" : "dema");
  }
  EXPECT_EQ(setting_of(w.decide_by(RuleSet{}), "carrier"), "demail from the recipient's address");
}

TEST(DeMail, RulesStillRefuseAndQuarantine) {
  DeMailWorld w;
  w.says("[De-Mail] Bescheid");
  EXPECT_EQ(w.decide_by(rules(refusing("no", {}))).reason, Reason::refused_by_rule);
  Rule aside = rule("aside", {});
  aside.stop = Stop::quarantine;
  const auto held = w.decide_by(rules(aside));
  EXPECT_EQ(held.outcome, Outcome::hold);
  EXPECT_FALSE(held.demail);
  w.question.released = true;
  EXPECT_TRUE(w.decide_by(rules(aside)).demail);
}

TEST(DeMail, TheCarrierSatisfiesOtherRules) {
  DeMailWorld w;
  Rule hold = health();
  hold.then.otherwise = Otherwise::hold;
  EXPECT_TRUE(w.decide_by(rules(health(), by_carrier("demail", Carrier::demail))).demail);
  EXPECT_TRUE(w.decide_by(rules(hold)).demail);
  // a key that could not be looked up, and an identity that is not there, have no part in it
  w.recipient_unknown(k_smime);
  w.question.signer.keys[k_smime] = absent();
  const auto d = w.decide_by(rules(health()));
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_TRUE(ask(rules(health()), w.question).recipient_keys.empty());
  EXPECT_TRUE(ask(rules(health()), w.question).signer_keys.empty());
  w.message.wrapping = mail::Wrapping::smime_signed;
  EXPECT_EQ(w.decide_by(rules(health())).sign, SignMethod::keep) << "what the sender signed stays so";
}

TEST(DeMail, MeantSoForAnAddressThatIsNone) {
  DeMailWorld w;
  w.to_the_internet();
  const struct {
    std::string subject, fields;
    RuleSet rules;
    const char* rule;
  } rows[] = {
      {"[De-Mail] Bescheid", "", rules(others()), "built-in"},
      {"Bescheid [persönlich]", "", rules(others()), "built-in"},
      {"Bescheid", "X-De-Mail-Private: yes\r\n", rules(others()), "built-in"},
      {"Bescheid", "", rules(by_carrier("einschreiben", Carrier::demail), others()), "einschreiben"},
  };
  w.recipient_has(k_smime);
  for (const auto& row : rows) {
    w.says(row.subject, row.fields);
    const auto d = w.decide_by(row.rules);
    EXPECT_EQ(d.outcome, Outcome::refuse) << row.subject << row.fields;
    EXPECT_EQ(d.reason, Reason::demail_not_reachable);
    EXPECT_EQ(d.rule, row.rule);
    EXPECT_FALSE(d.plaintext || d.encrypt || d.demail);
  }
}

TEST(DeMail, FallingBackOnIt) {
  DeMailWorld w;
  Rule fallback = health();
  fallback.then.otherwise = Otherwise::demail;
  EXPECT_TRUE(w.decide_by(rules(fallback)).demail);
  w.to_the_internet();
  auto d = w.decide_by(rules(fallback, others()));
  EXPECT_EQ(d.outcome, Outcome::refuse);
  EXPECT_EQ(d.reason, Reason::no_key);
  EXPECT_EQ(d.rule, "health");
  fallback.then.encrypt.reset();
  d = w.decide_by(rules(fallback));
  EXPECT_EQ(d.reason, Reason::demail_not_reachable) << "nothing else was tried";
  w.at_rcpt();
  EXPECT_EQ(w.decide_by(rules(fallback)).outcome, Outcome::deliver) << "the sender may have encrypted it himself";
  w.question.message = &w.message;
  w.recipient_has(k_openpgp);
  EXPECT_EQ(w.decide_by(rules(health())).encrypt, k_openpgp);
}

TEST(DeMail, WhatStandsInTheWay) {
  const struct {
    DeMailFacts facts;
    const char* subject;
    Reason reason;
  } rows[] = {
      {{true, "", "", false, false, false}, "Bescheid", Reason::demail_no_account},
      {{true, "stadt", k_sender, true, true, true}, "Bescheid", Reason::demail_ended},
      {{true, "stadt", k_sender, false, false, false}, "Bescheid", Reason::none},
      {{true, "stadt", k_sender, false, false, false}, "[Eingangsbestätigung] Bescheid", Reason::none},
      {{true, "stadt", k_sender, false, false, false}, "[Absenderbestätigt] Bescheid", Reason::demail_not_allowed},
      {{true, "stadt", k_sender, false, false, false}, "[Persönlich] Bescheid", Reason::demail_not_allowed},
      {{true, "stadt", k_sender, true, false, false}, "[Persönlich] Bescheid", Reason::none},
      {{true, "stadt", k_sender, true, false, false}, "[Abholbestätigung] Bescheid", Reason::demail_not_allowed},
      {{true, "stadt", k_sender, true, true, false}, "[Abholbestätigung] Bescheid", Reason::none},
  };
  for (const auto& row : rows) {
    DeMailWorld w;
    w.says(row.subject);
    w.question.recipient.demail = row.facts;
    const auto d = w.decide_by(rules(others()));
    EXPECT_EQ(d.reason, row.reason) << row.subject;
    EXPECT_EQ(d.outcome, row.reason == Reason::none ? Outcome::deliver : Outcome::refuse);
    EXPECT_EQ(d.demail.has_value(), row.reason == Reason::none);
    EXPECT_FALSE(d.plaintext);
    // From tells the account, and may be another of ours than the reverse path: nothing is certain before it is there
    w.at_rcpt();
    EXPECT_EQ(w.decide_by(rules(others())).outcome, Outcome::deliver) << row.subject;
  }
}

TEST(DeMail, AtRcptARuleThatIsCertainRefuses) {
  DeMailWorld w;
  w.to_the_internet();
  w.at_rcpt();
  EXPECT_EQ(w.decide_by(rules(by_carrier("d", Carrier::demail))).reason, Reason::demail_not_reachable);
  Rule hangs = by_carrier("d", Carrier::demail);
  hangs.when.push_back(text_is(TextField::keyword, "einschreiben"));
  EXPECT_EQ(w.decide_by(rules(hangs, others())).outcome, Outcome::deliver);
}

TEST(DeMail, OptionsAndWhoSetThem) {
  DeMailWorld w;
  w.says("[De-Mail] [PERSÖNLICH] Bescheid [Confirmed  by sender]", "X-De-Mail-Confirmation-Of-Retrieve: no\r\n");
  auto d = w.decide_by(rules(asking("quiet", DeMailOption::receipt, false), asking("loud", DeMailOption::receipt, true)));
  ASSERT_TRUE(d.demail);
  EXPECT_EQ(d.demail->options, (demail::Options{.dispatch = true, .authoritative = true, .personal = true}));
  EXPECT_EQ(setting_of(d, "carrier"), "demail from keyword \"de-mail\"");
  EXPECT_EQ(setting_of(d, "demail.dispatch"), "yes from built-in");
  EXPECT_EQ(setting_of(d, "demail.receipt"), "no from quiet");
  EXPECT_EQ(setting_of(d, "demail.authoritative"), "yes from keyword \"confirmed by sender\"");
  EXPECT_EQ(setting_of(d, "demail.personal"), "yes from keyword \"persönlich\"");
  EXPECT_EQ(setting_of(d, "demail.account"), "stadt from config");
  EXPECT_EQ(d.keywords, (std::vector<std::string>{"de-mail", "persönlich", "confirmed by sender"})) << "no rule names them";
  EXPECT_EQ(d.rule, "quiet");
  // what no rule asks for, the sender may
  w.says("[Eingangsbestätigung] Bescheid");
  d = w.decide_by(rules(asking("quiet", DeMailOption::receipt, false)));
  EXPECT_TRUE(d.demail->options.receipt);
  EXPECT_EQ(setting_of(d, "demail.receipt"), "yes from keyword \"eingangsbestätigung\"");
  // collecting demands a certain login
  w.says("[Abholbestätigung] Bescheid");
  d = w.decide_by(RuleSet{});
  EXPECT_TRUE(d.demail->options.personal);
  EXPECT_EQ(setting_of(d, "demail.personal"), "yes from built-in, for retrieve");
}

TEST(DeMail, FieldsOfTheSender) {
  const struct {
    const char* fields;
    demail::Options options;
    bool chooses;
  } rows[] = {
      {"X-de-mail-authoritative: yes\r\n", {.authoritative = true}, true},
      {"x-DE-mail-private: yes\r\nx-de-mail-confirmation-of-receipt: no\r\n", {.personal = true}, true},
      {"X-De-Mail-Private:\r\n yes\r\n", {.personal = true}, true},
      {"X-De-Mail-Private: Yes\r\n", {}, false},
      {"X-De-Mail-Private: ja\r\n", {}, false},
      {"X-De-Mail-Private: no\r\nX-De-Mail-Private: yes\r\n", {}, false},
      {"X-De-Mail-Private: yes\r\nX-De-Mail-Private: no\r\n", {.personal = true}, true},
      {"X-De-Mail: yes\r\nX-De-Mail-Sender: yes\r\nX-De-Mail-Auth-Level: high\r\n", {}, false},
      {"X-De-Mail-Confirmation-Of-Dispatch: yes\r\n", {.dispatch = true}, true},
  };
  for (const auto& row : rows) {
    DeMailWorld w;
    w.says("Bescheid", row.fields);
    auto d = w.decide_by(rules(others()));
    ASSERT_TRUE(d.demail) << row.fields;
    EXPECT_EQ(d.demail->options, demail::both(row.options, {.dispatch = true, .receipt = true})) << row.fields;
    EXPECT_TRUE(d.keywords.empty());
    w.to_the_internet();
    d = w.decide_by(rules(others()));
    EXPECT_EQ(d.reason, row.chooses ? Reason::demail_not_reachable : Reason::none) << row.fields;
  }
}

// Only who is ours can choose it, and only for those outside.
TEST(DeMail, NothingFromOutsideAndNothingAmongUs) {
  DeMailWorld w;
  w.says("[De-Mail] [Persönlich] Gewinn", "X-De-Mail-Private: yes\r\n");
  w.to_the_internet();
  w.question.recipient.direction = Direction::internal;
  auto d = w.decide_by(rules(by_carrier("d", Carrier::demail)));
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_TRUE(!d.demail && d.keywords.empty());
  w.inbound();
  d = w.decide_by(rules(by_carrier("d", Carrier::demail)));
  EXPECT_EQ(d.outcome, Outcome::deliver);
  EXPECT_TRUE(!d.demail && d.keywords.empty());
  w.question.recipient.demail.is_demail_address = true;  // a mailbox of ours at a provider
  EXPECT_FALSE(w.decide_by(RuleSet{}).demail);
}

// What looks like a word of De-Mail is none; and it cannot hide one.
TEST(DeMail, LookAlikes) {
  const std::string cyrillic = "[D\xd0\xb5-Mail]",
                    fullwidth =
                        "[\xef\xbc\xa4"
                        "e-Mail]",
                    dash = "[De\xe2\x80\x91Mail]", zero_width = "[De-\xe2\x80\x8bMail]";
  for (const std::string& word :
       {cyrillic, fullwidth, dash, zero_width, std::string("[De-Mail "), std::string("[DeMail]"), std::string("(De-Mail)")}) {
    DeMailWorld w;
    w.to_the_internet();
    w.says(word + " Bescheid");
    auto d = w.decide_by(rules(health()));
    EXPECT_EQ(d.reason, Reason::no_key) << word << ": the rules decide, as about any mail";
    EXPECT_TRUE(d.keywords.empty()) << word;
    w.says(word + " [De-Mail] Bescheid");
    d = w.decide_by(rules(others()));
    const bool is_closed = word.back() == ']';
    if (is_closed) {
      EXPECT_EQ(d.reason, Reason::demail_not_reachable) << word;
    }
    w.says("[De-Mail] Bescheid " + word);
    EXPECT_EQ(w.decide_by(rules(others())).reason, Reason::demail_not_reachable) << word;
  }
}

TEST(DeMail, ConditionOnTheAddress) {
  DeMailWorld w;
  Condition is_demail{TextCondition{TextField::recipient_domain, {}, true}, "recipient_domain = \"@demail\""};
  EXPECT_EQ(View(w.question).truth_of(is_demail), Truth::yes);
  EXPECT_EQ(View(w.question).truth_of(negated(is_demail)), Truth::no);
  w.to_the_internet();
  EXPECT_EQ(View(w.question).truth_of(is_demail), Truth::no);
  EXPECT_TRUE(std::get<TextCondition>(is_demail.test).any_of.add("web.example"));
  EXPECT_EQ(View(w.question).truth_of(is_demail), Truth::yes) << "any of its values";
}

TEST(DeMail, IsReadBackFromItsForm) {
  DeMailWorld w;
  w.says("[Persönlich] Bescheid");
  const auto d = w.decide_by(rules(health()));
  const std::string text = encode(d);
  EXPECT_NE(text.find("demail\tstadt\tamt53@stadt.de-mail.example\t11001\n"), std::string::npos) << text;
  const auto back = decode(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->demail, d.demail);
  EXPECT_EQ(format_trail(*back), format_trail(d));
  for (const auto& [from, to] : {std::pair<std::string, std::string>{"\t11001\n", "\t1100\n"},
                                 {"\t11001\n", "\t11002\n"},
                                 {"\t11001\n", "\t11001\t\n"},
                                 {"demail\tstadt", "plaintext\tothers\ndemail\tstadt"},
                                 {"demail\tstadt", "protected-by-sender\t1\ndemail\tstadt"},
                                 {"outcome\tdeliver\tnone", "outcome\thold\tquarantined"}}) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    EXPECT_FALSE(decode(changed)) << to;
  }
  for (const Reason reason :
       {Reason::demail_no_account, Reason::demail_not_reachable, Reason::demail_not_allowed, Reason::demail_ended}) {
    PolicyDecision refused;
    refused.reason = reason;
    EXPECT_EQ(decode(encode(refused))->reason, reason);
  }
}

TEST(DeMail, TrailForPeople) {
  DeMailWorld w;
  w.says("[Persönlich] Bescheid");
  const std::string text = format_trail(w.decide_by(rules(by_carrier("b", Carrier::demail), others())));
  for (const char* part :
       {"leaves as De-Mail of the account \"stadt\", from amt53@stadt.de-mail.example, options: dispatch, receipt, personal",
        "carrier = demail  from \"b\"", "demail.personal = yes  from \"keyword \"pers"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(text.find("route:"), std::string::npos);
}

Rule random_rule(std::mt19937& random, int number) {
  std::vector<Condition> when;
  if (random() % 2 == 0) when.push_back(has_key(random() % 2 == 0 ? k_smime : k_openpgp));
  if (random() % 4 == 0) when.push_back({TextCondition{TextField::recipient_domain, {}, true}, "@demail"});
  if (random() % 4 == 0) when.push_back(text_is(TextField::keyword, "persönlich"));
  Rule r = rule("", std::move(when));
  r.name = "r" + std::to_string(number);
  switch (random() % 9) {
    case 0: r.then.carrier = Carrier::demail; break;
    case 1: r.then.carrier = Carrier::smtp; break;
    case 2: r.then.otherwise = Otherwise::clear; break;
    case 3: r.then.otherwise = Otherwise::demail; break;
    case 4: r.then.demail[random() % k_demail_options] = random() % 2 == 0; break;
    case 5: r.then.encrypt = {k_openpgp, k_smime}; break;
    case 6: r.stop = random() % 3 == 0 ? Stop::refuse : Stop::final_rule; break;
    case 7: r.then.route = "a"; break;
    default: r.then.sign = SignMethod::smime; break;
  }
  return r;
}

std::string effect_of(const PolicyDecision& d) {
  std::string out = name_of(d.outcome);
  if (d.outcome == Outcome::refuse || d.outcome == Outcome::later) return out;
  if (d.demail) return out + "/" + d.demail->account + "/" + demail::describe(d.demail->options);
  return out + "/" + name_of(d.reason) + "/" + (d.encrypt ? certs::name_of(*d.encrypt) : "-") + "/" + name_of(d.sign) + "/" +
         (d.plaintext ? "clear" : "-") + "/" + d.route;
}

// Law one: no address of De-Mail is reached otherwise, and nothing meant as De-Mail leaves otherwise. Law two: an answer holds
// for every resolution of what is unknown, and one at RCPT for every message.
TEST(DeMail, NoRulesLeadPastTheCarrier) {
  std::mt19937 random(1201);
  int sent = 0, postponed = 0, refused_at_rcpt = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<Rule> list;
    for (int i = 0; i < 5; ++i) list.push_back(random_rule(random, i));
    const RuleSet set(std::move(list));
    DeMailWorld w;
    const bool is_meant = random() % 3 == 0;
    if (random() % 2 == 0) w.to_the_internet();
    w.question.recipient.demail.may_high = random() % 2 == 0;
    w.question.recipient.demail.may_retrieve = random() % 2 == 0;
    w.says(is_meant ? "[Persönlich] Bescheid" : "Bescheid");
    w.recipient_unknown(k_smime);
    const bool is_address = w.question.recipient.demail.is_demail_address;
    const auto d = w.decide_by(set);
    if (is_address || is_meant) {
      ASSERT_FALSE(d.plaintext || d.encrypt || d.protected_by_sender) << round;
      ASSERT_TRUE(d.outcome != Outcome::deliver || d.demail) << round;
    }
    if (!is_address) {
      ASSERT_FALSE(d.demail) << round;
    }
    sent += d.demail ? 1 : 0;
    postponed += d.outcome == Outcome::later ? 1 : 0;
    DeMailWorld early;
    early.question.recipient = w.question.recipient;
    early.question.signer = w.question.signer;
    early.at_rcpt();
    const bool refused = early.decide_by(set).outcome == Outcome::refuse;
    refused_at_rcpt += refused ? 1 : 0;
    for (const bool has : {false, true}) {
      w.question.recipient.keys[k_smime] = has ? known(k_smime, "x@web.example", "CC") : absent();
      const auto resolved = w.decide_by(set);
      if (d.outcome != Outcome::later) {
        ASSERT_EQ(effect_of(resolved), effect_of(d)) << round;
      }
      if (refused) {
        ASSERT_EQ(resolved.outcome, Outcome::refuse) << round;
      }
    }
  }
  EXPECT_GT(sent, 3000);
  EXPECT_GT(postponed, 300);
  EXPECT_GT(refused_at_rcpt, 300);
}

}  // namespace
}  // namespace policies
