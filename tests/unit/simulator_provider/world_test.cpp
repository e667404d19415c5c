// The two providers with a clock of the test's own: what comes when, what a day allows, who may delete.
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "simulator/provider/world.hpp"

namespace simulator {
namespace {

class TestClock : public base::Clock {
 public:
  base::Timestamp now() const override { return time; }
  base::Steady steady() const override { return base::Steady{time.time_since_epoch()}; }
  base::Timestamp time = base::system_clock().now();
};

class WorldTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    char name[] = "/tmp/amtsbote-world-XXXXXX";
    s_directory = ::mkdtemp(name);
    s_pki = *open_pki(s_directory, default_accounts(), base::system_clock().now());
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(s_directory); }

  WorldTest() {
    std::filesystem::remove(s_directory / "journal");
    m_journal = *Journal::open(s_directory / "journal", m_clock);
    WorldSettings settings;
    settings.issue = {Hash::sha256, Scheme::ec_dsa, &s_pki};
    m_world.emplace(std::move(settings), Directory(default_accounts(), {"de-mail.example"}), *m_journal, m_clock);
  }

  const Account& account(const char* name) { return *m_world->directory.find_login(name); }
  std::optional<Refusal> submit(const std::string& options, const std::string& to = "info@firma.de-mail.example",
                                demail::AuthLevel level = demail::AuthLevel::high) {
    const std::string message =
        "From: amt@stadt.de-mail.example\r\nTo: " + to + "\r\nSubject: x\r\nMessage-ID: <1@x>\r\n" + options + "\r\nText\r\n";
    const Envelope envelope{*mail::Address::parse("amt@stadt.de-mail.example"), {*mail::Address::parse(to)}};
    return m_world->submit({&account("stadt"), level, "Test"}, envelope, message, "250");
  }
  std::size_t stored(const char* name) { return m_world->mailbox(account(name)).messages().size(); }
  std::string journal() {
    std::ifstream in(s_directory / "journal");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  static inline base::fs::path s_directory;
  static inline Pki s_pki;
  TestClock m_clock;
  std::unique_ptr<Journal> m_journal;
  std::optional<World> m_world;
};

const std::string k_dispatch = "x-de-mail-confirmation-of-dispatch: yes\r\n",
                  k_receipt = "x-de-mail-confirmation-of-receipt: yes\r\n",
                  k_retrieve = "x-de-mail-confirmation-of-retrieve: yes\r\n";

TEST_F(WorldTest, WhatIsLateComesInItsTime) {
  m_world->settings.misbehaviour = *parse_misbehaviour({}, "late=100 delay=60000");
  EXPECT_FALSE(submit(k_dispatch));
  EXPECT_EQ(stored("stadt"), 0u);
  EXPECT_EQ(*m_world->run(), m_clock.time + std::chrono::minutes(1));
  m_clock.time += std::chrono::milliseconds(59'999);
  EXPECT_TRUE(m_world->run());
  EXPECT_EQ(stored("stadt"), 0u);
  m_clock.time += std::chrono::milliseconds(1);
  EXPECT_FALSE(m_world->run());
  EXPECT_EQ(stored("stadt"), 1u);
}

TEST_F(WorldTest, ADayAtTheLevelNormalHasLimits) {
  m_world->settings.messages_a_day = 2;
  EXPECT_FALSE(submit("", "info@firma.de-mail.example", demail::AuthLevel::normal));
  EXPECT_FALSE(submit("", "info@firma.de-mail.example", demail::AuthLevel::normal));
  EXPECT_EQ(submit("", "info@firma.de-mail.example", demail::AuthLevel::normal)->why, Refused::quota);
  EXPECT_FALSE(submit(""));
  m_clock.time += std::chrono::days(1);
  EXPECT_FALSE(submit("", "info@firma.de-mail.example", demail::AuthLevel::normal));
}

TEST_F(WorldTest, RetrieveIsConfirmedOnceAndToTheSender) {
  EXPECT_FALSE(submit(k_retrieve));
  EXPECT_EQ(m_world->log_in(account("firma"), demail::AuthLevel::normal), 0u);
  EXPECT_EQ(m_world->log_in(account("firma"), demail::AuthLevel::high), 1u);
  EXPECT_EQ(m_world->log_in(account("firma"), demail::AuthLevel::high), 0u);
  // the confirmation, and its copy for the recipient
  ASSERT_EQ(stored("stadt"), 1u);
  EXPECT_EQ(stored("firma"), 2u);
  EXPECT_TRUE(m_world->mailbox(account("stadt")).messages()[0].is_personal);
}

TEST_F(WorldTest, NinetyDaysNobodyDeletesAtTheLevelNormal) {
  EXPECT_FALSE(submit(k_receipt));
  const Mailbox& box = m_world->mailbox(account("firma"));
  const Stored& message = box.messages().front();
  EXPECT_FALSE(box.may_delete(message, demail::AuthLevel::normal, m_clock.time + std::chrono::days(89)));
  EXPECT_TRUE(box.may_delete(message, demail::AuthLevel::normal, m_clock.time + std::chrono::days(90)));
  EXPECT_TRUE(box.may_delete(message, demail::AuthLevel::high, m_clock.time));
}

TEST_F(WorldTest, PushedMessagesAreTakenInTheirOrderAndAgainAfterAFailure) {
  m_world->has_push_target = true;
  EXPECT_FALSE(submit(k_dispatch));
  EXPECT_FALSE(submit(k_dispatch));
  auto first = m_world->next_push();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->from.text(), "Versandbestaetigung@anbieter-a.de-mail.example");
  EXPECT_EQ(m_world->unpushed(), 2u);
  const std::string id = first->id;
  m_world->push_failed(*std::move(first), "away", std::chrono::seconds(5));
  auto second = m_world->next_push();
  ASSERT_TRUE(second);
  EXPECT_NE(second->id, id);
  m_world->push_done(*second, "250");
  EXPECT_FALSE(m_world->next_push());
  m_clock.time += std::chrono::seconds(5);
  auto again = m_world->next_push();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->id == id && again->attempts == 2);
  m_world->push_refused(*again, "550");
  EXPECT_EQ(stored("stadt"), 1u);
  EXPECT_EQ(m_world->unpushed(), 0u);
  for (const char* event : {"\"queued\"", "\"push_failed\"", "\"pushed\"", "\"push_refused\""})
    EXPECT_NE(journal().find(event), std::string::npos) << event;
}

TEST_F(WorldTest, UnauthorisedDraftsLeaveNothing) {
  const Envelope envelope{*mail::Address::parse("amt@stadt.de-mail.example"),
                          {*mail::Address::parse("info@firma.de-mail.example")}};
  EXPECT_EQ(m_world->submit({}, envelope, "From: amt@stadt.de-mail.example\r\n\r\n", "250")->why, Refused::not_logged_in);
  m_world->settings.refuse_by_message = true;
  // nobody is there who could be told
  EXPECT_EQ(m_world->submit({}, envelope, "From: amt@stadt.de-mail.example\r\n\r\n", "250")->why, Refused::not_logged_in);
  EXPECT_EQ(stored("firma"), 0u);
  EXPECT_EQ(journal().find("\"letter\""), std::string::npos);
}

}  // namespace
}  // namespace simulator
