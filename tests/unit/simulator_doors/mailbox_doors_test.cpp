// IMAP and POP3 by scripts, without a socket.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "base/core/bytes.hpp"
#include "simulator/doors/imap.hpp"
#include "simulator/doors/imap_items.hpp"
#include "simulator/doors/pop3.hpp"

namespace simulator {
namespace {

class Doors : public ::testing::Test {
 protected:
  Doors() {
    char name[] = "/tmp/amtsbote-doors-XXXXXX";
    m_directory = ::mkdtemp(name);
    m_journal = *Journal::open(m_directory / "journal", base::system_clock());
    m_world.emplace(WorldSettings{}, Directory(default_accounts(), {"de-mail.example"}), *m_journal, base::system_clock());
    for (int n = 1; n <= 3; ++n) {
      Stored stored;
      stored.bytes = "Subject: " + std::to_string(n) + "\r\n\r\n.Text\r\n";
      stored.is_personal = n == 2;
      box().add(std::move(stored));
    }
  }
  ~Doors() override { std::filesystem::remove_all(m_directory); }
  Mailbox& box() { return m_world->mailbox(*m_world->directory.find_login("max")); }

  // One command at a time; what comes back, greeting aside.
  template <class Engine>
  std::string say(Engine& engine, std::string_view text) {
    return engine.feed(std::string(text) + "\r\n");
  }

  base::fs::path m_directory;
  std::unique_ptr<Journal> m_journal;
  std::optional<World> m_world;
};

TEST_F(Doors, ImapShowsWhatTheLevelAllows) {
  Imap normal(*m_world, Side::b, nullptr), high(*m_world, Side::b, m_world->directory.find_login("max"));
  EXPECT_TRUE(normal.greeting().starts_with("* OK "));
  EXPECT_EQ(say(normal, "a SELECT INBOX"), "a BAD log in first\r\n");
  EXPECT_EQ(say(normal, "a LOGIN max wrong"), "a NO [AUTHENTICATIONFAILED] wrong\r\n");
  EXPECT_EQ(say(normal, "a UID SEARCH ALL"), "a BAD log in first\r\n");
  EXPECT_EQ(say(normal, "a LOGIN \"max\" \"max\""), "a OK logged in\r\n");
  EXPECT_EQ(say(normal, "b UID SEARCH ALL"), "b BAD select a mailbox first\r\n");
  EXPECT_EQ(say(normal, "b SELECT Archiv"), "b NO [NONEXISTENT] there is INBOX alone\r\n");
  EXPECT_NE(say(normal, "b SELECT inbox").find("* 2 EXISTS\r\n"), std::string::npos);
  EXPECT_EQ(say(normal, "c UID SEARCH 1:*"), "* SEARCH 1 3\r\nc OK searched\r\n");
  EXPECT_EQ(say(normal, "d UID FETCH 2 BODY[]"), "d OK fetched\r\n");
  EXPECT_EQ(say(high, "a LOGIN max max"), "a OK logged in\r\n");
  EXPECT_NE(say(high, "b SELECT INBOX").find("* 3 EXISTS\r\n"), std::string::npos);
  EXPECT_NE(say(high, "d UID FETCH 2 BODY[]").find("Subject: 2\r\n"), std::string::npos);
}

TEST_F(Doors, ImapTakesPiecesLiteralsAndPipelines) {
  Imap imap(*m_world, Side::b, nullptr);
  EXPECT_EQ(imap.feed("a LOG"), "");
  EXPECT_EQ(imap.feed("IN {3}\r\n"), "+ go on\r\n");
  EXPECT_EQ(imap.feed("ma"), "");
  EXPECT_EQ(imap.feed("x {3+}\r\nmax\r\nb SELECT INBOX\r\nc NOOP\r\n").find("a OK logged in\r\n"), 0u);
  EXPECT_EQ(imap.feed("d UID FETCH 3 (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)])\r\n"),
            "* 2 FETCH (UID 3 BODY[HEADER.FIELDS (SUBJECT)] {14}\r\nSubject: 3\r\n\r\n)\r\nd OK fetched\r\n");
  EXPECT_EQ(imap.feed("e UID FETCH 3 BODY[TEXT]<1.4>\r\n"),
            "* 2 FETCH (UID 3 BODY[TEXT]<1> {4}\r\nText FLAGS (\\Seen))\r\ne OK fetched\r\n");
  EXPECT_EQ(imap.feed("nonsense\r\n"), "* BAD not a command\r\n");
  EXPECT_EQ(imap.feed("f LOGOUT\r\ng NOOP\r\n"), "* BYE until next time\r\nf OK logged out\r\n");
  EXPECT_TRUE(imap.is_over());
  Imap endless(*m_world, Side::b, nullptr);
  endless.feed(std::string(3 * k_max_mail_line, 'x'));
  EXPECT_TRUE(endless.is_over());
}

TEST_F(Doors, ImapRemovesByUidAlone) {
  Imap imap(*m_world, Side::b, nullptr);
  imap.feed("a LOGIN max max\r\nb SELECT INBOX\r\n");
  EXPECT_EQ(say(imap, "c UID STORE 1:* +FLAGS.SILENT (\\deleted)"), "c OK stored\r\n");
  EXPECT_EQ(say(imap, "d UID EXPUNGE 1"), "* 1 EXPUNGE\r\nd OK expunged\r\n");
  EXPECT_EQ(say(imap, "e STORE 1 -FLAGS (\\Deleted)"), "* 1 FETCH (FLAGS ())\r\ne OK stored\r\n");
  EXPECT_EQ(say(imap, "f EXPUNGE"), "f OK expunged\r\n");
  EXPECT_EQ(box().messages().size(), 2u);
  EXPECT_EQ(say(imap, "g UID STORE 3 FLAGS (\\Seen $Wort)"), "* 1 FETCH (UID 3 FLAGS ($Wort \\Seen))\r\ng OK stored\r\n");
  Imap reader(*m_world, Side::b, nullptr);
  reader.feed("a LOGIN max max\r\nb EXAMINE INBOX\r\n");
  EXPECT_EQ(say(reader, "c UID STORE 3 +FLAGS (\\Deleted)"), "c NO read-only\r\n");
}

TEST(ImapItems, Sets) {
  using Ranges = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
  EXPECT_EQ(*parse_set("1,3:5,9:*", 7), (Ranges{{1, 1}, {3, 5}, {7, 9}}));
  for (const char* bad : {"", "a", "1,", "1:2:3", "-1"}) EXPECT_FALSE(parse_set(bad, 7)) << bad;
}

TEST(ImapItems, Commands) {
  const auto got = parse_imap("a1 uid fetch 1:* (FLAGS BODY[HEADER.FIELDS (A B)])");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->name, "UID FETCH");
  EXPECT_EQ(split_items(got->arguments[1]), (std::vector<std::string>{"FLAGS", "BODY[HEADER.FIELDS (A B)]"}));
  EXPECT_EQ(parse_imap("a LOGIN \"x \\\"y\" {2}\r\n}{")->arguments, (std::vector<std::string>{"x \"y", "}{"}));
  for (const char* bad : {"", "a", "a FETCH (1", "a LOGIN \"x", "a FETCH 1)"}) EXPECT_FALSE(parse_imap(bad)) << bad;
}

TEST_F(Doors, Pop3) {
  Pop3 pop3(*m_world, Side::b, nullptr);
  EXPECT_TRUE(pop3.greeting().starts_with("+OK "));
  EXPECT_TRUE(say(pop3, "STAT").starts_with("-ERR"));
  EXPECT_EQ(say(pop3, "AUTH PLAIN " + base::to_base64(std::string("\0max\0max", 8))), "+OK 2 messages\r\n");
  EXPECT_EQ(say(pop3, "LIST"), "+OK\r\n1 21\r\n2 21\r\n.\r\n");
  EXPECT_EQ(say(pop3, "UIDL 2"), "+OK 2 1-3\r\n");
  EXPECT_EQ(say(pop3, "RETR 2"), "+OK\r\nSubject: 3\r\n\r\n..Text\r\n.\r\n");
  EXPECT_EQ(say(pop3, "TOP 1 0"), "+OK\r\nSubject: 1\r\n\r\n.\r\n");
  EXPECT_EQ(say(pop3, "DELE 1"), "+OK\r\n");
  EXPECT_TRUE(say(pop3, "RETR 1").starts_with("-ERR"));
  EXPECT_EQ(say(pop3, "STAT"), "+OK 1 21\r\n");
  EXPECT_EQ(say(pop3, "RSET"), "+OK\r\n");
  EXPECT_EQ(say(pop3, "DELE 2"), "+OK\r\n");
  EXPECT_EQ(box().messages().size(), 3u);
  EXPECT_TRUE(say(pop3, "QUIT").starts_with("+OK"));
  EXPECT_TRUE(pop3.is_over());
  EXPECT_EQ(box().messages().size(), 2u);
  Pop3 stranger(*m_world, Side::b, nullptr);
  EXPECT_EQ(stranger.feed("USER max\r\nPASS falsch\r\n"), "+OK\r\n-ERR [AUTH] wrong\r\n");
  EXPECT_TRUE(say(stranger, "AUTH EXTERNAL =").starts_with("-ERR"));
}

}  // namespace
}  // namespace simulator
