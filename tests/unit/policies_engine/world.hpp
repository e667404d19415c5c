// Small questions and rules for the tests of the engine.
#pragma once

#include <gtest/gtest.h>

#include "policies/engine/rule_set.hpp"

namespace policies::testing_world {

inline mail::Address address(const char* text) { return *mail::Address::parse(text); }

inline certs::KeyFacts known(certs::Method method, const char* owner, const char* print) {
  certs::KeyFacts facts;
  facts.state = certs::Lookup::known;
  certs::KeyInfo key;
  key.method = method;
  key.fingerprint.hex = print;
  key.addresses = {owner};
  key.subject = "CN=\tMueller\\\n";
  key.algorithm = "EC P-256";
  key.not_after = base::Timestamp{std::chrono::hours{24 * 365 * 80}};
  facts.chosen = key;
  return facts;
}
inline certs::KeyFacts absent() {
  certs::KeyFacts facts;
  facts.state = certs::Lookup::absent;
  return facts;
}
inline certs::KeyFacts unknown() { return {}; }

constexpr auto k_smime = certs::Method::smime;
constexpr auto k_openpgp = certs::Method::openpgp;

// An outbound message from the health office to a citizen without keys; both identities of ours are there.
struct World {
  mail::MessageFacts message;
  OpenedFacts opened;
  Question question;

  World() {
    message.header = *mail::Header::parse("From: amt53@stadt.example\r\nX-Office: Haus 3\r\n");
    message.from = mail::Mailbox{"", address("amt53@stadt.example")};
    message.size = base::kib(3);
    message.parts.emplace_back();
    message.parts[0].type = "text/plain";
    question.message = &message;
    question.origin = {ListenerRole::submission, "[::]:587", Proof::account, "amt53", "gesundheitsamt"};
    question.reverse_path = address("amt53@stadt.example");
    question.recipient.address = address("Buerger@Web.example");
    question.recipient.keys = {{k_smime, absent()}, {k_openpgp, absent()}};
    question.signer.keys = {{k_smime, known(k_smime, "amt53@stadt.example", "AA")}, {k_openpgp, known(k_openpgp, "amt53@stadt.example", "BB")}};
    question.now = *base::parse_utc("2026-03-02T09:00:00.000Z");
  }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  void recipient_has(certs::Method m) { question.recipient.keys[m] = known(m, "buerger@web.example", "CC"); }
  void recipient_unknown(certs::Method m) { question.recipient.keys[m] = unknown(); }
  void at_rcpt() { question.message = nullptr; }
  void inbound() {
    question.recipient.direction = Direction::inbound;
    question.origin = {ListenerRole::mx, "[::]:25", Proof::none, "", ""};
  }
};

inline Condition text_is(TextField field, const char* pattern) {
  TextCondition c{field, {}};
  EXPECT_TRUE(c.any_of.add(pattern));
  return {c, pattern};
}
inline Condition direction_is(Direction d) { return {DirectionCondition{{d}}, std::string("direction = ") + name_of(d)}; }
inline Condition has_key(certs::Method m) { return {KeyCondition{{m}}, "has_key"}; }
inline Condition signature_is(SignatureVerdict v) { return {SignatureCondition{{v}}, "signature"}; }
inline Condition negated(Condition c) { return {NotCondition{{std::move(c)}}, "not"}; }

inline Rule rule(const char* name, std::vector<Condition> when) {
  Rule r;
  r.name = name;
  r.file = "t.toml";
  r.line = 1;
  r.when = std::move(when);
  return r;
}
inline Rule health() {
  Rule r = rule("health", {direction_is(Direction::outbound), text_is(TextField::department, "gesundheitsamt")});
  r.then.sign = SignMethod::smime;
  r.then.encrypt = {k_smime, k_openpgp};
  r.then.otherwise = Otherwise::refuse;
  return r;
}
inline Rule others() {
  Rule r = rule("others", {direction_is(Direction::outbound)});
  r.then.sign = SignMethod::smime;
  r.then.encrypt = {k_smime, k_openpgp};
  r.then.otherwise = Otherwise::clear;
  r.then.transport = Transport::verified;
  return r;
}
inline Rule refusing(const char* name, std::vector<Condition> when) {
  Rule r = rule(name, std::move(when));
  r.stop = Stop::refuse;
  r.refuse_de = "nein";
  r.refuse_en = "no";
  return r;
}

template <class... R>
RuleSet rules(R... r) {
  RuleSet set;
  (set.rules.push_back(std::move(r)), ...);
  return set;
}

}  // namespace policies::testing_world
