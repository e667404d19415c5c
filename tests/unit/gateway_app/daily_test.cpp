// The daily mail with a clock of its own.
#include <cstdlib>
#include <ctime>

#include "gateway/pipeline/daily.hpp"
#include "tests/unit/gateway_app/site.hpp"

namespace app {
namespace {

class HandClock : public base::Clock {
 public:
  explicit HandClock(const char* utc) { set(utc); }
  void set(const char* utc) { m_now = *base::parse_utc(utc); }
  base::Timestamp now() const override { return m_now; }
  base::Steady steady() const override { return base::system_clock().steady(); }

 private:
  base::Timestamp m_now{};
};

class DailyTest : public Site {
 protected:
  DailyTest() {
    ::setenv("TZ", "Europe/Berlin", 1);
    ::tzset();
  }
  void configure(const std::string& reports) { put("amtsbote.toml", std::string(k_config) + reports); }
  static std::size_t send(pipeline::Context& context, std::vector<pipeline::EndingLine> endings = {}) {
    const auto sent = pipeline::send_daily(context, [&] { return endings; });
    EXPECT_TRUE(sent) << (sent ? "" : sent.error().describe());
    return sent.value_or(999);
  }
};

TEST_F(DailyTest, TheDayIsTheSites) {
  const auto day = [](const char* utc, int minute, const char* last) { return pipeline::find_due_day(*base::parse_utc(utc), minute, last).value_or("-"); };
  EXPECT_EQ(day("2026-11-24T23:30:00.000Z", 0, "2026-11-24"), "2026-11-25");   // half past midnight in Berlin
  EXPECT_EQ(day("2026-11-25T04:59:59.000Z", 360, "2026-11-24"), "-");          // 05:59:59
  EXPECT_EQ(day("2026-11-25T05:00:00.000Z", 360, "2026-11-24"), "2026-11-25");
  EXPECT_EQ(day("2026-11-25T22:00:00.000Z", 360, "2026-11-25"), "-");
  EXPECT_EQ(day("2026-11-24T22:00:00.000Z", 360, "2026-11-25"), "-");          // the clock went back a day
  EXPECT_EQ(day("2026-07-01T04:00:00.000Z", 360, ""), "2026-07-01");           // summer time
}

TEST_F(DailyTest, OnceADayAcrossRestarts) {
  configure("[reports]\nadministrators = [\"a@stadt.example\", \"b@stadt.example\"]\nauditors = \"c@stadt.example\"\nat = \"06:00\"\nalways = true\n");
  HandClock clock("2026-11-25T04:00:00.000Z");
  const auto sent_now = [&] {
    auto local = LocalStore::open(options());
    EXPECT_TRUE(local);
    pipeline::Context& context = (*local)->live().context();
    context.clock = &clock;
    const std::size_t first = send(context);
    EXPECT_EQ(send(context), 0U);  // and not again in the same run
    return first;
  };
  EXPECT_EQ(sent_now(), 0U);
  clock.set("2026-11-25T05:01:00.000Z");
  EXPECT_EQ(sent_now(), 3U);
  EXPECT_EQ(sent_now(), 0U);
  clock.set("2026-11-26T05:01:00.000Z");
  EXPECT_EQ(sent_now(), 3U);
}

TEST_F(DailyTest, AQuietDayHasNoDigest) {
  configure("[reports]\nadministrators = \"a@stadt.example\"\nat = \"00:00\"\n");
  HandClock clock("2026-11-25T12:00:00.000Z");
  auto local = LocalStore::open(options());
  ASSERT_TRUE(local);
  pipeline::Context& context = (*local)->live().context();
  context.clock = &clock;
  EXPECT_EQ(send(context), 0U);
  clock.set("2026-11-26T12:00:00.000Z");
  EXPECT_EQ(send(context, {{"TLS certificate \"gw\"", clock.now() + std::chrono::hours(24)}}), 1U);
  clock.set("2026-11-27T12:00:00.000Z");
  store_held((*local)->live());
  EXPECT_EQ(send(context), 1U);
}

TEST_F(DailyTest, TheDigestNamesWhatWaitsAndNobody) {
  pipeline::DigestFacts facts;
  facts.now = *base::parse_utc("2026-11-25T12:00:00.000Z");
  EXPECT_EQ(pipeline::compose_digest(facts, false), "There is nothing to do.\n");
  facts.held = 2;
  facts.unopened = 3;
  store::MessageRow row;
  row.mid = base::MessageId::make(facts.now);
  row.received = facts.now;
  store::RecipientRow recipient;
  recipient.reason = static_cast<int>(policies::Reason::no_key);
  row.recipients.push_back(recipient);
  facts.held_rows.push_back(std::move(row));
  facts.endings = {{"TLS certificate \"gw\"", facts.now - std::chrono::hours(1)}};
  const std::string text = pipeline::compose_digest(facts, false);
  for (const char* part : {"2 recipients are held", "no_key", "and more", "3 encrypted messages", "TLS certificate \"gw\": ended on 2026-11-25 12:00:00 CET"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
}

}  // namespace
}  // namespace app
