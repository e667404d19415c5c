#include <chrono>

#include <cstdlib>
#include <ctime>

#include "base/core/errors.hpp"
#include "policies/engine/conditions.hpp"
#include "tests/unit/policies_engine/world.hpp"

namespace policies {
namespace {

using namespace testing_world;

PolicyDecision full_decision() {
  World w;
  w.recipient_has(k_smime);
  w.question.recipient.keys[k_smime].findings = {certs::Finding::rsa_below_3000};
  w.question.recipient.keys[k_smime].rejected = {{{"DD"}, {certs::Finding::expired, certs::Finding::weak_key}}, {{"EE"}, {}}};
  w.message.keywords = {"akte\t1"};
  Rule r = health();
  r.then.route = "a\\b";
  r.then.strip = {"X-One", "X-Two"};
  r.then.mark = Mark{"[neu]\n", {{"X-A", "b"}}};
  r.then.receipts = "health";
  Rule kw = rule("kw", {text_is(TextField::keyword, "akte*")});
  kw.then.transport = Transport::tls;
  return decide(rules(r, kw), w.question);
}

TEST(Codec, RoundTrip) {
  World w;
  const PolicyDecision decisions[] = {full_decision(), decide(RuleSet{}, w.question), decide(rules(others()), w.question),
                                      decide(rules(refusing("r", {})), w.question)};
  for (const auto& d : decisions) {
    const auto text = encode(d);
    const auto back = decode(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(encode(*back), text);
    EXPECT_EQ(format_trail(*back), format_trail(d));
    EXPECT_EQ(back->plaintext.has_value(), d.plaintext.has_value());
  }
}

TEST(Codec, FormIsStable) {
  World w;
  const std::string expected =
      "amtsbote-decision 1\n"
      "outcome\trefuse\tno_rule\n"
      "rule\tbuilt-in\n"
      "sign\tnone\n"
      "trace-rule\tbuilt-in\t\t0\tyes\tdirection = \"outbound\"\n"
      "trace-setting\totherwise\trefuse\tbuilt-in\n";
  EXPECT_EQ(encode(decide(RuleSet{}, w.question)), expected);
}

TEST(Codec, RefusesWhatEncodeDidNotMake) {
  const std::string text = encode(full_decision());
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    const auto piece = decode(text.substr(0, cut));
    // whole lines less may be another decision's form; half a line never is
    const bool half_a_line = cut == 0 || text[cut - 1] != '\n';
    EXPECT_FALSE(half_a_line && piece) << cut;
  }
  for (const auto& [from, to] : {std::pair{"decision 1", "decision 2"},
                                 {"sign\tsmime", "sign\tSMIME"},
                                 {"sign\tsmime", "sign\tsmime\t"},
                                 {"outcome\tdeliver", "outcome\tmaybe"},
                                 {"finding\t10", "finding\t11"},
                                 {"finding\t10", "finding\t010"},
                                 {"sign\t", "sgin\t"},
                                 {"trace-rule", "address\tx\ntrace-rule"},
                                 {"\\\\b", "\\b"}}) {
    std::string changed = text;
    const auto at = changed.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    changed.replace(at, std::string(from).size(), to);
    const auto back = decode(changed);
    // another known finding is another decision, spelled right
    if (std::string(to) == "finding\t11" || std::string(to).rfind("address", 0) == 0) continue;
    EXPECT_FALSE(back) << to;
  }
  const auto twice = decode(text + "sign\tsmime\n");
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().code, base::k_malformed);
  EXPECT_FALSE(decode(text + std::string(5 << 20, 'x')));
}

TEST(Trail, NamesRulesKeysAndReasons) {
  const std::string text = format_trail(full_decision());
  for (const char* part :
       {"decision: deliver, by rule \"health\"", "encrypted by smime", "matched: health  (t.toml:1)", "smime: chosen, key CC",
        "rsa_below_3000", "not DD: expired, weak_key", "openpgp: no key known", "transport = tls  from \"kw\""})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  EXPECT_EQ(text.find('\t'), std::string::npos) << "foreign text is escaped";
}

TEST(Pattern, Globs) {
  const struct {
    const char *glob, *text;
    bool matches;
  } rows[] = {{"", "", true},
              {"*", "", true},
              {"*", "abc", true},
              {"a*c", "abbbc", true},
              {"a*c", "abbb", false},
              {"*.exe", "a.exe", true},
              {"*.exe", ".exe", true},
              {"?", "", false},
              {"?b", "ab", true},
              {"a?", "a", false},
              {"*a*b*", "xxaxxbxx", true},
              {"*a*b*", "xxbxxa", false},
              {"*@*.example", "a@b.example", true},
              {"a", "ab", false},
              {"**", "x", true},
              {"*b", "b*b", true},
              {"a*b", "a*xb", true}};
  for (const auto& row : rows) EXPECT_EQ(glob_matches(row.glob, row.text), row.matches) << row.glob << " " << row.text;
  EXPECT_FALSE(glob_matches(std::string(300, '*') + "b", std::string(20000, 'a')));
}

TEST(Pattern, Sets) {
  PatternSet set;
  EXPECT_TRUE(set.empty());
  for (const char* p : {"B@x.example", "a@x.example", "*@y.example", "re:c[0-9]+@z\\.example"}) EXPECT_TRUE(set.add(p)) << p;
  for (const char* yes : {"a@x.example", "b@x.example", "any@y.example", "c12@z.example"}) EXPECT_TRUE(set.matches(yes)) << yes;
  for (const char* no : {"c@x.example", "a@y.examples", "xc1@z.example", ""}) EXPECT_FALSE(set.matches(no)) << no;
  EXPECT_FALSE(set.add("re:("));
  EXPECT_FALSE(set.add("re:(a{1000}){1000}")) << "memory is capped";
  EXPECT_FALSE(set.add(std::string(2000, 'a')));
}

// Conditions one by one, each with a question that it holds for and one that it does not.
TEST(Conditions, Table) {
  World w;
  w.message.parts.push_back({});
  w.message.parts[1].type = "application/pdf";
  w.message.parts[1].filename = "Befund.PDF";
  const auto truth = [&](const Condition& c) { return View(w.question).truth_of(c); };
  const auto pattern = [](const char* p) {
    PatternSet s;
    EXPECT_TRUE(s.add(p));
    return s;
  };
  EXPECT_EQ(truth(text_is(TextField::sender, "amt53@*")), Truth::yes);
  EXPECT_EQ(truth(text_is(TextField::sender_domain, "stadt.example")), Truth::yes);
  EXPECT_EQ(truth(text_is(TextField::recipient, "buerger@web.example")), Truth::yes);
  EXPECT_EQ(truth(text_is(TextField::group, "web.example")), Truth::yes);
  EXPECT_EQ(truth(text_is(TextField::account, "amt53")), Truth::yes);
  EXPECT_EQ(truth(text_is(TextField::certificate, "amt53")), Truth::no) << "an account is no certificate";
  EXPECT_EQ(truth(text_is(TextField::listener, "*:587")), Truth::yes);
  EXPECT_EQ(truth({HeaderCondition{"x-office", pattern("haus *")}, ""}), Truth::yes);
  EXPECT_EQ(truth({HeaderCondition{"X-Office", {}}, ""}), Truth::yes);
  EXPECT_EQ(truth({HeaderCondition{"X-Other", {}}, ""}), Truth::no);
  EXPECT_EQ(truth({SizeCondition{base::kib(3), base::kib(3)}, ""}), Truth::yes);
  EXPECT_EQ(truth({SizeCondition{base::kib(4), std::nullopt}, ""}), Truth::no);
  EXPECT_EQ(truth({AttachmentCondition{{}, pattern("pdf"), {}}, ""}), Truth::yes);
  EXPECT_EQ(truth({AttachmentCondition{pattern("text/*"), {}, {}}, ""}), Truth::no) << "the body is no attachment";
  EXPECT_EQ(truth({AttachmentCondition{pattern("application/pdf"), pattern("exe"), {}}, ""}), Truth::no)
      << "one part fulfils all";
  EXPECT_EQ(truth({WrapCondition{Wrap::is_signed, false}, ""}), Truth::yes);
  w.message.confidential = true;
  EXPECT_EQ(truth(text_is(TextField::classification, "confidential")), Truth::yes);
  w.message.from.reset();
  EXPECT_EQ(truth(negated(text_is(TextField::sender, "*"))), Truth::yes) << "no From matches nothing";
  w.at_rcpt();
  for (const auto& c : {text_is(TextField::sender, "*"), text_is(TextField::keyword, "*"), Condition{SizeCondition{}, ""}})
    EXPECT_EQ(truth(c), Truth::unknown);
  w.inbound();
  EXPECT_EQ(truth(text_is(TextField::keyword, "*")), Truth::no);
  EXPECT_EQ(truth(signature_is(SignatureVerdict::valid)), Truth::not_yet);
  w.question.message = &w.message;
  EXPECT_EQ(truth(signature_is(SignatureVerdict::none)), Truth::yes) << "bare mail has no signature, opened or not";
  w.message.wrapping = mail::Wrapping::smime_signed_opaque;
  EXPECT_EQ(truth(signature_is(SignatureVerdict::none)), Truth::not_yet);
  EXPECT_EQ(truth({AttachmentCondition{{}, pattern("exe"), {}}, ""}), Truth::not_yet);
}

TEST(Conditions, TimeInTheSitesZone) {
  ::setenv("TZ", "Europe/Berlin", 1);
  ::tzset();
  World w;
  const auto truth = [&](const char* utc, TimeCondition c) {
    w.question.now = *base::parse_utc(utc);
    return View(w.question).truth_of({c, ""}) == Truth::yes;
  };
  const TimeCondition office{8 * 60, 17 * 60, 0b0111110, {}};
  EXPECT_TRUE(truth("2026-03-02T07:00:00.000Z", office)) << "eight o'clock in winter";
  EXPECT_FALSE(truth("2026-03-02T06:59:59.999Z", office));
  EXPECT_TRUE(truth("2026-07-06T06:00:00.000Z", office)) << "and in summer";
  EXPECT_FALSE(truth("2026-03-01T10:00:00.000Z", office)) << "a Sunday";
  const TimeCondition night{22 * 60, 6 * 60, 0, {}};
  EXPECT_TRUE(truth("2026-03-02T22:30:00.000Z", night));
  EXPECT_TRUE(truth("2026-03-02T04:00:00.000Z", night));
  EXPECT_FALSE(truth("2026-03-02T12:00:00.000Z", night));
  const TimeCondition day{std::nullopt, std::nullopt, 0, {{20514, 20514}}};  // 2026-03-02
  EXPECT_TRUE(truth("2026-03-01T23:30:00.000Z", day)) << "already the second here";
  EXPECT_FALSE(truth("2026-03-02T23:30:00.000Z", day));
}

}  // namespace
}  // namespace policies
