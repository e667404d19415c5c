#include <gtest/gtest.h>

#include "policies/lang/prove.hpp"

namespace policies {
namespace {

using Lines = std::vector<std::string>;

Lines faults_of(const std::string& text, const LoadOptions& options = {}) {
  Lines out;
  for (const Fault& f : load({{"p.toml", text}}, options).faults) out.push_back(format_fault(f));
  return out;
}

TEST(DeMail, WordsThatNeedIt) {
  EXPECT_EQ(faults_of("[group]\ndemail = [\"x.example\"]\n"),
            Lines{"p.toml:2:1: group.demail: \"@demail\" is the name of all addresses of De-Mail; choose another"});
  EXPECT_EQ(faults_of("[[rule]]\nname = \"r\"\nwhen = { group = \"@demail\" }\nthen = { final = true }\n"),
            Lines{"p.toml:3:18: rule \"r\".when.group: there is recipient_domain = \"@demail\", and nothing else of that name"});
  LoadOptions none;
  none.has_demail = false;
  const std::string wants = "[[rule]]\nname = \"r\"\nwhen = { direction = \"outbound\" }\nthen = { otherwise = \"demail\" }\n";
  EXPECT_EQ(faults_of(wants, none),
            Lines{"p.toml:1:1: warning: rule \"r\" wants De-Mail, and no [[demail_account]] is configured"});
  none.has_demail = true;
  EXPECT_EQ(faults_of(wants, none), Lines{});
  EXPECT_EQ(faults_of("[[rule]]\nname = \"r\"\nwhen = { recipient_domain = \"@demail\" }\nthen = { carrier = \"smtp\" }\n", {}),
            Lines{"p.toml:1:1: warning: rule \"r\": carrier = \"smtp\" has no effect, for De-Mail addresses are reached by "
                  "De-Mail alone"});
}

TEST(DeMail, Cases) {
  const auto loaded = load({{"p.toml", R"([[rule]]
name = "bescheide"
when = { recipient_domain = "@demail", keyword = "bescheid" }
then = { demail = { authoritative = true } }
)"}},
                           {});
  ASSERT_TRUE(loaded.rules);
  CaseOptions options;
  options.demail_of = [](const mail::Address& sender, const mail::Address& recipient, base::Timestamp now) {
    DeMailFacts facts;
    facts.is_demail_address = recipient.domain() == "x.de-mail.example";
    if (sender.folded() == "amt53@stadt.example") facts.account = "stadt", facts.sender = "amt53@stadt.de-mail.example";
    facts.has_ended = now >= *base::parse_utc("2027-01-01T00:00:00.000Z");
    return facts;
  };
  const auto cases = load_cases({{"t.toml", R"([[case]]
name = "by the config"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.example" }
expect = { carrier = "demail", demail = ["receipt", "dispatch"], demail_account = "stadt", clear = false }
[[case]]
name = "the case knows better"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.example", subject = "[Bescheid] 12/26" }
demail = { high = true, account = "bauamt" }
expect = { carrier = "demail", demail = ["dispatch", "receipt", "authoritative"], demail_account = "bauamt", rule = "bescheide" }
[[case]]
name = "without level high"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.example", subject = "[Bescheid] 12/26" }
expect = { outcome = "refuse", reason = "demail_not_allowed" }
[[case]]
name = "no account"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.example" }
demail = { account = "none" }
expect = { outcome = "refuse", reason = "demail_no_account" }
[[case]]
name = "after the last day"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.example", time = "2027-01-01T00:00:00Z" }
expect = { outcome = "refuse", reason = "demail_ended" }
[[case]]
name = "what is compared"
message = { from = "amt53@stadt.example", to = "erika@x.de-mail.example" }
expect = { carrier = "smtp", demail = ["dispatch"], demail_account = "other" }
[[case]]
name = "meant so"
message = { from = "amt53@stadt.example", to = "erika@web.example", subject = "[De-Mail] x" }
expect = { outcome = "refuse", reason = "demail_not_reachable" }
)"}},
                                options);
  for (const Fault& f : cases.faults) ADD_FAILURE() << format_fault(f);
  const auto results = run_cases(*loaded.rules, cases.cases);
  ASSERT_EQ(results.size(), 7u);
  for (const auto& r : results)
    EXPECT_EQ(r.passed, r.name != "what is compared") << format_report({r}) << format_trail(r.decision);
  EXPECT_EQ(results[5].difference,
            "carrier: expected smtp, got demail\ndemail: expected dispatch, got dispatch, receipt\ndemail_account: expected "
            "other, got stadt\n");
}

TEST(DeMail, FaultsOfCases) {
  const auto wrong = load_cases({{"t.toml", R"([[case]]
name = "x"
message = { from = "a@stadt.example", to = "b@web.example" }
demail = { adress = true, sender = "x" }
expect = { demail = ["receit"], carrier = "post" }
)"}},
                                {});
  Lines got;
  for (const Fault& f : wrong.faults) got.push_back(format_fault(f));
  EXPECT_EQ(got, (Lines{"t.toml:4:12: case.demail: unknown key \"adress\"; did you mean \"address\"?",
                        "t.toml:4:36: case.demail.sender is no address",
                        "t.toml:5:22: case.expect.demail = unknown value \"receit\"; did you mean \"receipt\"?",
                        "t.toml:5:43: case.expect.carrier = unknown value \"post\" (known: smtp, demail)"}));
}

// A demand for De-Mail that an earlier rule takes away is a way to clear text like any other.
TEST(DeMail, ProofSeesTheDemand) {
  const auto prove_text = [](const std::string& first) {
    const auto loaded = load({{"p.toml", first + R"([[rule]]
name = "einschreiben"
when = { direction = "outbound", keyword = "einschreiben" }
then = { carrier = "demail" }
[[rule]]
name = "an De-Mail"
when = { direction = "outbound", recipient_domain = "@demail" }
then = { demail = { receipt = true } }
[[rule]]
name = "alles andere"
when = { direction = "outbound" }
then = { otherwise = "clear" }
)"}},
                             {});
    EXPECT_TRUE(loaded.rules);
    return prove(*loaded.rules, {{}, {"a@stadt.example"}, {}});
  };
  const auto good = prove_text("");
  EXPECT_TRUE(good.complete && good.counterexamples.empty() && good.unmatched.empty());
  const auto bad = prove_text("[[rule]]\nname = \"akten\"\nwhen = { keyword = \"akte\" }\nthen = { carrier = \"smtp\" }\n");
  ASSERT_EQ(bad.counterexamples.size(), 1u);
  EXPECT_EQ(bad.counterexamples[0].demanding, "einschreiben");
}

}  // namespace
}  // namespace policies
