#include <gtest/gtest.h>

#include "gateway/pipeline/access.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "gateway/pipeline/settle.hpp"
#include "mail/message/inspect.hpp"

namespace pipeline {
namespace {

using policies::Outcome;

RecipientRecord recipient(const char* address, Outcome outcome = Outcome::deliver) {
  RecipientRecord r;
  r.address = *mail::Address::parse(address);
  r.decision.outcome = outcome;
  r.decision.reason = outcome == Outcome::refuse ? policies::Reason::no_key : policies::Reason::none;
  r.decision.rule = "Gesundheitsdaten";
  return r;
}

TEST(Record, RoundTrip) {
  MessageRecord m;
  m.origin = {policies::ListenerRole::submission, "[::]:587", policies::Proof::account, "amt53", "gesundheitsamt"};
  m.reverse_path = *mail::Address::parse("amt53@stadt.example");
  m.parameters.envid = "x+y";
  m.parameters.ret_full = false;
  m.subject = "Grüße \"und\" \\ mehr\n";
  m.receipt = base::EventId::make(base::Timestamp{});
  m.own_notice = true;
  const auto again = decode_message(encode(m));
  ASSERT_TRUE(again);
  EXPECT_EQ(encode(*again), encode(m));
  EXPECT_EQ(again->subject, m.subject);
  EXPECT_EQ(again->reverse_path, m.reverse_path);

  RecipientRecord r = recipient("jürgen@x.example");
  r.notify = {smtp::Notify::success, smtp::Notify::delay};
  r.orcpt = "rfc822;a@x.example";
  r.expires = base::Timestamp{std::chrono::milliseconds{1234567}};
  const auto read = decode_recipient(encode(r));
  ASSERT_TRUE(read);
  EXPECT_EQ(encode(*read), encode(r));
  EXPECT_EQ(read->address, r.address);
  EXPECT_EQ(read->notify, r.notify);
  for (const char* bad : {"", "{}", "[]", "{\"v\":2}", "null"}) {
    EXPECT_FALSE(decode_message(bad)) << bad;
    EXPECT_FALSE(decode_recipient(bad)) << bad;
  }
}

TEST(ReplyTable, EveryRefusalHasExactlyOneRow) {
  for (int i = 0; i <= static_cast<int>(Refusal::internal); ++i) {
    const auto refusal = static_cast<Refusal>(i);
    const ReplyRow& row = row_of(refusal);
    EXPECT_EQ(row.refusal, refusal);
    EXPECT_EQ(row.enhanced[0], static_cast<char>('0' + row.code / 100));
    EXPECT_TRUE(row.kind == Kind::temporary || row.kind == Kind::internal ? row.code < 500 : row.code >= 500) << row.word;
    // strangers hear nothing of keys, rules or addresses
    const auto stranger = reply_for_stranger(refusal);
    for (const auto& line : stranger.lines) {
      EXPECT_EQ(line.find("rule"), std::string::npos);
      EXPECT_EQ(line.find("key"), std::string::npos);
    }
  }
}

// {deliver, refuse, hold, later} for two recipients: the reply for the whole message
TEST(Combine, MixedDecisions) {
  const Outcome all[] = {Outcome::deliver, Outcome::refuse, Outcome::hold, Outcome::later};
  for (const Outcome a : all)
    for (const Outcome b : all) {
      const char* word = "";
      const auto reply = combine({recipient("a@x.example", a), recipient("b@x.example", b)}, true, "de", word);
      if (a == Outcome::refuse || b == Outcome::refuse) {
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->code, 550);
        EXPECT_EQ(reply->lines.size(), (a == b ? 2u : 1u) * 2);
      } else if (a == Outcome::later || b == Outcome::later) {
        ASSERT_TRUE(reply);
        EXPECT_EQ(reply->code, 451);
      } else {
        EXPECT_FALSE(reply);
      }
    }
}

config::RetryOptions retry() {
  config::RetryOptions r;
  r.first = std::chrono::minutes(1);
  r.most = std::chrono::minutes(30);
  r.growth = 2;
  r.expiry = std::chrono::hours(48);
  r.delay_notice = std::chrono::hours(1);
  r.hold_expiry = std::chrono::hours(120);
  return r;
}

struct SettleRow {
  smtp::client::OutcomeKind kind;
  int hours;                                  // since the message came
  std::set<smtp::Notify> notify;
  bool may_notify;
  store::State to;
  std::optional<mail::ReportKind> notice;
};

TEST(Settle, Table) {
  using smtp::Notify;
  using smtp::client::OutcomeKind;
  using mail::ReportKind;
  using store::State;
  const SettleRow rows[] = {
      {OutcomeKind::ok, 0, {}, true, State::delivered, std::nullopt},
      {OutcomeKind::ok, 0, {Notify::success}, true, State::delivered, ReportKind::sent},
      {OutcomeKind::ok, 0, {Notify::success}, false, State::delivered, std::nullopt},
      {OutcomeKind::permanent, 0, {}, true, State::failed, ReportKind::failed},
      {OutcomeKind::permanent, 0, {Notify::never}, true, State::failed, std::nullopt},
      {OutcomeKind::permanent, 0, {}, false, State::failed, std::nullopt},
      {OutcomeKind::temporary, 0, {}, true, State::due, std::nullopt},
      {OutcomeKind::temporary, 2, {}, true, State::due, ReportKind::delayed},
      {OutcomeKind::temporary, 2, {Notify::failure}, true, State::due, std::nullopt},
      {OutcomeKind::temporary, 49, {}, true, State::failed, ReportKind::failed},
      {OutcomeKind::unknown, 0, {}, true, State::due, std::nullopt},
      {OutcomeKind::unknown, 49, {}, true, State::failed, ReportKind::failed},
  };
  const base::Timestamp received{std::chrono::hours{1000}};
  for (const SettleRow& row : rows) {
    Addressee a{{}, recipient("a@x.example")};
    a.record.notify = row.notify;
    a.record.expires = received + std::chrono::hours(48);
    SettleInput in{a, store::State::in_flight, {}, received, received + std::chrono::hours(row.hours), 500, row.may_notify};
    in.outcome.kind = row.kind;
    const auto out = settle(retry(), in);
    EXPECT_EQ(out.update.to, row.to);
    EXPECT_EQ(out.notice, row.notice);
    EXPECT_TRUE(store::may_follow(out.update.from, out.update.to));
  }
}

TEST(Settle, BackOffGrowsIsCappedAndNeverPassesTheExpiry) {
  const base::Timestamp now{std::chrono::hours{1000}};
  std::chrono::milliseconds last{0};
  for (std::uint32_t attempts = 0; attempts < 12; ++attempts)
    for (const std::uint32_t jitter : {0u, 500u, 999u}) {
      Addressee a{{}, recipient("a@x.example")};
      a.row.attempts = attempts;
      a.record.expires = now + std::chrono::hours(48);
      SettleInput in{a, store::State::in_flight, {}, now, now, jitter, true};
      const auto wait = settle(retry(), in).update.due - now;
      EXPECT_GE(wait, std::chrono::seconds(54));
      EXPECT_LE(wait, std::chrono::minutes(33));
      if (jitter == 500) {
        EXPECT_GE(wait, last);
        last = wait;
      }
    }
  EXPECT_EQ(last, std::chrono::minutes(30));
}

// What a carrier took is not delivered; what it may have taken is never sent again, and never fails by the passing of time.
TEST(Settle, OfADeMail) {
  using smtp::client::OutcomeKind;
  using store::State;
  const base::Timestamp now{std::chrono::hours{1000}};
  Addressee a{{}, recipient("a@x.de-mail.example")};
  a.record.expires = now + std::chrono::hours(1);
  const CarrierTimes times{std::chrono::hours(8), std::chrono::minutes(30)};
  const struct {
    OutcomeKind kind;
    State to;
    std::chrono::milliseconds due;
  } rows[] = {{OutcomeKind::ok, State::submitted, times.overdue}, {OutcomeKind::unknown, State::unknown, times.uncertain}, {OutcomeKind::permanent, State::failed, {}}};
  for (const auto& row : rows) {
    // also long after the expiry
    for (const int hours : {0, 100}) {
      const base::Timestamp then = now + std::chrono::hours(hours);
      SettleInput in{a, State::in_flight, {}, now, then, 500, true};
      in.outcome.kind = row.kind;
      in.carrier = times;
      const auto out = settle(retry(), in);
      EXPECT_EQ(out.update.to, row.to);
      EXPECT_EQ(out.update.due, then + row.due);
      EXPECT_TRUE(store::may_follow(State::in_flight, out.update.to));
    }
  }
  a.row.state = State::submitted;
  const auto overdue = settle_overdue(retry(), a, now);
  EXPECT_EQ(overdue.update.to, State::submitted);
  EXPECT_EQ(overdue.notice, mail::ReportKind::overdue);
  const auto again = settle_overdue(retry(), Addressee{a.row, overdue.record}, now + std::chrono::hours(24));
  EXPECT_EQ(again.update.to, State::submitted);
  EXPECT_EQ(again.notice, std::nullopt);  // the sender is told once
  a.row.state = State::unknown;
  const auto uncertain = settle_overdue(retry(), a, now);
  EXPECT_EQ(uncertain.update.to, State::held);
  EXPECT_EQ(uncertain.notice, mail::ReportKind::uncertain);
  EXPECT_GT(uncertain.update.due, now + std::chrono::hours(24 * 365));
  EXPECT_TRUE(store::may_follow(State::unknown, State::held));
}

TEST(Access, Patterns) {
  const auto address = *mail::Address::parse("Amt53@Stadt.Example");
  EXPECT_TRUE(covers("amt53@stadt.example", address));
  EXPECT_TRUE(covers("*@stadt.example", address));
  EXPECT_FALSE(covers("*@gesundheit.stadt.example", address));
  EXPECT_FALSE(covers("amt5@stadt.example", address));
  EXPECT_FALSE(covers("*@tadt.example", address));
}

}  // namespace
}  // namespace pipeline
