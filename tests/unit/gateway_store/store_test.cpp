#include "tests/unit/gateway_store/fixture.hpp"

#include <set>
#include <thread>

#include <sqlite3.h>

#include "receipts/log/balance.hpp"
#include "receipts/log/epoch.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/log/tiles.hpp"

namespace store {
namespace {

TEST_F(StoreTest, AcceptLoadDeliverClose) {
  auto opened = Store::open(options());
  ASSERT_TRUE(opened) << opened.error().describe();
  Store& s = **opened;
  auto m = message();
  const auto mid = m.mid;
  ASSERT_TRUE(s.commit_and_wait(accept(std::move(m))));
  const auto due = s.find_due(base::system_clock().now(), {}, 10);
  ASSERT_EQ(due->due.size(), 1u);
  const auto row = s.load(due->due.front().id, true);
  ASSERT_TRUE(row && *row);
  EXPECT_EQ(*base::read_all(*(*row)->body, base::mib(1)), "Befund geheim");
  EXPECT_EQ((*row)->record, "Umschlag von amt53@stadt.example");
  EXPECT_EQ((*row)->recipients.front().record, "an a@x.example");
  EXPECT_EQ(*s.find_id(mid), (*row)->id);
  EXPECT_EQ(s.counters()->due, 1u);

  Change attempt;
  attempt.updates.push_back(update((*row)->id, State::due, State::in_flight));
  attempt.events.push_back(event(receipts::EventType::relay_attempt, mid));
  ASSERT_TRUE(s.commit_and_wait(std::move(attempt)));
  Change settle;
  settle.updates.push_back(update((*row)->id, State::in_flight, State::delivered));
  settle.events.push_back(event(receipts::EventType::relay_ok, mid));
  ASSERT_TRUE(s.commit_and_wait(std::move(settle)));
  EXPECT_FALSE(*s.load((*row)->id, false));
  EXPECT_FALSE(*s.find_id(mid));
  EXPECT_EQ(s.counters()->messages, 0u);

  const auto leaves = s.leaves_of(mid);
  ASSERT_EQ(leaves->size(), 4u);  // accept, attempt, ok, closed
  std::optional<base::Sha256Digest> prev;
  for (std::size_t i = 0; i < leaves->size(); ++i) {
    const auto parsed = receipts::parse_leaf((*leaves)[i].bytes);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->link.mseq, i + 1);
    EXPECT_EQ(parsed->link.prev, prev);
    prev = parsed->hash;
    for (const auto& d : (*leaves)[i].disclosures) EXPECT_TRUE(receipts::belongs_to(*parsed, d));
  }
  EXPECT_EQ(receipts::parse_leaf(leaves->back().bytes)->event.type, receipts::EventType::msg_closed);
  EXPECT_EQ((*leaves)[0].disclosures.size(), 1u);
  const auto eid = receipts::parse_leaf((*leaves)[2].bytes)->eid;
  EXPECT_EQ(*s.find_event(eid), std::optional((*leaves)[2].index));
  EXPECT_EQ(s.search({{"a@x.example"}, {}, {}, {}, 10})->size(), 1u);
  EXPECT_EQ(s.search({{"b@x.example"}, {}, {}, {}, 10})->size(), 0u);
  ASSERT_TRUE(s.publish_now());
  EXPECT_EQ(*receipts::published_size(s.log_directory() / receipts::epoch_of(s.verifier_key().name)), 5u);  // and log.open
}

TEST_F(StoreTest, WhatIsDueComesInPartsWithNothingLeftOut) {
  auto s = Store::open(options());
  ASSERT_TRUE(s);
  const auto now = base::system_clock().now();
  std::set<std::int64_t> all;
  Change change;
  for (int i = 0; i < 40; ++i) {
    auto m = message("x", 1 + i % 4);
    // several share a moment, in another order than that of their ids
    for (auto& r : m.recipients) r.due = now - std::chrono::milliseconds(i * 7 % 5);
    all.insert(m.id);
    change.events.push_back(event(receipts::EventType::msg_accept, m.mid));
    change.inserts.push_back(std::move(m));
  }
  ASSERT_TRUE((*s)->commit_and_wait(std::move(change)));
  for (const std::size_t limit : {1u, 3u, 7u, 1000u}) {
    std::set<std::int64_t> seen;
    std::optional<Due> after;
    base::Timestamp last{};
    while (true) {
      const auto lot = (*s)->find_due(now, after, limit);
      ASSERT_TRUE(lot);
      for (const Due& d : lot->due) {
        EXPECT_GE(d.due, last);
        EXPECT_TRUE(seen.insert(d.id).second) << d.id << " twice, limit " << limit;
        after = d;
        last = d.due;
      }
      if (lot->is_last) break;
      ASSERT_FALSE(lot->due.empty());
    }
    EXPECT_EQ(seen, all) << limit;
  }
  EXPECT_TRUE((*s)->find_due(now - std::chrono::seconds(1), {}, 10)->due.empty());
}

TEST_F(StoreTest, NoClearTextAtRest) {
  {
    auto s = Store::open(options());
    for (int i = 0; i < 20; ++i) ASSERT_TRUE((*s)->commit_and_wait(accept(message())));
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(m_dir)) {
    if (!entry.is_regular_file()) continue;
    const auto bytes = *base::read_file(entry.path(), base::mib(64));
    for (const char* marker : {"geheim", "amt53", "a@x.example", "YW10NTM"}) EXPECT_EQ(bytes.find(marker), std::string::npos) << entry.path() << marker;
  }
}

TEST_F(StoreTest, WrongArrowsAreRefusedAndChangeNothing) {
  auto s = Store::open(options());
  ASSERT_TRUE((*s)->commit_and_wait(accept(message())));
  const auto id = (*s)->find_due(base::system_clock().now(), {}, 1)->due.front().id;
  const auto before = (*s)->counters()->log_size;
  const State all[] = {State::held, State::due, State::in_flight, State::unknown, State::delivered, State::failed, State::cancelled, State::submitted};
  for (const State from : all)
    for (const State to : all) {
      if (from == State::due && may_follow(from, to)) continue;
      Change c;
      c.updates.push_back(update(id, from, to));
      c.events.push_back(event(receipts::EventType::relay_ok, std::nullopt));
      EXPECT_EQ((*s)->commit_and_wait(std::move(c)).error().code, k_wrong_state) << name_of(from) << name_of(to);
    }
  EXPECT_EQ((*s)->counters()->log_size, before);
  EXPECT_EQ((*s)->counters()->due, 1u);
}

TEST_F(StoreTest, OneBadChangeDoesNotHurtItsNeighbours) {
  auto s = Store::open(options());
  std::vector<std::thread> threads;
  std::atomic<int> good = 0, bad = 0;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        Change c = accept(message());
        if ((t + i) % 10 == 0) c.updates.push_back(update(999999, State::due, State::failed));
        ((*s)->commit_and_wait(std::move(c)) ? good : bad)++;
      }
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(bad, 40);
  EXPECT_EQ(good, 360);
  EXPECT_EQ((*s)->counters()->messages, 360u);
  EXPECT_EQ((*s)->counters()->log_size, 361u);
  ASSERT_TRUE((*s)->publish_now());
}

TEST_F(StoreTest, StartRefuses) {
  { ASSERT_TRUE((*Store::open(options()))->commit_and_wait(accept(message()))); }
  {
    auto first = Store::open(options());
    EXPECT_EQ(Store::open(options()).error().code, k_locked);
  }
  EXPECT_EQ(Store::open(options('x')).error().code, k_foreign_key);
  EXPECT_EQ(Store::open(options('r', 'x')).error().code, k_foreign_key);
  // an old database under newer tiles
  std::filesystem::copy_file(m_dir / "store.sqlite", m_dir / "old");
  { ASSERT_TRUE((*Store::open(options()))->commit_and_wait(accept(message()))); }
  std::filesystem::remove(m_dir / "store.sqlite-wal");
  std::filesystem::rename(m_dir / "old", m_dir / "store.sqlite");
  EXPECT_EQ(Store::open(options()).error().code, k_rollback);
}

TEST_F(StoreTest, NewerSchemaIsRefused) {
  { ASSERT_TRUE(Store::open(options())); }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((m_dir / "store.sqlite").c_str(), &db), SQLITE_OK);
  sqlite3_exec(db, "PRAGMA user_version=99", nullptr, nullptr, nullptr);
  sqlite3_close(db);
  const auto s = Store::open(options());
  EXPECT_EQ(s.error().code, k_newer_schema);
  EXPECT_NE(s.error().detail.find("99"), std::string::npos);
}

TEST_F(StoreTest, LostTilesAreMadeAgain) {
  {
    auto s = Store::open(options());
    for (int i = 0; i < 300; ++i) ASSERT_TRUE((*s)->commit_and_wait(accept(message())));
  }
  std::filesystem::remove_all(m_dir / "log");
  auto s = Store::open(options());
  ASSERT_TRUE(s) << s.error().describe();
  ASSERT_TRUE((*s)->publish_now());
  EXPECT_EQ(*receipts::published_size(m_dir / "log" / receipts::epoch_of((*s)->verifier_key().name)), 301u);
}

TEST_F(StoreTest, SpoolFilesWithoutRowAreSwept) {
  {
    auto s = Store::open(options());
    auto m = message();
    auto file = (*s)->create_spool_file(m.mid, m.key);
    ASSERT_TRUE((*file)->write(std::string(300000, 'x')));
    ASSERT_TRUE((*file)->finish());
    ASSERT_TRUE((*file)->sync());
    m.body = {{}, Store::spool_name(m.mid), 300000};
    ASSERT_TRUE((*s)->commit_and_wait(accept(std::move(m))));
    auto orphan = (*s)->create_spool_file(base::MessageId::make({}), crypto::seal::make_message_key());
    ASSERT_TRUE(orphan);
  }
  auto s = Store::open(options());
  EXPECT_EQ(base::list_directory(m_dir / "spool")->size(), 1u);
  const auto row = (*s)->load((*s)->find_due(base::system_clock().now(), {}, 1)->due.front().id, true);
  EXPECT_EQ(base::read_all(*(*row)->body, base::mib(1))->size(), 300000u);
}

// the daily balance counts what stands before it, whatever else is in its batch, and a rollback does not count
TEST_F(StoreTest, BalanceHolds) {
  Options o = options();
  o.heartbeat_every = std::chrono::seconds(0);
  auto s = Store::open(o);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE((*s)->commit_and_wait(accept(message())));
  Change bad = accept(message());
  bad.updates.push_back(update(999999, State::due, State::failed));
  ASSERT_FALSE((*s)->commit_and_wait(std::move(bad)));
  const auto size = (*s)->counters()->log_size;
  std::optional<receipts::Balance> told;
  receipts::Balance counted;
  for (std::uint64_t i = 0; i < size; ++i) {
    const auto leaf = receipts::parse_leaf((**(*s)->leaf_at(i)).bytes);
    ASSERT_TRUE(leaf);
    if (leaf->event.type == receipts::EventType::log_balance) {
      EXPECT_EQ(receipts::number_of(leaf->event.facts, "accepted"), counted.accepted);
      told = counted;
    }
    counted.count(leaf->event.type, leaf->event.facts, leaf->event.out);
  }
  EXPECT_TRUE(told);
  EXPECT_EQ((*s)->counters()->messages, 5u);
}

TEST_F(StoreTest, Accounts) {
  auto s = Store::open(options());
  ASSERT_TRUE((*s)->put_account({"amt53", "hash", {"amt53@stadt.example", "*@gesundheit.stadt.example"}, {}}));
  EXPECT_EQ((**(*s)->find_account("amt53")).addresses.size(), 2u);
  EXPECT_FALSE(*(*s)->find_account("amt54"));
  EXPECT_TRUE(*(*s)->remove_account("amt53"));
  EXPECT_FALSE(*(*s)->remove_account("amt53"));
}

}  // namespace
}  // namespace store
