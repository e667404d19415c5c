#include "tests/unit/gateway_app/site.hpp"

namespace app {
namespace {

class TableTest : public Site {};

std::vector<std::string> words_of(std::string_view text) {
  std::istringstream in{std::string(text)};
  std::vector<std::string> out;
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

TEST_F(TableTest, EveryCommandIsToldInFull) {
  ASSERT_GT(commands().size(), 25u);
  for (const Command& c : commands()) {
    SCOPED_TRACE(std::string(c.name));
    EXPECT_FALSE(c.summary.empty() || c.summary.back() == '.');
    EXPECT_FALSE(c.description.empty());
    EXPECT_NE(c.exits.find("0  "), std::string_view::npos);
    EXPECT_NE(c.run, nullptr);
    EXPECT_EQ(find_command(c.name), &c);
    const std::string start = "amtsbote " + std::string(c.name);
    EXPECT_EQ(c.example.substr(0, start.size()), start);
    // no example with an option that the command does not have
    for (const std::string& word : words_of(c.example)) {
      if (!word.starts_with("--")) continue;
      EXPECT_TRUE(std::any_of(c.options.begin(), c.options.end(), [&](const auto& o) { return o.key() == word; })) << word;
    }
  }
}

TEST_F(TableTest, HelpShowsEachArgument) {
  for (const Command& c : commands()) {
    auto arguments = words_of(c.name);
    arguments.emplace_back("--help");
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, k_exit_good) << c.name;
    EXPECT_EQ(ran.out.find(format_help(c)), 0u) << ran.out;
    for (const OptionSpec& o : c.options) EXPECT_NE(ran.out.find(o.name), std::string::npos) << c.name << " " << o.name;
  }
  const Ran all = run({"--help"});
  EXPECT_EQ(all.code, k_exit_good);
  for (const Command& c : commands()) EXPECT_NE(all.out.find(c.name), std::string::npos);
  EXPECT_NE(run({"queue", "--help"}).out.find("queue release"), std::string::npos);
}

TEST_F(TableTest, WrongUseIsTwo) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {}, {"nonsense"}, {"queue"}, {"queue", "release", "X"}, {"queue", "list", "--nonsense"}, {"queue", "show"}, {"check", "surplus"}, {"policy", "explain", "--from", "a@b.example"}}) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, k_exit_error) << ::testing::PrintToString(arguments);
    EXPECT_FALSE(ran.err.empty());
    EXPECT_TRUE(ran.out.empty()) << ran.out;
  }
  EXPECT_EQ(run({"--version"}).code, k_exit_good);
}

TEST_F(TableTest, AMisspeltWordIsAnsweredWithTheRightOne) {
  const std::pair<std::vector<std::string>, std::string> cases[] = {
      {{"qeue", "list"}, "unknown command \"qeue\"; did you mean \"queue\"?"},
      {{"queue", "lst"}, "unknown \"queue\" command \"lst\"; did you mean \"list\"?"},
      {{"users", "token", "ad", "x"}, "unknown \"users token\" command \"ad\"; did you mean \"add\"?"},
      {{"help"}, "unknown command \"help\" (known: "},
      {{"queue"}, "a \"queue\" command is missing: list, show, retry, hold, release, cancel"},
      {{}, "a command is missing: init, send, serve"},
      {{"queue", "list", "--hled"}, "unknown option \"--hled\"; did you mean \"--held\"?"},
      {{"status", "--confg=x"}, "unknown option \"--confg\"; did you mean \"--config\"?"},
      {{"--config", "x", "status"}, "options stand behind the command: amtsbote COMMAND --config"},
      {{"queue", "--json", "list"}, "options stand behind the command: amtsbote queue COMMAND --json"},
  };
  for (const auto& [arguments, told] : cases) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, k_exit_error);
    EXPECT_NE(ran.err.find(told), std::string::npos) << ran.err;
    EXPECT_NE(ran.err.find("--help."), std::string::npos) << ran.err;
  }
  // what follows "--" is no option
  EXPECT_EQ(run({"policy", "test", "--config", (m_dir / "amtsbote.toml").string(), "--", "--nonsense"}).err.find("unknown option"), std::string::npos);
}

TEST_F(TableTest, WithoutAConfigurationTheAnswerSaysWhatToDo) {
  const Ran ran = run({"queue", "list", "--config", (m_dir / "nowhere.toml").string()});
  EXPECT_EQ(ran.code, k_exit_error);
  EXPECT_NE(ran.err.find("there is no configuration"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("amtsbote init"), std::string::npos) << ran.err;
}

TEST_F(TableTest, WithoutADaemonNothingIsGood) {
  const Ran ran = at_site({"status"});
  EXPECT_EQ(ran.code, k_exit_no);
  EXPECT_NE(ran.out.find("ATTENTION: no daemon runs"), std::string::npos) << ran.out;
  EXPECT_FALSE(flag_of(at_site({"status", "--json"}).answer(), "daemon"));
}

TEST_F(TableTest, DocumentationIsTheTable) {
  const auto text = base::read_file(std::string(AMTSBOTE_SOURCE) + "/docs/cli.md", base::mib(1));
  ASSERT_TRUE(text);
  EXPECT_TRUE(text->ends_with(format_markdown())) << "docs/cli.md must end with:\n" << format_markdown();
}

}  // namespace
}  // namespace app
