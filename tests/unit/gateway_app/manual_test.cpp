// Completion is judged by bash itself.
#include "gateway/app/manual.hpp"

#include <cstdio>

#include "gateway/config/schema.hpp"
#include "tests/unit/gateway_app/site.hpp"

namespace app {
namespace {

class ManualTest : public Site {
 protected:
  std::string shell(const std::string& command) {
    FILE* pipe = ::popen(("cd '" + m_dir.string() + "' && (" + command + ") 2>&1").c_str(), "r");
    std::string out;
    char buffer[4096];
    while (const std::size_t got = std::fread(buffer, 1, sizeof buffer, pipe)) out.append(buffer, got);
    m_code = ::pclose(pipe);
    return out;
  }
  int m_code = 0;
};

TEST_F(ManualTest, EveryCommandAndOptionHasItsPlace) {
  const std::string page = format_man_program("2026-03-01");
  for (const Command& c : commands()) {
    EXPECT_NE(page.find(".SS amtsbote " + std::string(c.name.substr(0, c.name.find('-')))), std::string::npos) << c.name;
    for (const OptionSpec& o : c.options) EXPECT_NE(page.find("\\fB" + (o.is_positional() ? std::string(o.name) : "\\-\\-" + std::string(o.name.substr(2, 2)))), std::string::npos) << o.name;
  }
  EXPECT_NE(format_man_serve("2026-03-01").find("LISTEN_FDS"), std::string::npos);
}

TEST_F(ManualTest, EveryKeyOfTheConfigHasItsPlace) {
  const std::string page = format_man_config("2026-03-01");
  for (const auto& [heading, keys] : config::schema::tables())
    for (const auto& key : keys) EXPECT_NE(page.find(".TP\n\\fB" + std::string(key.key) + "\\fR"), std::string::npos) << heading << " " << key.key;
}

TEST_F(ManualTest, NoTextIsReadAsARequest) {
  for (const std::string& page : {format_man_program("2026-03-01"), format_man_serve("2026-03-01"), format_man_config("2026-03-01")}) {
    std::istringstream in(page);
    for (std::string line; std::getline(in, line);) {
      if (line.empty() || (line[0] != '.' && line[0] != '\'')) continue;
      const std::string request = line.substr(1, line.find(' ') - 1);
      EXPECT_TRUE(std::set<std::string>({"TH", "SH", "SS", "TP", "PP", "nf", "fi", "RS", "RE", "B", "I"}).contains(request)) << line;
    }
  }
}

TEST_F(ManualTest, BashCompletes) {
  put("completion", format_completion());
  const auto complete = [&](const std::string& words, int at) {
    return shell("bash -c 'set -e; source ./completion; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(at) + "; _amtsbote; echo ${COMPREPLY[@]}'");
  };
  EXPECT_EQ(complete("amtsbote rel", 1), "reload\n");
  EXPECT_EQ(complete("amtsbote queue rel", 2), "release\n");
  EXPECT_EQ(complete("amtsbote queue release --rea", 3), "--reason\n");
  EXPECT_EQ(complete("amtsbote users token re", 3), "revoke\n");
  EXPECT_EQ(complete("amtsbote users token add --sc", 4), "--scope\n");
  EXPECT_EQ(complete("amtsbote nonsense --re", 2), "\n");
  EXPECT_EQ(complete("amtsbote send --sub", 2), "--subject\n");
  EXPECT_EQ(complete("amtsbote send comp", 2), "completion\n") << "files where no option is begun";
}

}  // namespace
}  // namespace app
