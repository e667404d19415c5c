#include "tests/unit/gateway_app/site.hpp"

#include "gateway/web/timeline.hpp"

namespace app {
namespace {

class ReceiptsTest : public Site {
 protected:
  void SetUp() override {
    auto local = LocalStore::open(options());
    ASSERT_TRUE(local) << local.error().describe();
    m_mid = store_held((*local)->live()).text();
  }
  std::size_t found(std::vector<std::string> conditions, int expected) {
    conditions.insert(conditions.begin(), {"receipts", "search", "--json"});
    const Ran ran = at_site(conditions);
    EXPECT_EQ(ran.code, expected) << ran.out << ran.err;
    return array_of(ran.answer(), "messages").size();
  }
  std::string m_mid;
};

TEST_F(ReceiptsTest, Search) {
  const std::vector<std::vector<std::string>> hits = {{"--sender", "AMT53@stadt.example"}, {"--sender", "stadt.example"}, {"--recipient", "buerger@example.org"},
                                                      {"--message-id", "1@stadt.example"}, {"--department", "gesundheitsamt"}, {"--subject", "53-4711/26"},
                                                      {"--subject", "BEFUND"}, {"--state", "held"}, {"--state", "open"}, {"--since", "2020-01-01"}};
  for (const auto& conditions : hits) EXPECT_EQ(found(conditions, k_exit_good), 1u) << ::testing::PrintToString(conditions);
  const std::vector<std::vector<std::string>> misses = {{"--sender", "buerger@example.org"}, {"--recipient", "amt53@stadt.example"}, {"--subject", "4712"},
                                                        {"--state", "delivered"}, {"--until", "2020-01-01"}, {"--department", "hauptamt"}};
  for (const auto& conditions : misses) EXPECT_EQ(found(conditions, k_exit_no), 0u) << ::testing::PrintToString(conditions);
  for (const auto& wrong : std::vector<std::vector<std::string>>{{"--since", "soon"}, {"--state", "lost"}, {"--sender", "a b"}, {"--subject", "ab"}}) found(wrong, k_exit_error);
}

TEST_F(ReceiptsTest, LookingIsWrittenDown) {
  EXPECT_EQ(at_site({"receipts", "show", m_mid}).code, k_exit_good);
  EXPECT_EQ(at_site({"receipts", "show", "01JQ3V5R8WPZ6T0X2B4N7M9K1C"}).code, k_exit_no);
  auto local = LocalStore::open(options());
  ASSERT_TRUE(local);
  const auto size = (*local)->live().store().counters()->log_size;
  bool seen = false;
  for (std::uint64_t i = 0; i < size; ++i) {
    const auto leaf = (*local)->live().store().leaf_at(i);
    ASSERT_TRUE(leaf && *leaf);
    const json::object row = web::leaf_as_json(**leaf);
    if (text_of(row, "event") != "audit.query") continue;
    seen = true;
    EXPECT_NE(text_of(object_of(object_of(row, "disclosures"), "dec"), "who").find("uid"), std::string::npos);
    EXPECT_NE(text_of(object_of(object_of(row, "disclosures"), "dec"), "query").find(m_mid), std::string::npos);
  }
  EXPECT_TRUE(seen);
}

TEST_F(ReceiptsTest, ConfigOfAHash) {
  EXPECT_EQ(at_site({"receipts", "config", std::string(64, '0')}).code, k_exit_no);
  EXPECT_EQ(at_site({"receipts", "config", "abc"}).code, k_exit_error);
  const auto loaded = options();
  {
    auto local = LocalStore::open(loaded);
    ASSERT_TRUE(local);
    store::LogEntry entry{base::EventId::make(base::Timestamp{}), {}};
    entry.event.type = receipts::EventType::sys_config;
    entry.event.out = "active";
    entry.event.cfg = (*local)->live().snapshot()->cfg;
    store::Change change;
    change.events.push_back(std::move(entry));
    for (const auto& text : loaded->texts) change.archive.emplace_back(text.name, text.text);
    ASSERT_TRUE((*local)->live().store().commit_and_wait(std::move(change)));
  }
  const Ran shown_texts = at_site({"receipts", "config", loaded->hash});
  EXPECT_EQ(shown_texts.code, k_exit_good) << shown_texts.err;
  EXPECT_NE(shown_texts.out.find("hostname = \"gw.stadt.example\""), std::string::npos) << shown_texts.out;
}

TEST_F(ReceiptsTest, ProvenFilesVerifyAndAChangedOneDoesNot) {
  const std::string out = (m_dir / "proofs").string(), vkey = out + "/log.vkey";
  EXPECT_EQ(at_site({"queue", "cancel", "--reason", "test", m_mid}).code, k_exit_good);
  const Ran proved = at_site({"receipts", "prove", "-o", out, m_mid});
  ASSERT_EQ(proved.code, k_exit_good) << proved.err;
  const std::string whole = out + "/" + m_mid + ".receipts.json";
  const Ran good = run({"receipts", "verify", whole, "--vkey", vkey});
  EXPECT_EQ(good.code, k_exit_good) << good.out << good.err;
  auto text = *base::read_file(whole, base::mib(1));
  text[text.find("msg.accept")] = 'x';
  put("proofs/forged.json", text);
  EXPECT_EQ(run({"receipts", "verify", out + "/forged.json", "--vkey", vkey}).code, k_exit_no);
  EXPECT_EQ(run({"receipts", "verify", out + "/absent.json", "--vkey", vkey}).code, k_exit_error);
  EXPECT_EQ(run({"receipts", "verify", whole, "--vkey", "nonsense"}).code, k_exit_error);
  const std::string log = (m_dir / "state/log").string();
  const Ran clean = run({"receipts", "fsck", log, "--vkey", vkey, "--against", log + "/" + base::list_directory(log)->front() + "/checkpoint", "--json"});
  EXPECT_EQ(clean.code, k_exit_good) << clean.out << clean.err;
}

TEST_F(ReceiptsTest, ARestoredDatabaseGoesOnInANewEpochOnly) {
  const Ran whole = at_site({"receipts", "new-epoch", "--reason", "to try"});
  EXPECT_EQ(whole.code, k_exit_no) << whole.out << whole.err;
  base::fs::copy_file(m_dir / "state/store.sqlite", m_dir / "backup");
  EXPECT_EQ(at_site({"queue", "cancel", "--reason", "test", m_mid}).code, k_exit_good);
  for (const char* tail : {"-wal", "-shm"}) base::fs::remove(m_dir / ("state/store.sqlite" + std::string(tail)));
  base::fs::rename(m_dir / "backup", m_dir / "state/store.sqlite");
  EXPECT_EQ(at_site({"queue", "list"}).code, k_exit_error);
  EXPECT_EQ(at_site({"receipts", "new-epoch", "--reason", " "}).code, k_exit_error);
  const Ran opened = at_site({"receipts", "new-epoch", "--reason", "backup of Sunday"});
  ASSERT_EQ(opened.code, k_exit_good) << opened.err;
  EXPECT_NE(opened.out.find(".2\n"), std::string::npos) << opened.out;
  EXPECT_EQ(at_site({"queue", "cancel", "--reason", "again", m_mid}).code, k_exit_good);
  // the receipts of the message stand in two epochs; one key serves for both
  const std::string out = (m_dir / "proofs").string();
  ASSERT_EQ(at_site({"receipts", "prove", "-o", out, m_mid}).code, k_exit_good);
  const Ran good = run({"receipts", "verify", out + "/" + m_mid + ".receipts.json", "--vkey", out + "/log.vkey"});
  EXPECT_EQ(good.code, k_exit_good) << good.out << good.err;
  const Ran clean = run({"receipts", "fsck", (m_dir / "state/log").string(), "--vkey", out + "/log.vkey"});
  EXPECT_EQ(clean.code, k_exit_good) << clean.out << clean.err;
}

TEST_F(ReceiptsTest, StatusTellsWhatIsHeld) {
  const Ran ran = at_site({"status"});
  EXPECT_EQ(ran.code, k_exit_no);
  EXPECT_NE(ran.out.find("1 held"), std::string::npos) << ran.out;
  EXPECT_EQ(at_site({"queue", "cancel", "--reason", "test", m_mid}).code, k_exit_good);
  EXPECT_EQ(at_site({"status"}).out.find("recipients are held"), std::string::npos);
}

}  // namespace
}  // namespace app
