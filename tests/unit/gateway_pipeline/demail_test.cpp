#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/pipeline/access.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/demail_out.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "mail/address/words.hpp"
#include "mail/message/inspect.hpp"

namespace pipeline {
namespace {

mail::Address address(const char* text) { return *mail::Address::parse(text); }

std::shared_ptr<config::Options> options() {
  auto out = std::make_shared<config::Options>();
  EXPECT_TRUE(out->demail.domains.add("*.de-mail.example"));
  config::DeMailAccountOptions stadt;
  stadt.name = "stadt";
  stadt.domains = {"stadt.de-mail.example"};
  stadt.addresses = {{"amt53@stadt.example", "amt53@stadt.de-mail.example"}};
  stadt.default_mailbox = "poststelle@stadt.example";
  stadt.high = true;
  stadt.valid_until = *base::parse_utc("2027-01-01T00:00:00.000Z");
  config::DeMailAccountOptions kultur = stadt;
  kultur.name = "kultur";
  kultur.domains = {"kultur.de-mail.example"};
  kultur.addresses = {{"amt41@stadt.example", "amt41@kultur.de-mail.example"}};
  kultur.high = false;
  out->demail.accounts = {stadt, kultur};
  out->rules = std::make_shared<const policies::RuleSet>();
  config::DomainOptions domain;
  domain.name = "stadt.example";
  out->set_domains({domain});
  return out;
}

// The name goes along, the address is that of the account, and both can be read whatever the name is.
TEST(DeMail, FromHasTheNameAndTheAddressOfTheAccount) {
  policies::PolicyDecision decision;
  decision.demail = policies::DeMailChoice{"stadt", "amt53@stadt.de-mail.example", {}};
  for (const std::string name : {"Amt 53", "Gesundheitsamt Münster",
                                 "Amt für die Ordnung öffentlicher Angelegenheiten und für alles, was sonst noch übrig ist"}) {
    const auto facts =
        mail::inspect(base::ByteView("From: " + *mail::format_phrase(name, 6) + " <amt53@stadt.example>\r\nSubject: x\r\n\r\n"));
    const auto edits = demail_edits(decision, facts);
    ASSERT_TRUE(edits);
    const auto from = std::find_if(edits->begin(), edits->end(), [](const auto& e) { return e.insert.starts_with("From: "); });
    ASSERT_NE(from, edits->end());
    const auto made = mail::inspect(base::ByteView(from->insert + "\r\n"));
    ASSERT_TRUE(made.from) << from->insert;
    EXPECT_EQ(made.from->address.text(), "amt53@stadt.de-mail.example");
    EXPECT_EQ(made.from->display_name, name);
  }
}

// From decides whose De-Mail it is; the reverse path only as long as there is no From.
TEST(DeMail, TheAccountOfTheSender) {
  Snapshot snapshot;
  snapshot.options = options();
  const mail::Address to = address("erika@anbieter.de-mail.example");
  const auto facts = mail::inspect("From: amt53@stadt.example\r\nSubject: Bescheid [Persönlich]\r\n\r\n");
  Case c{{policies::ListenerRole::submission, "", policies::Proof::account, "x", ""},
         address("amt41@stadt.example"),
         &facts,
         nullptr,
         *base::parse_utc("2026-03-02T09:00:00.000Z")};
  auto d = decide_one(snapshot, c, to, policies::Direction::outbound);
  ASSERT_TRUE(d.demail);
  EXPECT_EQ(*d.demail, (policies::DeMailChoice{
                           "stadt", "amt53@stadt.de-mail.example", {.dispatch = true, .receipt = true, .personal = true}}));
  EXPECT_EQ(d.keywords, std::vector<std::string>{"persönlich"});
  const auto other = mail::inspect("From: amt41@stadt.example\r\nSubject: Bescheid [Persönlich]\r\n\r\n");
  c.message = &other;
  EXPECT_EQ(decide_one(snapshot, c, to, policies::Direction::outbound).reason, policies::Reason::demail_not_allowed);
  const auto nobody = mail::inspect("From: amt10@stadt.example\r\nSubject: Bescheid\r\n\r\n");
  c.message = &nobody;
  EXPECT_EQ(decide_one(snapshot, c, to, policies::Direction::outbound).reason, policies::Reason::demail_no_account);
  c.message = nullptr;
  EXPECT_EQ(decide_one(snapshot, c, to, policies::Direction::outbound).outcome, policies::Outcome::deliver);
  c.message = &facts;
  c.now = *base::parse_utc("2027-01-01T00:00:00.000Z");
  EXPECT_EQ(decide_one(snapshot, c, to, policies::Direction::outbound).reason, policies::Reason::demail_ended);
}

// The provider's side brings mail for our De-Mail addresses and nobody else; nobody else brings any.
TEST(DeMail, WhatAProviderMayBring) {
  const auto o = options();
  config::ListenerOptions all, one;
  one.accounts = {"kultur"};
  Claim claim;
  claim.role = config::ListenerRole::demail;
  claim.proof = policies::Proof::certificate;
  claim.trusted_network = true;
  const auto denied = [&](const char* to) { return check_recipient(*o, claim, address(to)).denied.has_value(); };
  claim.listener = &all;
  for (const char* yes : {"amt53@stadt.de-mail.example", "irgendwer@stadt.de-mail.example", "amt41@kultur.de-mail.example"})
    EXPECT_FALSE(denied(yes)) << yes;
  for (const char* no : {"amt53@stadt.example", "erika@anbieter.de-mail.example", "x@web.example"}) EXPECT_TRUE(denied(no)) << no;
  EXPECT_EQ(check_recipient(*o, claim, address("amt53@stadt.de-mail.example")).direction, policies::Direction::inbound);
  EXPECT_EQ(check_recipient(*o, claim, address("x@web.example")).denied->refusal, Refusal::unknown_recipient);
  claim.listener = &one;
  EXPECT_TRUE(denied("amt53@stadt.de-mail.example"));
  EXPECT_FALSE(denied("amt41@kultur.de-mail.example"));
  // whoever it is, he is no sender of ours, and gains no department
  EXPECT_FALSE(check_reverse_path(*o, claim, address("Versandbestaetigung@anbieter.de-mail.example")));
  const auto facts = mail::inspect("From: amt53@stadt.example\r\n\r\n");
  const auto sender = check_from(*o, claim, std::nullopt, facts);
  EXPECT_FALSE(sender.denied) << "what a De-Mail proves is not in From, and its provider has delivered it already";
  EXPECT_EQ(sender.department, "");
  claim.role = config::ListenerRole::mx;
  claim.trusted_network = false;
  EXPECT_EQ(check_recipient(*o, claim, address("amt53@stadt.de-mail.example")).denied->refusal, Refusal::relay_denied);
}

// Each tells what happened, that nothing went another way, and what to do.
TEST(DeMail, WhatTheSenderReads) {
  for (const auto reason : {policies::Reason::demail_no_account, policies::Reason::demail_not_reachable,
                            policies::Reason::demail_not_allowed, policies::Reason::demail_ended}) {
    policies::PolicyDecision d;
    d.reason = reason;
    const auto lines = decision_lines(d, "erika@anbieter.de-mail.example", "de");
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_TRUE(lines[0].find("s wurde nichts gesendet") != std::string::npos && lines[0].find("Bitte ") != std::string::npos)
        << lines[0];
    EXPECT_TRUE(lines[1].find("othing was sent") != std::string::npos && lines[1].find("Please ") != std::string::npos)
        << lines[1];
    const ReplyRow& row = row_of(refusal_of(reason));
    EXPECT_STREQ(row.word, policies::name_of(reason));
    EXPECT_EQ(row.code, 550);
    EXPECT_EQ(lines[0].find("{"), std::string::npos);
  }
}

}  // namespace
}  // namespace pipeline
