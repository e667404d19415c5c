#include <gtest/gtest.h>

#include "base/core/file.hpp"
#include "simulator/app/arguments.hpp"

namespace simulator {
namespace {

TEST(Arguments, AreRead) {
  const auto got = parse_arguments({"--directory", "/x", "--hash", "sha512", "--scheme", "ec-dsa", "--push", "127.0.0.1:25",
                                    "--refuse-by", "message", "--sign-all", "--port", "a-imaps=993", "--misbehave", "lost=5",
                                    "--misbehave", "seed=3", "--smtp", "dot=451:1"});
  ASSERT_TRUE(got) << got.error().detail;
  EXPECT_EQ(got->world.issue.hash, Hash::sha512);
  EXPECT_EQ(got->world.issue.scheme, Scheme::ec_dsa);
  EXPECT_TRUE(got->world.sign_all && got->world.refuse_by_message);
  EXPECT_EQ(got->push.target->port, 25);
  EXPECT_EQ(got->ports.at("a-imaps"), 993);
  EXPECT_TRUE(got->world.misbehaviour.percent.at(Fate::lost) == 5 && got->world.misbehaviour.seed == 3);
  EXPECT_EQ(got->accounts.size(), default_accounts().size());
}

TEST(Arguments, WrongOnesAreNamed) {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--unknown"},
      {"--directory"},
      {"--directory", "/x", "--hash", "md5"},
      {"--directory", "/x", "--scheme", "none"},
      {"--directory", "/x", "--port", "c-imaps=1"},
      {"--directory", "/x", "--port", "a-imaps=70000"},
      {"--directory", "/x", "--account", "name=a"},
      {"--directory", "/x", "--push", "25"},
      {"--directory", "/x", "--account", "name=a address=a@x.example", "--account", "name=a address=b@x.example"}};
  for (const auto& given : wrong) {
    const auto got = parse_arguments(given);
    ASSERT_FALSE(got) << (given.empty() ? "" : given.back());
    EXPECT_FALSE(got.error().detail.empty());
  }
}

// The manual and the page speak of what there is.
TEST(Documentation, NamesEveryFateAndEvent) {
  const std::string help = help_text(), page = *base::read_file(AMTSBOTE_SOURCE "/docs/demail-simulator.md", base::mib(1));
  for (const Fate fate : all_fates()) {
    if (fate == Fate::good) continue;
    EXPECT_NE(help.find(std::string(name_of(fate)) + "=P"), std::string::npos) << name_of(fate);
  }
  for (const char* event : {"taken", "refused", "failed", "letter", "issued", "stored", "queued", "pushed", "push_failed",
                            "push_refused", "dropped", "login", "error"})
    EXPECT_NE(page.find("`" + std::string(event) + "`"), std::string::npos) << event;
  for (const Account& account : default_accounts())
    EXPECT_NE(page.find("| `" + account.name + "` |"), std::string::npos) << account.name;
  for (std::size_t at = 0; at < help.size();) {
    const auto lf = help.find('\n', at);
    EXPECT_LE(lf - at, 140u) << help.substr(at, lf - at);
    at = lf + 1;
  }
}

}  // namespace
}  // namespace simulator
