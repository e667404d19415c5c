#include <gtest/gtest.h>

#include <algorithm>

#include "gateway/pipeline/day_count.hpp"
#include "gateway/pipeline/demail_in.hpp"

namespace pipeline {
namespace {

using demail::MessageType;
using store::State;

mail::Address address(const char* text) { return *mail::Address::parse(text); }

TEST(DeMailIn, PrivateIds) {
  const auto mid = base::MessageId::make(*base::parse_utc("2026-03-02T09:00:00.000Z"));
  const auto read = parse_private_id(mid.text() + ".17");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->mid, mid);
  EXPECT_EQ(read->group, 17u);
  for (const std::string& bad : {std::string(), mid.text(), mid.text() + ".", mid.text() + ".x", mid.text() + ".-1", mid.text() + ".123456",
                                 "x" + mid.text() + ".0", mid.text().substr(1) + ".0", mid.text() + ".0 ", mid.text() + "..0"})
    EXPECT_FALSE(parse_private_id(bad)) << bad;
}

demail::Evidence evidence(MessageType type, const std::string& envelope_to, const std::string& text) {
  demail::Evidence out;
  out.fields.type = type;
  out.confirmation.emplace();
  out.confirmation->text = text;
  if (!envelope_to.empty()) out.confirmation->metadata.push_back({"Envelope-to", envelope_to, ""});
  return out;
}

// Section 3.5.1: a receipt is about one recipient, whom the De-Mail's own fields do not single out.
TEST(DeMailIn, WhomItConcerns) {
  const std::vector<mail::Address> two = {address("max@b.de-mail.example"), address("erika@a.de-mail.example")}, one = {two[0]};
  const std::vector<std::size_t> none, first{0}, second{1}, both{0, 1};
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::dispatch, "", ""), two), both);
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::receipt, "", ""), one), first);
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::receipt, "", ""), two), none) << "guessed";
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::receipt, "Erika@a.de-mail.example", "Empfänger: max@b.de-mail.example"), two), second) << "the signed mailbox goes first";
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::receipt, "weiter@c.de-mail.example", "Empfänger: max@b.de-mail.example\nDatum"), two), first) << "forwarded";
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::notification, "", "Der Empfänger erika@a.de-mail.example."), two), second);
  EXPECT_EQ(whom_it_concerns(evidence(MessageType::notification, "", "max@b.de-mail.example und erika@a.de-mail.example"), two), none) << "both are named";
  for (const char* longer : {"xmax@b.de-mail.example", "max@b.de-mail.example.org", "klaus.max@b.de-mail.example"})
    EXPECT_EQ(whom_it_concerns(evidence(MessageType::receipt, "", longer), two), none) << longer;
  demail::Evidence nothing;
  nothing.fields.type = MessageType::notification;
  EXPECT_EQ(whom_it_concerns(nothing, two), none);
}

constexpr CarrierTimes k_times{std::chrono::hours{8}, std::chrono::minutes{30}, std::chrono::hours{24 * 90}};
const base::Timestamp k_now = *base::parse_utc("2026-03-02T09:00:00.000Z");

Addressee addressee(State state, demail::Options asked, Carried carried, base::Timestamp due = k_now + std::chrono::hours{5}) {
  Addressee a;
  a.record.address = address("max@b.de-mail.example");
  a.row.state = state;
  a.row.due = due;
  a.record.decision.demail = policies::DeMailChoice{"stadt", "amt53@stadt.de-mail.example", asked};
  a.record.carried = std::move(carried);
  return a;
}

// Every order of every confirmation that was asked for ends as delivered, with the last of them and not before.
TEST(DeMailIn, AnyOrderEndsTheSame) {
  const std::vector<demail::Options> wishes = {{.dispatch = true, .receipt = true}, {.dispatch = true, .receipt = true, .retrieve = true, .personal = true}};
  for (const demail::Options& asked : wishes) {
    std::vector<CarrierWord> words = {CarrierWord::dispatched, CarrierWord::received};
    if (asked.retrieve) words.push_back(CarrierWord::retrieved);
    do {
      Addressee a = addressee(State::submitted, asked, {});
      for (std::size_t i = 0; i < words.size(); ++i) {
        EXPECT_FALSE(is_known(*a.record.carried, words[i]));
        const Settlement s = settle_news(k_times, a, {words[i], "id", "hash"}, k_now);
        EXPECT_TRUE(s.update.from == State::submitted && s.update.from_due == a.row.due);
        EXPECT_EQ(s.update.to, i + 1 == words.size() ? State::delivered : State::submitted) << i;
        EXPECT_TRUE(i + 1 == words.size() || s.update.due != a.row.due) << "the row could not be told from the one before";
        ASSERT_TRUE(s.update.record);
        a.record = s.record;
        a.row.due = s.update.due;
        EXPECT_TRUE(is_known(*a.record.carried, words[i]));
        EXPECT_EQ(a.record.carried->message_id, "id");
      }
    } while (std::next_permutation(words.begin(), words.end()));
  }
}

TEST(DeMailIn, WhatIsHeardFromWhichState) {
  const demail::Options receipt{.dispatch = true, .receipt = true}, dispatch{.dispatch = true}, retrieve{.dispatch = true, .receipt = true, .retrieve = true};
  for (const State from : {State::submitted, State::unknown, State::held, State::due}) {
    const Settlement s = settle_news(k_times, addressee(from, receipt, {}), {CarrierWord::dispatched, "", ""}, k_now);
    EXPECT_TRUE(store::may_follow(from, s.update.to)) << store::name_of(from);
    EXPECT_EQ(s.update.to, State::submitted);
    // what was submitted keeps the hour at which it is overdue; what nobody knew of gets one
    EXPECT_EQ(s.update.due, from == State::submitted ? k_now + std::chrono::hours{5} + std::chrono::milliseconds{1} : k_now + k_times.overdue);
    const Settlement lost = settle_news(k_times, addressee(from, receipt, {}), {CarrierWord::lost, "", ""}, k_now);
    EXPECT_TRUE(lost.update.to == State::failed && store::may_follow(from, lost.update.to));
  }
  // notifications have their time where no receipt will come
  const Settlement alone = settle_news(k_times, addressee(State::submitted, dispatch, {}), {CarrierWord::dispatched, "", ""}, k_now);
  EXPECT_TRUE(alone.update.to == State::submitted && alone.update.due == k_now + k_times.overdue);
  EXPECT_TRUE(has_arrived(alone.record));
  const Settlement lies = settle_news(k_times, addressee(State::submitted, retrieve, {.dispatched = true}), {CarrierWord::received, "", ""}, k_now);
  EXPECT_TRUE(lies.update.to == State::submitted && lies.update.due == k_now + k_times.retrieve);
  EXPECT_TRUE(contradicts({.received = true}, CarrierWord::lost));
  EXPECT_FALSE(contradicts({.dispatched = true}, CarrierWord::lost));
}

TEST(DeMailIn, WhatHasArrivedIsNotOverdue) {
  const demail::Options receipt{.dispatch = true, .receipt = true};
  const config::RetryOptions retry;
  EXPECT_EQ(settle_overdue(retry, addressee(State::submitted, receipt, {.received = true}), k_now).update.to, State::delivered);
  const Settlement waits = settle_overdue(retry, addressee(State::submitted, receipt, {.dispatched = true}), k_now);
  EXPECT_EQ(waits.update.to, State::submitted);
  EXPECT_EQ(waits.notice, mail::ReportKind::overdue);
  EXPECT_EQ(waits.update.overdue, true);
  // a weaker word changes nothing; what it waited for does
  EXPECT_EQ(settle_news(k_times, addressee(State::submitted, receipt, {}), {CarrierWord::dispatched, "", ""}, k_now).update.overdue, std::nullopt);
  EXPECT_EQ(settle_news(k_times, addressee(State::submitted, receipt, {}), {CarrierWord::received, "", ""}, k_now).update.overdue, false);
}

TEST(DeMailIn, WhatIsRememberedComesBack) {
  RecipientRecord record;
  record.address = address("max@b.de-mail.example");
  EXPECT_FALSE(decode_recipient(encode(record))->carried);
  record.carried = Carried{7, true, false, true, "<1@a.de-mail.example>", "v=1; a=sha256"};
  EXPECT_EQ(decode_recipient(encode(record))->carried, record.carried);
}

TEST(DeMailIn, DayCounts) {
  config::DeMailAccountOptions account;
  account.messages_a_day = 2;
  account.recipients_a_day = 5;
  const auto first = with_one_more({}, account, 3, "2026-03-02");
  ASSERT_TRUE(first);
  EXPECT_EQ(decode_day_count(encode(*first)), *first);
  EXPECT_FALSE(with_one_more(*first, account, 3, "2026-03-02")) << "recipients";
  const auto second = with_one_more(*first, account, 2, "2026-03-02");
  ASSERT_TRUE(second);
  EXPECT_FALSE(with_one_more(*second, account, 0, "2026-03-02")) << "messages";
  EXPECT_EQ(*with_one_more(*second, account, 1, "2026-03-03"), (DayCount{"2026-03-03", 1, 1}));
  EXPECT_EQ(with_one_less(*second, 2, "2026-03-02"), *first);
  EXPECT_EQ(with_one_less(*second, 2, "2026-03-03"), *second) << "of another day";
  account.messages_a_day = account.recipients_a_day = 0;
  EXPECT_TRUE(with_one_more({"2026-03-02", 1000000, 1000000}, account, 1, "2026-03-02"));
  for (const char* bad : {"", "x", "2026-03-02", "2026-03-02 1", "2026-03-02 1 x", "2026-03-02 -1 1"}) EXPECT_EQ(decode_day_count(bad), DayCount{}) << bad;
}

}  // namespace
}  // namespace pipeline
