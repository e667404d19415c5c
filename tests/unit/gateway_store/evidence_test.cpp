// What comes about a message is kept as it came, sealed, found again by its names, and outlives the message's rows.
#include "tests/unit/gateway_store/fixture.hpp"

namespace store {
namespace {

NewEvidence evidence(const base::EventId& eid, const base::MessageId& mid) {
  return {eid, mid, "receipt\n<1@anbieter>", "<letter@anbieter>", {{"message.eml", "Bestätigung geheim"}, {"chain.pem", "PEM"}}};
}

TEST_F(StoreTest, EvidenceOutlivesItsMessage) {
  base::MessageId mid;
  base::EventId eid;
  {
    auto s = *Store::open(options());
    NewMessage m = message();
    mid = m.mid;
    const auto id = m.id;
    ASSERT_TRUE(s->commit_and_wait(accept(std::move(m))));
    EXPECT_TRUE(s->evidence_of(mid)->empty());
    EXPECT_FALSE(*s->find_message_called("<letter@anbieter>"));
    Change c;
    c.updates.push_back(update(id, State::due, State::delivered));
    c.events.push_back(event(receipts::EventType::demail_receipt, mid));
    eid = c.events.back().eid;
    c.evidence.push_back(evidence(eid, mid));
    ASSERT_TRUE(s->commit_and_wait(std::move(c)));
    EXPECT_FALSE(*s->find_id(mid)) << "its rows are gone";
  }
  auto s = *Store::open(options());
  const auto kept = s->evidence_of(mid);
  ASSERT_TRUE(kept);
  ASSERT_EQ(kept->size(), 1u);
  EXPECT_EQ(kept->front().eid, eid);
  ASSERT_EQ(kept->front().files.size(), 2u);
  EXPECT_EQ(kept->front().files[1].name, "message.eml");
  EXPECT_EQ(kept->front().files[1].bytes, "Bestätigung geheim");
  EXPECT_EQ(*s->find_evidence("receipt\n<1@anbieter>"), std::vector{mid});
  EXPECT_TRUE(s->find_evidence("dispatch\n<1@anbieter>")->empty());
  EXPECT_EQ(*s->find_message_called("<letter@anbieter>"), mid);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(m_dir)) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = *base::read_file(entry.path(), base::mib(64));
    for (const char* marker : {"geheim", "<1@anbieter>", "<letter@anbieter>"}) EXPECT_EQ(bytes.find(marker), std::string::npos) << entry.path() << marker;
  }
}

TEST_F(StoreTest, EvidenceOfAMessageThatIsNotTouchedIsRefused) {
  auto s = *Store::open(options());
  NewMessage m = message(), other = message();
  const auto mid = m.mid;
  ASSERT_TRUE(s->commit_and_wait(accept(std::move(m))));
  Change c = accept(std::move(other));
  c.evidence.push_back(evidence(base::EventId::make(m_clock->now()), mid));
  EXPECT_EQ(s->commit_and_wait(std::move(c)).error().code, k_no_message);
  EXPECT_TRUE(s->evidence_of(mid)->empty());
}

// Two that read the same row: the second must read again.
TEST_F(StoreTest, AnUpdateOfAnOlderRowIsRefused) {
  auto s = *Store::open(options());
  NewMessage m = message();
  const auto id = m.id;
  ASSERT_TRUE(s->commit_and_wait(accept(std::move(m))));
  const auto due = (*s->load(id, false))->recipients[0].due;
  const auto change = [&](base::Timestamp to) {
    Change c;
    c.updates.push_back(update(id, State::due, State::due));
    c.updates.back().from_due = due;
    c.updates.back().due = to;
    return c;
  };
  ASSERT_TRUE(s->commit_and_wait(change(due + std::chrono::milliseconds{1})));
  EXPECT_EQ(s->commit_and_wait(change(due + std::chrono::milliseconds{2})).error().code, k_wrong_state);
  EXPECT_EQ((*s->load(id, false))->recipients[0].due, due + std::chrono::milliseconds{1});
}

}  // namespace
}  // namespace store
