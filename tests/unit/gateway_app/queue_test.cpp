#include "tests/unit/gateway_app/site.hpp"

#include <unistd.h>

namespace app {
namespace {

class QueueTest : public Site {
 protected:
  void open() {
    m_local.reset();
    auto local = LocalStore::open(options());
    ASSERT_TRUE(local) << local.error().describe();
    m_local = *std::move(local);
  }
  json::object ask(json::object request) { return handle(m_local->live(), make_caller(::geteuid(), false), request); }
  json::object act(const char* command, const base::MessageId& mid, const char* reason = "because") {
    return ask({{"command", command}, {"id", mid.text()}, {"reason", reason}});
  }
  store::RecipientRow recipient(const base::MessageId& mid) {
    store::Store& store = m_local->live().store();
    return (**store.load(**store.find_id(mid), false)).recipients.front();
  }
  // Names of the events of a message, and its outcome words.
  std::vector<std::string> events(const base::MessageId& mid) {
    std::vector<std::string> out;
    const json::object shown_answer = ask({{"command", "receipts.show"}, {"id", mid.text()}});
    for (const json::value& leaf : array_of(shown_answer, "timeline"))
      out.push_back(text_of(leaf.get_object(), "event") + " " + text_of(leaf.get_object(), "out"));
    return out;
  }

  std::unique_ptr<LocalStore> m_local;
};

TEST_F(QueueTest, ReleaseCannotForceClearText) {
  open();
  const auto mid = store_held(m_local->live());
  const json::object kept = act("queue.release", mid);
  EXPECT_TRUE(flag_of(kept, "ok")) << format_line(kept);
  EXPECT_EQ(exit_code_of(kept), k_exit_no);
  EXPECT_EQ(number_of(kept, "released"), 0);
  const store::RecipientRow row = recipient(mid);
  EXPECT_EQ(row.state, store::State::held);
  const auto record = pipeline::decode_recipient(row.record);
  ASSERT_TRUE(record);
  EXPECT_FALSE(record->decision.plaintext);
  EXPECT_NE(record->last_error.find("not released"), std::string::npos);
  EXPECT_EQ(events(mid).back(), "msg.release kept");

  // only another policy lets it go
  put("policies/10.toml", k_lenient);
  open();
  const json::object released = act("queue.release", mid);
  EXPECT_EQ(exit_code_of(released), k_exit_good) << format_line(released);
  EXPECT_EQ(recipient(mid).state, store::State::due);
  EXPECT_TRUE(pipeline::decode_recipient(recipient(mid).record)->decision.plaintext);
  EXPECT_EQ(events(mid).back(), "msg.release done");
}

TEST_F(QueueTest, HoldRetryCancelWithTheirReceipts) {
  put("policies/10.toml", k_lenient);
  open();
  const auto mid = store_held(m_local->live(), store::State::due);
  EXPECT_EQ(number_of(act("queue.retry", mid), "retried"), 1);
  EXPECT_EQ(exit_code_of(act("queue.hold", mid, "")), k_exit_error) << "a reason must be given";
  EXPECT_EQ(number_of(act("queue.hold", mid), "held"), 1);
  EXPECT_EQ(recipient(mid).state, store::State::held);
  EXPECT_EQ(exit_code_of(act("queue.hold", mid)), k_exit_no);
  EXPECT_EQ(exit_code_of(act("queue.retry", mid)), k_exit_no) << "what is held is not tried";
  EXPECT_EQ(number_of(act("queue.cancel", mid), "cancelled"), 1);
  EXPECT_EQ(exit_code_of(act("queue.cancel", mid)), k_exit_no) << "it has left the queue";
  const auto all = events(mid);
  EXPECT_EQ(all.back(), "msg.closed cancelled");
  EXPECT_EQ(all[all.size() - 2], "msg.cancel done");
}

TEST_F(QueueTest, TheListTellsNoAddressAndNoSubject) {
  open();
  const auto mid = store_held(m_local->live());
  const std::string list = format_line(ask({{"command", "queue.list"}, {"state", "held"}}));
  EXPECT_NE(list.find(mid.text()), std::string::npos);
  for (const char* secret : {"buerger", "amt53", "Befund", "4711", "Geheim"}) EXPECT_EQ(list.find(secret), std::string::npos) << secret;
  EXPECT_TRUE(array_of(ask({{"command", "queue.list"}, {"state", "due"}}), "messages").empty());
  const json::object one = ask({{"command", "queue.show"}, {"id", mid.text()}});
  EXPECT_EQ(text_of(one, "subject"), "Befund 53-4711/26");
  EXPECT_EQ(array_of(one, "timeline").size(), 3u);
  EXPECT_EQ(format_line(one).find("Geheim"), std::string::npos) << "nobody reads the content here";
}

TEST_F(QueueTest, CommandsWithoutADaemon) {
  open();
  const auto mid = store_held(m_local->live()).text();
  EXPECT_EQ(at_site({"queue", "list"}).code, k_exit_error) << "the store is held by another";
  m_local.reset();
  EXPECT_NE(at_site({"queue", "list", "--held"}).out.find(mid), std::string::npos);
  EXPECT_NE(at_site({"queue", "show", mid}).out.find("buerger@example.org"), std::string::npos);
  EXPECT_EQ(at_site({"queue", "show", "01JQ3V5R8WPZ6T0X2B4N7M9K1C"}).code, k_exit_no);
  EXPECT_EQ(at_site({"queue", "show", "nonsense"}).code, k_exit_error);
  EXPECT_EQ(at_site({"queue", "release", "--reason", "asked", mid}).code, k_exit_no);
  EXPECT_EQ(at_site({"queue", "cancel", "--reason", "asked", mid}).code, k_exit_good);
  EXPECT_EQ(at_site({"queue", "cancel", "--reason", "asked", mid}).code, k_exit_no);
  EXPECT_EQ(at_site({"reload"}).code, k_exit_error) << "no daemon to reload";
}

TEST_F(QueueTest, Users) {
  const Ran added = at_site({"users", "add", "amt53", "Amt53@stadt.example", "*@Gesundheit.stadt.example", "--password-stdin"}, "Sommerregen\n");
  EXPECT_EQ(added.code, k_exit_good) << added.err;
  EXPECT_EQ(at_site({"users", "add", "amt53", "a@stadt.example", "--password-stdin"}, "x\n").code, k_exit_no);
  EXPECT_EQ(at_site({"users", "add", "amt 53", "a@stadt.example", "--password-stdin"}, "x\n").code, k_exit_error);
  EXPECT_EQ(at_site({"users", "add", "amt10", "nonsense", "--password-stdin"}, "x\n").code, k_exit_error);
  EXPECT_EQ(at_site({"users", "add", "amt10", "a@stadt.example", "--password-stdin"}, "\n").code, k_exit_error);
  const Ran list = at_site({"users", "list", "--json"});
  EXPECT_EQ(list.code, k_exit_good);
  EXPECT_EQ(array_of(list.answer(), "users").size(), 1u);
  EXPECT_NE(list.out.find("*@gesundheit.stadt.example"), std::string::npos);
  EXPECT_EQ(list.out.find("argon2"), std::string::npos) << "no hash leaves the store";
  const auto check = [&](const char* password) {
    open();
    const auto account = m_local->live().store().find_account("amt53");
    const bool good = *crypto::seal::verify_password((*account)->password_hash, password);
    m_local.reset();
    return good;
  };
  EXPECT_TRUE(check("Sommerregen"));
  EXPECT_EQ(at_site({"users", "passwd", "amt53", "--password-stdin"}, "Winterregen\r\n").code, k_exit_good);
  EXPECT_TRUE(check("Winterregen"));
  EXPECT_FALSE(check("Sommerregen"));
  EXPECT_EQ(at_site({"users", "passwd", "amt99", "--password-stdin"}, "x\n").code, k_exit_no);
  EXPECT_EQ(at_site({"users", "remove", "amt53"}).code, k_exit_good);
  EXPECT_EQ(at_site({"users", "remove", "amt53"}).code, k_exit_no);
}

}  // namespace
}  // namespace app
