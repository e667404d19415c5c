#include <gtest/gtest.h>

#include "smtp/wire/command.hpp"
#include "smtp/wire/dots.hpp"
#include "smtp/wire/reply.hpp"

namespace smtp {
namespace {

template <class C>
const C* as(const std::variant<Command, Reply>& parsed) {
  const auto* command = std::get_if<Command>(&parsed);
  return command == nullptr ? nullptr : std::get_if<C>(command);
}

int refusal(std::string_view line) {
  const auto parsed = parse_command(line);
  const auto* reply = std::get_if<Reply>(&parsed);
  return reply == nullptr ? 0 : reply->code;
}

TEST(Command, Mail) {
  const auto parsed = parse_command("mail from:<Amt@Stadt.Example> SIZE=123 BODY=8BITMIME RET=HDRS ENVID=a+2Bb SMTPUTF8");
  const Mail* m = as<Mail>(parsed);
  ASSERT_NE(m, nullptr);
  EXPECT_EQ(m->reverse_path->text(), "Amt@stadt.example");
  EXPECT_EQ(m->parameters.size, 123u);
  EXPECT_TRUE(m->parameters.eight_bit);
  EXPECT_TRUE(m->parameters.smtputf8);
  EXPECT_EQ(m->parameters.ret_full, false);
  EXPECT_EQ(m->parameters.envid, "a+b");
  const auto null_path = parse_command("MAIL FROM:<>");
  EXPECT_FALSE(as<Mail>(null_path)->reverse_path);
  EXPECT_NE(as<Mail>(parse_command("MAIL FROM: <a@b.example>")), nullptr);
}

TEST(Command, Rcpt) {
  const auto parsed = parse_command("RCPT TO:<\"a>b\"@x.example> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+40x.example");
  const Rcpt* r = as<Rcpt>(parsed);
  ASSERT_NE(r, nullptr);
  EXPECT_EQ(r->address.local(), "a>b");
  EXPECT_EQ(r->parameters.notify, (std::set{Notify::success, Notify::delay}));
  EXPECT_EQ(r->parameters.orcpt, "rfc822;a@x.example");
}

TEST(Command, Refused) {
  EXPECT_EQ(refusal("XYZZY"), 500);
  EXPECT_EQ(refusal(""), 500);
  EXPECT_EQ(refusal("EHLO"), 501);
  EXPECT_EQ(refusal("EHLO a b"), 501);
  EXPECT_EQ(refusal("EHLO a\tb"), 501);
  EXPECT_EQ(refusal("EHLO m\xc3\xbcnchen.example"), 501);
  EXPECT_EQ(refusal("DATA now"), 501);
  EXPECT_EQ(refusal("MAIL FROM:a@x.example"), 501);
  EXPECT_EQ(refusal("MAIL FROM:<a@x.example>SIZE=1"), 501);
  EXPECT_EQ(refusal("MAIL FROM:<a@x.example"), 501);
  EXPECT_EQ(refusal("MAIL FROM:<a>"), 553);
  EXPECT_EQ(refusal("MAIL FROM:<ü@x.example>"), 553);
  EXPECT_EQ(refusal("MAIL FROM:<a@x.example> FOO=1"), 555);
  EXPECT_EQ(refusal("MAIL FROM:<a@x.example> SIZE=x"), 501);
  EXPECT_EQ(refusal("MAIL FROM:<a@x.example> SIZE=99999999999999999999"), 501);
  EXPECT_EQ(refusal("MAIL FROM:<a@x.example> ENVID=a+0D+0Ab"), 501);
  EXPECT_EQ(refusal("RCPT TO:<>"), 553);
  EXPECT_EQ(refusal("RCPT TO:<a@x.example> NOTIFY=NEVER,SUCCESS"), 501);
  EXPECT_EQ(refusal("BDAT -1"), 501);
  EXPECT_EQ(refusal("BDAT 1 FIRST"), 501);
  EXPECT_EQ(refusal(std::string_view("NOOP \0", 6)), 501);
}

std::string unstuff(std::string_view wire, Unstuffer::State& state, std::size_t step = 1000) {
  Unstuffer u;
  std::string out;
  for (std::size_t i = 0; i < wire.size(); i += step) {
    std::size_t taken = 0;
    state = u.feed(wire.substr(i, step), out, taken);
    if (state != Unstuffer::State::more) break;
  }
  return out;
}

TEST(Dots, RoundTripInPieces) {
  const std::string message = "a\r\n.b\r\n..\r\n\r\n.\r\n.c.\r\n";
  Stuffer s(true);
  std::string wire;
  for (const char c : message) s.feed({&c, 1}, wire);
  s.finish(wire);
  EXPECT_EQ(wire, "a\r\n..b\r\n...\r\n\r\n..\r\n..c.\r\n.\r\n");
  for (std::size_t step = 1; step < 30; ++step) {
    auto state = Unstuffer::State::more;
    EXPECT_EQ(unstuff(wire, state, step), message);
    EXPECT_EQ(state, Unstuffer::State::done);
  }
}

TEST(Dots, MissingLastLineEnd) {
  Stuffer s(false);
  std::string wire;
  s.feed("abc", wire);
  s.finish(wire);
  EXPECT_EQ(wire, "abc\r\n.\r\n");
  Stuffer empty(true);
  wire.clear();
  empty.finish(wire);
  EXPECT_EQ(wire, ".\r\n");
}

// CVE-2023-51764 and its family: none of these ends a message
TEST(Dots, SmugglingForms) {
  for (const char* wire : {"a\n.\r\nMAIL", "a\r\n.\nMAIL", "a\n.\nMAIL", "a\r.\r\nMAIL", "a\r\n.\rMAIL", "a\r\r\n.\r\n", "a\r\n.\r\rx", "\n.\r\n"}) {
    auto state = Unstuffer::State::more;
    unstuff(wire, state);
    EXPECT_EQ(state, Unstuffer::State::bare_newline) << wire;
  }
  auto state = Unstuffer::State::more;
  unstuff(std::string(Unstuffer::k_max_line + 1, 'x'), state);
  EXPECT_EQ(state, Unstuffer::State::line_too_long);
}

TEST(Reply, FormatAndRead) {
  EXPECT_EQ(format_reply({550, "5.7.1", "Für Müller ist kein Schlüssel bekannt"}), "550 5.7.1 Fuer Mueller ist kein Schluessel bekannt\r\n");
  EXPECT_EQ(format_reply({550, "5.7.1", "Für"}, true), "550 5.7.1 Für\r\n");
  EXPECT_EQ(format_reply({250, "", std::vector<std::string>{"a", "b"}}), "250-a\r\n250 b\r\n");
  EXPECT_EQ(format_reply({550, "5.0.0", "a\r\n250 b"}), "550 5.0.0 a  250 b\r\n");
  std::string longer;
  for (int i = 0; i < 300; ++i) longer += "wort ";
  const std::string wire = format_reply({550, "5.7.1", longer});
  ReplyReader reader;
  for (const char c : wire) reader.feed({&c, 1});
  PeerReply reply;
  ASSERT_TRUE(*reader.next(reply));
  EXPECT_EQ(reply.code, 550);
  EXPECT_EQ(reply.enhanced, "5.7.1");
  EXPECT_GT(reply.lines.size(), 2u);
  for (const auto& line : reply.lines) EXPECT_LE(line.size() + 4, 510u);
}

TEST(Reply, HostilePeers) {
  for (const char* wire : {"abc\r\n", "99 x\r\n", "250x\r\n", "250-a\r\n550 b\r\n", "\r\n", "650 a\r\n"}) {
    ReplyReader reader;
    PeerReply reply;
    reader.feed(wire);
    EXPECT_FALSE(reader.next(reply)) << wire;
  }
  ReplyReader reader;
  PeerReply reply;
  reader.feed(std::string(3000, '2'));
  EXPECT_FALSE(reader.next(reply));
  ReplyReader endless;
  for (int i = 0; i < 200; ++i) endless.feed("250-x\r\n");
  EXPECT_FALSE(endless.next(reply));
}

}  // namespace
}  // namespace smtp
