#include "tests/unit/gateway_app/site.hpp"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

namespace app {
namespace {

class PolicyTest : public Site {};

TEST_F(PolicyTest, ExplainSaysWhatTheClientWouldBeTold) {
  put("policies/10.toml", "[[rule]]\nname = \"health\"\nwhen = { department = \"gesundheitsamt\" }\nthen = { encrypt = [\"smime\"], otherwise = \"refuse\" }\n");
  const std::vector<std::string> question = {"policy", "explain", "--from", "amt53@stadt.example", "--to", "buerger@example.org", "--subject", "Befund"};
  const Ran refused = at_site(question);
  EXPECT_EQ(refused.code, k_exit_no) << refused.err;
  EXPECT_NE(refused.out.find("health"), std::string::npos);
  EXPECT_NE(refused.out.find("550"), std::string::npos);
  put("policies/10.toml", k_lenient);
  const Ran cleared = at_site(question);
  EXPECT_EQ(cleared.code, k_exit_good) << cleared.err;
  EXPECT_EQ(at_site({"policy", "explain", "--from", "nonsense", "--to", "buerger@example.org"}).code, k_exit_error);
}

TEST_F(PolicyTest, ExplainKnowsTheListeners) {
  const auto ask = [&](const char* from, const char* to, const char* listener) {
    return at_site({"policy", "explain", "--from", from, "--to", to, "--listener", listener, "--json"});
  };
  const auto outcome = [](const Ran& ran) { return text_of(array_of(ran.answer(), "recipients").front().get_object(), "outcome"); };
  put("policies/10.toml", "[[rule]]\nname = \"relay\"\nwhen = { client = { listener = \"127.0.0.1:10025\" } }\nthen = { otherwise = \"clear\" }\n");
  EXPECT_EQ(outcome(ask("amt53@stadt.example", "x@example.org", "relay")), "deliver");
  EXPECT_EQ(outcome(ask("amt53@stadt.example", "x@example.org", "submission")), "refuse") << "another listener, no rule";
  EXPECT_EQ(outcome(ask("x@example.org", "amt53@stadt.example", "mx")), "deliver");
  const Ran relayed = ask("x@example.org", "y@example.net", "mx");
  EXPECT_EQ(outcome(relayed), "refuse");
  EXPECT_NE(relayed.out.find("550 5.7.1"), std::string::npos);
  EXPECT_EQ(outcome(ask("amt53@stadt.example", "amt53@stadt.example", "mx")), "refuse") << "nobody outside is one of us";
  EXPECT_EQ(ask("amt53@stadt.example", "x@example.org", "https").code, k_exit_error);
}

TEST_F(PolicyTest, KeysThatCannotBeReadAreUnknown) {
  put("policies/10.toml", "[[rule]]\nname = \"all\"\nwhen = { direction = \"outbound\" }\nthen = { encrypt = [\"smime\"], otherwise = \"clear\" }\n");
  const std::vector<std::string> question = {"policy", "explain", "--from", "amt53@stadt.example", "--to", "buerger@example.org"};
  EXPECT_EQ(at_site(question).code, k_exit_good) << "no key is known, and the rule clears it";
  base::fs::remove(m_dir / "seal.key");
  const Ran ran = at_site(question);
  EXPECT_EQ(ran.code, k_exit_no);
  EXPECT_NE(ran.out.find("buerger@example.org: later"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("451"), std::string::npos);
  EXPECT_NE(ran.err.find("unknown"), std::string::npos);
}

TEST_F(PolicyTest, CheckTriesPorts) {
  const int taken = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(taken, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(taken, 1), 0);
  socklen_t length = sizeof address;
  ::getsockname(taken, reinterpret_cast<sockaddr*>(&address), &length);
  const std::string port = std::to_string(ntohs(address.sin_port));
  std::string text = k_config;
  text.replace(text.find("127.0.0.1:10025"), 15, "127.0.0.1:" + port);
  put("amtsbote.toml", text);
  const Ran busy = at_site({"check"});
  EXPECT_EQ(busy.code, k_exit_no);
  EXPECT_NE(busy.out.find("listener 127.0.0.1:" + port), std::string::npos) << busy.out;
  ::close(taken);
  EXPECT_EQ(at_site({"check"}).code, k_exit_good);
}

class ProveTest : public PolicyTest {
 protected:
  static std::string rule(const char* name, const char* when, const char* then) {
    return std::string("[[rule]]\nname = \"") + name + "\"\nwhen = { " + when + " }\nthen = { " + then + " }\n";
  }
  Ran prove(const std::string& rules) {
    put("policies/10.toml", rules);
    return at_site({"policy", "prove"});
  }
  const std::string health = rule("health", "direction = \"outbound\", department = \"gesundheitsamt\"", "encrypt = [\"smime\"], otherwise = \"refuse\"");
  const std::string others = rule("others", "direction = \"outbound\"", "encrypt = [\"smime\"], otherwise = \"clear\"");
};

TEST_F(ProveTest, StrictBeforeLenientHolds) {
  const Ran ran = prove(health + others);
  EXPECT_EQ(ran.code, k_exit_good) << ran.out << ran.err;
  EXPECT_NE(ran.out.find(" 0 ways to clear text"), std::string::npos);
}

TEST_F(ProveTest, EachWayIsFoundAndIsACaseThatFails) {
  const std::string courts = rule("courts", "direction = \"outbound\", recipient_domain = \"*.justiz.example\"", "otherwise = \"clear\"");
  for (const std::string& way :
       {courts, rule("word", "keyword = \"offen\", direction = \"outbound\"", "otherwise = \"clear\""),
        rule("big", "size = { at_least = \"20MiB\" }, attachment = { extension = \"zip\" }", "otherwise = \"clear\", final = true"),
        rule("field", "header = { name = \"X-Fach\", value = \"kfz-*\" }, not = { recipient = \"a@b.example\" }", "otherwise = \"clear\"")}) {
    const Ran ran = prove(way + health + others);
    ASSERT_EQ(ran.code, k_exit_no) << way << ran.out << ran.err;
    EXPECT_NE(ran.out.find("\"health\" demands protection"), std::string::npos) << ran.out;
    put("counterexample.toml", ran.out.substr(ran.out.find("[[case]]"), ran.out.find("\n\n") - ran.out.find("[[case]]")));
    const Ran failed = at_site({"policy", "test", (m_dir / "counterexample.toml").string()});
    EXPECT_EQ(failed.code, k_exit_no) << failed.err;
    EXPECT_NE(failed.out.find("clear: expected false, got true"), std::string::npos) << failed.out;
    EXPECT_EQ(prove(health + way + others).code, k_exit_good) << "behind the demand it clears nothing";
  }
  // a final rule hides the demand altogether
  EXPECT_EQ(prove(rule("end", "department = \"gesundheitsamt\"", "otherwise = \"clear\", final = true") + health).code, k_exit_no);
}

TEST_F(ProveTest, SaysWhatItCannotTell) {
  Ran ran = prove(health + rule("expression", "recipient = \"re:.*@x[0-9]+\\\\.example\"", "otherwise = \"clear\"") + others);
  EXPECT_EQ(ran.code, k_exit_error) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("not searched: a regular expression"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("never matched: expression"), std::string::npos) << ran.out;
  std::string many = health;
  for (int i = 0; i < 18; ++i) many += rule(("w" + std::to_string(i)).c_str(), ("direction = \"outbound\", keyword = \"w" + std::to_string(i) + "\"").c_str(), "receipts = \"x\"");
  ran = prove(many + others);
  EXPECT_EQ(ran.code, k_exit_error) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("too many combinations"), std::string::npos);
}

TEST_F(PolicyTest, FailedCasesAreOne) {
  const std::string one = "[[case]]\nname = \"no key\"\nmessage = { from = \"amt53@stadt.example\", to = \"buerger@example.org\" }\nexpect = { outcome = \"";
  put("policies/tests/health.toml", one + "hold\" }\n");
  const Ran good = at_site({"policy", "test"});
  EXPECT_EQ(good.code, k_exit_good) << good.out << good.err;
  put("policies/tests/health.toml", one + "deliver\" }\n");
  const Ran bad = at_site({"policy", "test"});
  EXPECT_EQ(bad.code, k_exit_no) << bad.err;
  EXPECT_NE(bad.out.find("expected deliver, got hold"), std::string::npos) << bad.out;
  put("cases.toml", one + "hold\" }\n");
  EXPECT_EQ(at_site({"policy", "test", (m_dir / "cases.toml").string()}).code, k_exit_good);
  EXPECT_EQ(at_site({"policy", "test", (m_dir / "absent.toml").string()}).code, k_exit_error);
}

TEST_F(PolicyTest, CheckTellsFaultsWithTheirPlace) {
  const Ran good = at_site({"check"});
  EXPECT_EQ(good.code, k_exit_good) << good.out << good.err;
  put("policies/10.toml", "[[rule]]\nname = \"x\"\nthen = { encrpt = [\"smime\"] }\n");
  const Ran bad = at_site({"check"});
  EXPECT_EQ(bad.code, k_exit_no);
  EXPECT_NE(bad.out.find("10.toml:3:"), std::string::npos) << bad.out;
  put("policies/10.toml", k_strict);
  base::fs::remove(m_dir / "log.key");
  EXPECT_EQ(at_site({"check"}).code, k_exit_no);
}

}  // namespace
}  // namespace app
