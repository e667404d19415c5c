#include <gtest/gtest.h>

#include "gateway/pipeline/poll_state.hpp"

namespace pipeline {
namespace {

using base::net::MailboxEntry;
using base::net::MailboxListing;

config::DeMailAccountOptions account(config::PollKind kind, const char* user = "stadt") {
  config::DeMailAccountOptions out;
  out.name = "stadt";
  out.domains = {"stadt.de-mail.example"};
  out.addresses = {{"amt53@stadt.example", "amt53@stadt.de-mail.example"},
                   {"amt41@stadt.example", "amt41@stadt.de-mail.example"}};
  out.default_mailbox = "poststelle@stadt.example";
  out.poll.kind = kind;
  out.poll.user = user;
  out.poll.mailbox = "INBOX";
  return out;
}

MailboxListing uids(std::uint32_t validity, const std::vector<std::uint32_t>& numbers) {
  MailboxListing out;
  out.validity = validity;
  for (const auto n : numbers) out.entries.push_back({n, "", std::nullopt});
  return out;
}

MailboxListing uidls(const std::vector<std::string>& names) {
  MailboxListing out;
  for (const auto& name : names) out.entries.push_back({static_cast<std::uint32_t>(out.entries.size() + 1), name, std::nullopt});
  return out;
}

// The store: marks by name.
using Stored = std::map<std::string, std::string>;
void keep(PollState& state, Stored& stored) {
  for (const auto& [name, value] : state.changed_marks()) stored[name] = value;
  state.stored();
}

std::vector<std::string> names(const std::vector<MailboxEntry>& entries) {
  std::vector<std::string> out;
  for (const auto& e : entries) out.push_back(e.uidl.empty() ? std::to_string(e.number) : e.uidl);
  return out;
}
using Names = std::vector<std::string>;

TEST(PollState, ImapGoesOnBehindWhatWasTaken) {
  Stored stored;
  PollState first(account(config::PollKind::imaps), stored);
  EXPECT_EQ(first.after(), 0u);
  auto found = first.choose_new(uids(77, {2, 5, 9}));
  EXPECT_EQ(names(found), (Names{"2", "5", "9"}));
  EXPECT_FALSE(first.has_changed());
  first.pass(found[0]);
  first.pass(found[1]);
  keep(first, stored);
  EXPECT_EQ(stored.size(), 1u);
  PollState second(account(config::PollKind::imaps), stored);
  EXPECT_EQ(second.after(), 5u);
  EXPECT_EQ(names(second.choose_new(uids(77, {5, 9}))), Names{"9"});
  EXPECT_TRUE(second.changed_marks().empty());
}

TEST(PollState, AnotherUidvalidityIsAnotherMailbox) {
  Stored stored;
  PollState first(account(config::PollKind::imaps), stored);
  for (const auto& e : first.choose_new(uids(77, {1, 2, 3}))) first.pass(e);
  keep(first, stored);
  PollState second(account(config::PollKind::imaps), stored);
  EXPECT_TRUE(second.choose_new(uids(78, {4})).empty()) << "what lies below was not listed";
  EXPECT_TRUE(second.has_changed());
  EXPECT_EQ(second.after(), 0u);
  EXPECT_EQ(names(second.choose_new(uids(78, {1, 4}))), (Names{"1", "4"}));
  keep(second, stored);
  PollState third(account(config::PollKind::imaps), stored);
  EXPECT_EQ(names(third.choose_new(uids(78, {1, 4}))), (Names{"1", "4"}));
  EXPECT_FALSE(third.has_changed());
  PollState other(account(config::PollKind::imaps, "kultur"), stored);
  EXPECT_EQ(other.after(), 0u);
  EXPECT_TRUE(other.is_new());
}

TEST(PollState, Pop3RemembersWhatStillLiesThere) {
  Stored stored;
  PollState first(account(config::PollKind::pop3s), stored);
  const auto found = first.choose_new(uidls({"a", "b", "c", "b"}));
  EXPECT_EQ(names(found), (Names{"a", "b", "c"})) << "one name twice is one message";
  first.pass(found[0]);
  first.pass(found[2]);
  keep(first, stored);
  PollState second(account(config::PollKind::pop3s), stored);
  EXPECT_EQ(names(second.choose_new(uidls({"c", "b", "d"}))), (Names{"b", "d"}));
  keep(second, stored);  // "a" is gone
  PollState third(account(config::PollKind::pop3s), stored);
  EXPECT_EQ(names(third.choose_new(uidls({"a", "c"}))), Names{"a"});
  PollState other(account(config::PollKind::pop3s, "kultur"), stored);
  EXPECT_EQ(names(other.choose_new(uidls({"c"}))), Names{"c"});
  keep(other, stored);
  PollState back(account(config::PollKind::pop3s, "kultur"), stored);
  EXPECT_EQ(names(back.choose_new(uidls({"c"}))), Names{"c"}) << "names of another user's mailbox are forgotten with it";
}

// Many messages: one more rewrites a small part; all that is stored stays in proportion to what lies at the server.
TEST(PollState, Pop3IsBounded) {
  Stored stored;
  Names all;
  for (int i = 0; i < 20'000; ++i) all.push_back("uidl-" + std::to_string(i));
  PollState state(account(config::PollKind::pop3s), stored);
  for (const auto& e : state.choose_new(uidls(all))) state.pass(e);
  keep(state, stored);
  std::size_t size = 0;
  for (const auto& [name, value] : stored) size += value.size();
  EXPECT_LT(size, 20'000u * 16 + 100);
  all.push_back("one more");
  for (const auto& e : state.choose_new(uidls(all))) state.pass(e);
  const auto marks = state.changed_marks();
  ASSERT_EQ(marks.size(), 1u);
  EXPECT_LT(marks[0].second.size(), 20'000u);
  PollState after(account(config::PollKind::pop3s), stored);
  EXPECT_TRUE(after.choose_new(uidls({})).empty());
  keep(after, stored);
  size = 0;
  for (const auto& [name, value] : stored) size += value.size();
  EXPECT_LT(size, 100u);
}

TEST(PollRecipients, TheMailboxesThatTheAddressesStandFor) {
  config::DeMailOptions options;
  options.accounts = {account(config::PollKind::imaps)};
  const auto of = [&](const char* header) {
    bool clean = false;
    const auto fields = mail::Header::parse_leniently(std::string(header) + "\r\n", clean);
    Names out;
    for (const auto& r : poll_recipients(options, options.accounts[0], fields)) {
      EXPECT_EQ(r.direction, policies::Direction::inbound);
      out.push_back(r.address.text() + " " + r.orcpt);
    }
    return out;
  };
  EXPECT_EQ(of("x-de-mail-chosen-recipient: to=amt53@stadt.de-mail.example, "
               "erika@anbieter.de-mail.example;cc=amt41@stadt.de-mail.example\r\n"),
            (Names{"amt53@stadt.example rfc822;amt53@stadt.de-mail.example",
                   "amt41@stadt.example rfc822;amt41@stadt.de-mail.example"}));
  EXPECT_EQ(of("x-de-mail-chosen-recipient: to=amt53@stadt.de-mail.example\r\nx-de-mail-actual-recipient: "
               "to=amt41@stadt.de-mail.example\r\n"),
            Names{"amt41@stadt.example rfc822;amt41@stadt.de-mail.example"});
  EXPECT_EQ(of("X-De-Mail-Actual-Recipient: to=x@stadt.de-mail.example,y@stadt.de-mail.example\r\n"),
            Names{"poststelle@stadt.example rfc822;x@stadt.de-mail.example"});
  // this copy is for one of them
  EXPECT_EQ(of("Envelope-to: amt41@stadt.de-mail.example\r\nx-de-mail-actual-recipient: "
               "to=amt53@stadt.de-mail.example,amt41@stadt.de-mail.example\r\n"),
            Names{"amt41@stadt.example rfc822;amt41@stadt.de-mail.example"});
  EXPECT_EQ(of("Envelope-to: a@b.de-mail.example\r\nx-de-mail-actual-recipient: to=amt53@stadt.de-mail.example\r\n"),
            Names{"amt53@stadt.example rfc822;amt53@stadt.de-mail.example"});
  for (const char* none :
       {"Subject: x\r\n", "x-de-mail-actual-recipient: to=a@b.de-mail.example\r\n", "x-de-mail-actual-recipient: quatsch\r\n"})
    EXPECT_EQ(of(none), Names{"poststelle@stadt.example "}) << none;
}

TEST(ArrivingLines, OnlyWhatSmtpWouldTake) {
  const auto fault_of = [](std::initializer_list<const char*> pieces) {
    ArrivingLines lines;
    for (const char* piece : pieces) lines.feed(piece);
    return lines.fault();
  };
  using Fault = ArrivingLines::Fault;
  EXPECT_EQ(fault_of({"a: b\r", "\n\r\n", "text\r\n"}), Fault::none);
  for (const char* bad : {"a\n", "a\rb\r\n", "a\r", "a\r\r\n", "\n"}) EXPECT_EQ(fault_of({bad}), Fault::bare_newline) << bad;
  EXPECT_EQ(fault_of({std::string(ArrivingLines::k_max_line + 1, 'x').c_str()}), Fault::line_too_long);
  ArrivingLines lines;
  lines.feed("a: b\r\nc: d\r\n\r\nnot: header");
  EXPECT_EQ(lines.header(), "a: b\r\nc: d\r\n\r\n");
  EXPECT_EQ(lines.finish(), "\r\n");
}

}  // namespace
}  // namespace pipeline
