#include "tests/unit/gateway_app/site.hpp"

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
