#include <gtest/gtest.h>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "policies/lang/cases.hpp"
#include "policies/lang/schema.hpp"

namespace policies {
namespace {

std::vector<std::string> faults_of(const std::string& text, const LoadOptions& options = {}) {
  std::vector<std::string> out;
  for (const Fault& f : load({{"p.toml", text}}, options).faults) out.push_back(format_fault(f));
  return out;
}

using Lines = std::vector<std::string>;

constexpr const char* k_everything = R"(
[group]
cities = ["*.stadt.example", "münchen.example"]
partners = { file = "list.txt" }

[[rule]]
name = "all"
[rule.when]
direction = ["outbound", "internal", "inbound"]
department = ["a", "b*"]
sender = "x@stadt.example"
sender_domain = "stadt.example"
recipient = "re:.*@.*"
recipient_domain = ["@cities", "*", "@demail"]
group = "@partners"
keyword = "akte*"
header = { name = "X-A", value = ["1", "2"] }
client = { listener = "*:587", account = "x" }
classification = "confidential"
size = { at_least = "1KiB", at_most = "20MiB" }
attachment = { type = "application/*", extension = "pdf", name = "*" }
signed = true
encrypted = false
signature = ["valid", "other"]
has_key = "smime"
time = { from = "08:00", until = "24:00", weekday = ["mon", "sun"], dates = ["2026-12-24..2026-12-26", "2026-01-01"] }
not = { recipient = "nobody@web.example", has_key = "openpgp" }
[rule.then]
sign = "keep"
encrypt = ["openpgp", "smime"]
otherwise = "hold"
carrier = "demail"
demail = { dispatch = true, receipt = false, authoritative = true }
route = "r"
transport = "tls"
mark = { subject = "[x]", header = { X-B = "c" } }
strip = ["X-C", "User-Agent"]
receipts = "long"
identity = "X@Stadt.example"
final = true
)";

TEST(Load, EveryConditionAndSetting) {
  LoadOptions options;
  options.departments = {"a", "b"};
  options.routes = {"r"};
  options.own_domains = {"stadt.example"};
  options.read_list = [](const std::string& name) -> base::Result<std::string> {
    if (name != "list.txt") return base::fail(base::k_not_found, name);
    return std::string("# partners\nx@partner.example\r\n  *.court.example  # courts\n");
  };
  const auto loaded = load({{"p.toml", k_everything}}, options);
  for (const auto& f : loaded.faults) ADD_FAILURE() << format_fault(f);
  ASSERT_TRUE(loaded.rules);
  const Rule& r = loaded.rules->rules().at(0);
  EXPECT_EQ(r.when.size(), 20u) << "client makes two";
  EXPECT_EQ(r.line, 6);
  EXPECT_EQ(r.when[0].text, "direction = [\"outbound\", \"internal\", \"inbound\"]");
  EXPECT_EQ(r.stop, Stop::final_rule);
  EXPECT_EQ(r.then.encrypt, (std::vector<certs::Method>{certs::Method::openpgp, certs::Method::smime}));
  EXPECT_EQ(r.then.identity, "x@stadt.example");
  EXPECT_EQ(r.then.mark->headers.at(0).first, "X-B");
  const auto& group = std::get<TextCondition>(r.when[6].test);
  EXPECT_TRUE(group.any_of.matches("x@partner.example"));
  EXPECT_TRUE(group.any_of.matches("ag.court.example"));
  const auto& domains = std::get<TextCondition>(r.when[5].test);
  EXPECT_TRUE(domains.any_of.matches("xn--mnchen-3ya.example"));
  EXPECT_TRUE(domains.or_demail);
  EXPECT_EQ(r.then.carrier, Carrier::demail);
  const std::array<std::optional<bool>, k_demail_options> wanted{true, false, std::nullopt, true, std::nullopt};
  EXPECT_EQ(r.then.demail, wanted);
  const auto& time = std::get<TimeCondition>(r.when[18].test);
  EXPECT_EQ(time.from, 480);
  EXPECT_EQ(time.until, 1440);
  EXPECT_EQ(time.weekdays, 3u);
  EXPECT_EQ(time.dates.at(0).last - time.dates.at(0).first, 2);
  EXPECT_EQ(std::get<NotCondition>(r.when.back().test).all_of.size(), 2u);
}

TEST(Load, AllFaultsAtOnceWithTheirPlaces) {
  const Lines got = faults_of(R"([[rule]]
name = "one"
whn = { direction = "outbound" }
when = { directon = "outbound", direction = "outbond", department = [] }
then = { encrypt = ["smime", "smme"], otherwise = 5, sign = "smime", carrier = "demial" }

[[rule]]
name = "one"
then = { refuse = { de = "nein" }, transport = "dnae" }

[[rule]]
when = { size = { at_least = "20MB" }, group = "@courst", sender = "ab", recipient = "re:(" }
then = {}

[group]
courts = ["justiz.example"]
empty = []
)");
  const Lines expected = {
      "p.toml:3:1: rule: unknown key \"whn\"; did you mean \"when\"?",
      "p.toml:4:10: rule \"one\".when: unknown key \"directon\"; did you mean \"direction\"?",
      "p.toml:4:45: rule \"one\".when.direction = unknown value \"outbond\"; did you mean \"outbound\"?",
      "p.toml:4:69: rule \"one\".when.department is an empty list: leave it out, or name a value",
      "p.toml:5:30: rule \"one\".then.encrypt = unknown value \"smme\"; did you mean \"smime\"?",
      "p.toml:5:51: rule \"one\".then.otherwise must be a string, not a number",
      "p.toml:5:80: rule \"one\".then.carrier = unknown value \"demial\"; did you mean \"demail\"?",
      "p.toml:7:1: rule \"one\" stands already in p.toml:1",
      "p.toml:9:19: rule \"one\".then.refuse: \"en\" is missing",
      "p.toml:9:48: rule \"one\".then.transport = unknown value \"dnae\"; did you mean \"dane\"?",
      "p.toml:11:1: rule: \"name\" is missing",
      "p.toml:12:30: rule \"\".when.size.at_least must be a size such as \"64KiB\" or \"20MiB\"",
      "p.toml:12:48: rule \"\".when.group: unknown group \"courst\"; did you mean \"courts\"?",
      "p.toml:12:68: rule \"\".when.sender: \"ab\" is no address; there is sender_domain",
      "p.toml:12:86: rule \"\".when.recipient: bad pattern: missing ): (",
      "p.toml:13:8: rule \"\".then is empty: the rule would do nothing",
      "p.toml:17:9: group.empty is an empty list",
  };
  EXPECT_EQ(got, expected);
}

TEST(Load, FaultsOfSettings) {
  const struct {
    const char *then, *expected;
  } rows[] = {
      {"strip = \"Subject\"", "Subject must stay in a message"},
      {"strip = \"Content-Type\"", "Content-Type must stay in a message"},
      {"strip = \"a:b\"", "is no field name"},
      {"mark = { header = { Authentication-Results = \"x\" } }", "is no name that begins with X-"},
      {"mark = { header = { X-A = \"a\\r\\nb\" } }", "must be a string of one line"},
      {"mark = { subject = \"a\\nb\" }", "control character"},
      {"mark = {}", "is empty"},
      {"identity = \"x\"", "is no address"},
      {"receipts = \"Groß\"", "must be lower-case"},
      {"encrypt = [\"smime\", \"smime\"]", "twice"},
      {"refuse = { de = \"a\", en = \"b\" }, quarantine = true", "a rule does one of them"},
      {"final = \"yes\"", "must be true or false, not a string"},
      {"route = \"\"", "is empty"},
      {"demail = {}", "demail is empty"},
      {"demail = { dispatch = false }", "cannot be false"},
      {"demail = { retrieve = true, personal = false }", "cannot be false beside retrieve"},
      {"demail = { recipt = true }", "did you mean \"receipt\"?"},
      {"demail = { receipt = \"yes\" }", "must be true or false"},
      {"carrier = \"smtp\", demail = { receipt = true }", "such mail is no De-Mail"},
      {"sign = 1.5", "must be a string, not a number with a fraction"},
  };
  for (const auto& row : rows) {
    const Lines got = faults_of(std::string("[[rule]]\nname = \"r\"\nthen = { ") + row.then + " }\n");
    ASSERT_EQ(got.size(), 1u) << row.then << ::testing::PrintToString(got);
    EXPECT_NE(got[0].find(row.expected), std::string::npos) << got[0];
    EXPECT_EQ(got[0].rfind("p.toml:3:", 0), 0u) << got[0];
  }
}

TEST(Load, FaultsOfConditions) {
  const struct {
    const char *when, *expected;
  } rows[] = {
      {"time = { from = \"25:00\" }", "must be a time of day"},
      {"time = { from = \"8:00\" }", "must be a time of day"},
      {"time = { weekday = \"Mo\" }", "unknown value \"Mo\""},
      {"time = { dates = \"2026-02-30\" }", "dates must be"},
      {"time = { dates = \"2026-03-02..2026-03-01\" }", "dates must be"},
      {"time = { from = \"08:00\", until = \"08:00\" }", "can never hold"},
      {"size = { at_least = \"2MiB\", at_most = \"1MiB\" }", "can never hold"},
      {"size = \"2MiB\"", "must be a table, not a string"},
      {"header = { value = \"x\" }", "\"name\" is missing"},
      {"client = {}", "is empty"},
      {"not = {}", "is empty"},
      {"group = \"demail\"", "must name a group: \"@demail\""},
      {"classification = \"secret\"", "known: confidential"},
      {"recipient_domain = \"*.münchen.example\"", "A-labels"},
      {"recipient_domain = \"a..b\"", "can match no address"},
      {"keyword = [\"a\", 1]", "must hold strings only, not a number"},
      {"has_key = \"pgp\"", "unknown value \"pgp\""},
      {"signed = \"no\"", "must be true or false"},
  };
  for (const auto& row : rows) {
    const Lines got = faults_of(std::string("[[rule]]\nname = \"r\"\nthen = { final = true }\nwhen = { ") + row.when + " }\n");
    ASSERT_EQ(got.size(), 1u) << row.when << ::testing::PrintToString(got);
    EXPECT_NE(got[0].find(row.expected), std::string::npos) << got[0];
    EXPECT_EQ(got[0].rfind("p.toml:4:", 0), 0u) << got[0];
  }
}

TEST(Load, WarningsForWhatNoMessageFeels) {
  const Lines got = faults_of(R"([[rule]]
name = "stop out"
when = { direction = "outbound" }
then = { otherwise = "clear", final = true }
[[rule]]
name = "too late"
when = { direction = "outbound", keyword = "x" }
then = { otherwise = "refuse" }
[[rule]]
name = "in"
when = { direction = "inbound" }
then = { sign = "smime" }
[[rule]]
name = "marks"
when = { direction = "internal" }
then = { mark = { subject = "x" } }
)");
  const Lines expected = {
      "p.toml:5:1: warning: rule \"too late\" can never match: \"stop out\" (p.toml:1) ends the search for all its mail",
      "p.toml:9:1: warning: rule \"in\": sign, encrypt, otherwise and carrier have no effect but for outbound mail",
      "p.toml:13:1: warning: rule \"marks\": mark has no effect but for inbound mail",
  };
  EXPECT_EQ(got, expected);
}

TEST(Load, FilesInOrderOfTheirNames) {
  const std::string a = "[[rule]]\nname = \"a\"\nthen = { final = true }\nwhen = { recipient_domain = \"@g\" }\n";
  const auto loaded = load(
      {{"20.toml", a}, {"10.toml", "[group]\ng = [\"x.example\"]\n[[rule]]\nname = \"b\"\nthen = { sign = \"keep\" }\n"}}, {});
  ASSERT_TRUE(loaded.rules);
  EXPECT_EQ(loaded.rules->rules().at(0).name, "b");
  EXPECT_EQ(loaded.rules->rules().at(1).file, "20.toml");
}

TEST(Load, EachFileWithASyntaxErrorIsNamed) {
  const auto loaded = load({{"a.toml", "[[rule]\n"}, {"b.toml", "x = \n"}, {"c.toml", "[[rule]]\nname = \"r\"\n"}}, {});
  ASSERT_EQ(loaded.faults.size(), 3u);
  EXPECT_EQ(loaded.faults[0].file, "a.toml");
  EXPECT_EQ(loaded.faults[0].at.line, 1);
  EXPECT_EQ(loaded.faults[1].at, (Position{1, 5}));
  EXPECT_EQ(loaded.faults[2].message, "rule: \"then\" is missing");
}

TEST(Load, WrongShapes) {
  EXPECT_EQ(faults_of("rule = 1\n"), Lines{"p.toml:1:1: write [[rule]], once for each"});
  EXPECT_EQ(faults_of("rule = [1]\n"), Lines{"p.toml:1:9: [[rule]] must be a table"});
  EXPECT_EQ(faults_of("group = []\n"), Lines{"p.toml:1:9: file.group must be a table, not a list"});
  EXPECT_EQ(faults_of("[group]\na = { file = \"x\" }\n"), Lines{"p.toml:2:14: groups in files cannot be read here"});
  EXPECT_EQ(faults_of("rules = []\n"), Lines{"p.toml:1:1: file: unknown key \"rules\"; did you mean \"rule\"?"});
}

TEST(Hostile, NothingHarms) {
  const auto message = [](const std::string& text) {
    const auto faults = load({{"h.toml", text}}, {}).faults;
    return faults.empty() ? std::string() : format_fault(faults.front());
  };
  EXPECT_EQ(message("a = " + std::string(10'000, '[') + std::string(10'000, ']')),
            "h.toml:1:37: nested more than 32 levels deep");
  std::string inlined = "a = ";
  for (int i = 0; i < 10'000; ++i) inlined += "{a=";
  EXPECT_EQ(message(inlined), "h.toml:1:101: nested more than 32 levels deep");
  std::string dotted = "\na";
  for (int i = 0; i < 1'000'000; ++i) dotted += ".a";
  EXPECT_EQ(message(dotted + " = 1"), "h.toml:2:32: a key of more than 16 parts");
  EXPECT_EQ(message(std::string(10 << 20, '#')), "h.toml:1:1: file is larger than 4 MiB");
  using namespace std::string_literals;
  EXPECT_EQ(message("a = 1\nb = \"\0\"\n"s), "h.toml:2:6: NUL byte");
  EXPECT_EQ(message("a = 1\n# \0\n"s), "h.toml:2:3: NUL byte");
  EXPECT_EQ(message("a = 1\nb = \"\xff\"\n"), "h.toml:2:1: not UTF-8");
  // brackets and dots in strings and comments are nobody's nesting
  const std::string harmless = "[group]\na = [\"" + std::string(100, '[') + "\", '''" + std::string(100, '{') +
                               "\n.......................''', \"\"\"\\\"" + std::string(50, '.') + "\"\"\"] # " +
                               std::string(100, '[') + "\n";
  EXPECT_EQ(message(harmless), "");
  std::string many;
  for (int i = 0; i < 3000; ++i) many += "[[rule]]\nname = \"" + std::to_string(i) + "\"\nthen = { final = 1 }\n";
  const auto faults = load({{"h.toml", many}}, {}).faults;
  EXPECT_EQ(faults.size(), k_max_faults + 1);
  EXPECT_EQ(faults.back().message, "and 1801 more");
}

TEST(Words, Nearest) {
  static constexpr std::string_view known[] = {"smime", "openpgp", "none"};
  EXPECT_EQ(nearest_word("smme", known), "smime");
  EXPECT_EQ(nearest_word("msime", known), "smime") << "swapped neighbours are one change";
  EXPECT_EQ(nearest_word("opnepgp", known), "openpgp");
  EXPECT_EQ(nearest_word("xyz", known), "");
  EXPECT_EQ(nearest_word(std::string(100'000, 'a'), known), "");
}

TEST(Units, DurationsAndSizes) {
  using namespace std::chrono_literals;
  EXPECT_EQ(parse_duration("90s"), 90s);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("5d"), 120h);
  EXPECT_EQ(parse_size("20MiB"), base::mib(20));
  EXPECT_EQ(parse_size("0B"), base::ByteCount{0});
  for (const char* bad : {"", "5", "5 m", "-5m", "5min", "1h30m", "1.5h", "99999999999999999999d", "999999999999d"})
    EXPECT_FALSE(parse_duration(bad)) << bad;
  for (const char* bad : {"", "5", "5MB", "5mib", "999999999999GiB"}) EXPECT_FALSE(parse_size(bad)) << bad;
}

TEST(Cases, ReportShowsExpectedGotAndRule) {
  const auto loaded = load({{"p.toml", "[[rule]]\nname = \"r\"\nthen = { otherwise = \"clear\" }\n"}}, {});
  const auto cases = load_cases({{"t.toml", R"([[case]]
name = "c"
message = { from = "a@stadt.example", to = "b@web.example" }
expect = { encrypt = "smime", clear = false }
[[case]]
name = "d"
message = { from = "a@stadt.example", to = "b@web.example", at = "rcpt" }
expect = { }
)"}},
                                {});
  ASSERT_TRUE(cases.faults.empty());
  const auto results = run_cases(*loaded.rules, cases.cases);
  EXPECT_EQ(format_report(results),
            "t.toml:1:1: case \"c\" failed\n    encrypt: expected smime, got none\n    clear: expected false, got true\n    "
            "decided by rule \"r\"\n2 cases, 1 failed\n");
}

TEST(Cases, Faults) {
  Lines got;
  for (const Fault& f : load_cases({{"t.toml", R"([[case]]
name = "c"
message = { from = "a", to = "b@web.example", subjct = "x", time = "gestern", headers = { "a b" = "c" } }
keys = { "b@web.example" = ["pgp"], "other@web.example" = ["smime"] }
expect = { outcome = "delivr", reason = "nokey" }
)"}},
                                   {})
                            .faults)
    got.push_back(format_fault(f));
  const Lines expected = {
      "t.toml:3:20: case.message.from is no address",
      "t.toml:3:47: case.message: unknown key \"subjct\"; did you mean \"subject\"?",
      "t.toml:5:22: case.expect.outcome = unknown value \"delivr\"; did you mean \"deliver\"?",
      "t.toml:5:41: case.expect.reason = unknown value \"nokey\"; did you mean \"no_key\"?",
  };
  EXPECT_EQ(got, expected);
}

TEST(Documentation, HoldsEveryWordOfTheLanguage) {
  const auto text = base::read_file(std::string(AMTSBOTE_SOURCE) + "/docs/policy.md", base::mib(1));
  ASSERT_TRUE(text);
  const auto tables = {schema::file(),     schema::rule(),   schema::conditions(),  schema::header(),
                       schema::client(),   schema::size(),   schema::attachment(),  schema::time(),
                       schema::settings(), schema::demail(), schema::case_demail(), schema::legal_effect(),
                       schema::mark(),     schema::refuse(), schema::case_file(),   schema::test_case(),
                       schema::message(),  schema::opened(), schema::expect()};
  for (const auto& table : tables)
    EXPECT_NE(text->find(format_markdown(table)), std::string::npos) << "docs/policy.md lacks this table:\n"
                                                                     << format_markdown(table);
}

}  // namespace
}  // namespace policies
