// The log over the turn of a year, over a clock that steps, over an upgrade, and over a restored backup.
#include <fstream>

#include <sqlite3.h>

#include "gateway/store/clock_watch.hpp"
#include "receipts/log/balance.hpp"
#include "receipts/log/epoch.hpp"
#include "receipts/log/leaf.hpp"
#include "receipts/log/tree.hpp"
#include "receipts/verify/fsck.hpp"
#include "tests/unit/gateway_store/fixture.hpp"

namespace store {
namespace {

namespace fs = std::filesystem;
using receipts::EventType;

class EpochTest : public StoreTest {
 protected:
  EpochTest() { m_clock = &clock; }

  std::unique_ptr<Store> open(std::optional<Recovery> recovery = {}) {
    Options o = options();
    o.new_epoch = std::move(recovery);
    auto opened = Store::open(std::move(o));
    EXPECT_TRUE(opened) << opened.error().describe();
    return opened ? *std::move(opened) : nullptr;
  }
  // In flight; deliver() ends it.
  base::MessageId send(Store& s) {
    auto m = message();
    m.id = s.reserve_id();
    m_last_id = m.id;
    const auto mid = m.mid;
    EXPECT_TRUE(s.commit_and_wait(accept(std::move(m))));
    Change attempt;
    attempt.updates.push_back(update(m_last_id, State::due, State::in_flight));
    attempt.events.push_back(event(EventType::relay_attempt, mid));
    EXPECT_TRUE(s.commit_and_wait(std::move(attempt)));
    return mid;
  }
  void deliver(Store& s, std::int64_t id, const base::MessageId& mid, State from = State::in_flight) {
    Change settle;
    settle.updates.push_back(update(id, from, State::delivered));
    settle.events.push_back(event(EventType::relay_ok, mid));
    const auto done = s.commit_and_wait(std::move(settle));
    EXPECT_TRUE(done) << done.error().describe();
  }
  std::vector<receipts::ParsedLeaf> leaves(Store& s, const std::string& epoch) {
    std::vector<receipts::ParsedLeaf> out;
    for (std::uint64_t i = 0;; ++i) {
      const auto leaf = s.leaf_at(i);
      if (!leaf || !*leaf) return out;
      if ((*leaf)->epoch != epoch) continue;
      EXPECT_EQ((*leaf)->index, out.size());
      out.push_back(*receipts::parse_leaf((*leaf)->bytes));
    }
  }
  receipts::Report fsck(std::vector<std::string> against = {}) {
    // the key as it was handed over for whatever epoch
    return receipts::fsck({m_dir / "log", {"gw.stadt.example/receipts/a/2019", options().log_key->public_key()}, std::move(against)});
  }
  static bool has(const receipts::Report& report, std::string_view check, receipts::Verdict verdict, std::string_view words = {}) {
    for (const auto& f : report.findings)
      if (f.check == check && f.verdict == verdict && f.detail.find(words) != std::string::npos) return true;
    return false;
  }
  std::string copy_database() {
    const std::string name = (m_dir / "copy.sqlite").string();
    fs::copy_file(m_dir / "store.sqlite", name, fs::copy_options::overwrite_existing);
    return name;
  }
  void restore_database() {
    for (const char* tail : {"-wal", "-shm"}) fs::remove(m_dir / ("store.sqlite" + std::string(tail)));
    fs::copy_file(m_dir / "copy.sqlite", m_dir / "store.sqlite", fs::copy_options::overwrite_existing);
  }

  MovableClock clock{"2026-12-31T23:59:58.000Z"};
  std::int64_t m_last_id = 0;
};

TEST_F(EpochTest, TheYearTurnsWithAMessageInFlight) {
  auto s = open();
  const auto done = send(*s);
  deliver(*s, m_last_id, done);
  const auto mid = send(*s);
  const auto id = m_last_id;
  clock.set("2027-01-01T00:00:00.500Z");
  deliver(*s, id, mid);
  ASSERT_TRUE(s->publish_now());
  EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2027");

  const auto old = leaves(*s, "2026"), now = leaves(*s, "2027");
  ASSERT_GE(old.size(), 3u);
  EXPECT_EQ(old.back().event.type, EventType::log_close);
  EXPECT_EQ(old[old.size() - 2].event.type, EventType::log_balance);
  EXPECT_EQ(receipts::number_of(old[old.size() - 2].event.facts, "open"), 1);
  ASSERT_EQ(now.size(), 3u);  // open, relay.ok, closed
  EXPECT_EQ(now[0].event.type, EventType::log_open);
  EXPECT_EQ(receipts::number_of(now[0].event.facts, "open"), 1);
  const auto link = receipts::parse_link(now[0].event.facts);
  ASSERT_TRUE(link);
  EXPECT_EQ(link->epoch, "2026");
  EXPECT_EQ(link->size, old.size());
  EXPECT_TRUE(receipts::verify_link(*link, s->verifier_key()));
  EXPECT_EQ(now[1].link.epoch, "2026");  // the chain crosses here
  EXPECT_EQ(now[1].link.mseq, 3u);
  EXPECT_EQ(now[2].link.epoch, "");      // and is at home there
  EXPECT_EQ(s->counters()->messages, 0u);

  const auto chain = s->leaves_of(mid);
  ASSERT_EQ(chain->size(), 4u);
  EXPECT_EQ((*chain)[0].epoch, "2026");
  EXPECT_EQ((*chain)[2].epoch, "2027");
  EXPECT_EQ(*s->find_event(now[1].eid), std::optional(old.size() + 1));
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
  EXPECT_TRUE(has(report, "epochs", receipts::Verdict::passed, "follows 2026"));
}

TEST_F(EpochTest, TheYearTurnsWhileNothingRuns) {
  base::MessageId mid;
  {
    auto s = open();
    mid = send(*s);
  }
  clock.set("2028-05-01T08:00:00.000Z");
  auto s = open();
  deliver(*s, m_last_id, mid);
  ASSERT_TRUE(s->publish_now());
  EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2028");
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
}

// killed after log.close was committed and before the next epoch began
TEST_F(EpochTest, AClosedEpochGoesOnAtTheNextStart) {
  {
    auto s = open();
    send(*s);
    clock.set("2027-01-01T00:00:00.500Z");
    ASSERT_TRUE(s->put_account({"amt53", "hash", {}, {}}));  // a commit without leaves of its own
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((m_dir / "store.sqlite").c_str(), &db), SQLITE_OK);
  // what a kill in that moment leaves: the new epoch is not there, nor anything of it
  const auto old_tree = [&] {
    sqlite3_stmt* query = nullptr;
    sqlite3_prepare_v2(db, "SELECT bytes FROM leaf WHERE idx<(SELECT first FROM epoch WHERE no=2) ORDER BY idx", -1, &query, nullptr);
    receipts::CompactRange range;
    while (sqlite3_step(query) == SQLITE_ROW)
      range.append(receipts::leaf_hash({static_cast<const char*>(sqlite3_column_blob(query, 0)), static_cast<std::size_t>(sqlite3_column_bytes(query, 0))}));
    sqlite3_finalize(query);
    return base::to_hex(range.save());
  }();
  ASSERT_FALSE(old_tree.empty());
  const std::string back = "DELETE FROM leaf WHERE idx>=(SELECT first FROM epoch WHERE no=2); DELETE FROM epoch WHERE no=2;"
                           "UPDATE epoch SET note=NULL; UPDATE log_state SET epoch=1,origin=replace(origin,'2027','2026'),"
                           "vkey=(SELECT '" + receipts::format_vkey({"gw.stadt.example/receipts/a/2026", options().log_key->public_key()}) + "'),"
                           "accepted=0,closed=0,cancelled=0,balance_open=1,tree=x'" + old_tree + "'";
  ASSERT_EQ(sqlite3_exec(db, back.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  fs::remove_all(m_dir / "log" / "2027");
  auto s = open();
  ASSERT_TRUE(s->commit_and_wait(accept(message())));
  EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2027");
  EXPECT_EQ(leaves(*s, "2027").front().event.type, EventType::log_open);
  EXPECT_EQ(leaves(*s, "2026").back().event.type, EventType::log_close);
  ASSERT_TRUE(s->publish_now());
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
}

TEST_F(EpochTest, AClockThatGoesBackOverTheYearKeepsTheEpoch) {
  auto s = open();
  clock.set("2027-01-01T00:00:01.000Z");
  const auto mid = send(*s);
  clock.set("2026-12-31T23:59:50.000Z");
  deliver(*s, m_last_id, mid);
  const auto now = leaves(*s, "2027");
  EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2027");
  ASSERT_EQ(now.size(), 6u);  // open, accept, attempt, clock, ok, closed
  EXPECT_EQ(now[3].event.type, EventType::sys_clock);
  EXPECT_EQ(now[3].event.out, "back");
  EXPECT_NEAR(static_cast<double>(receipts::number_of(now[3].event.facts, "ms")), 11'000, 900);
  ASSERT_TRUE(s->publish_now());
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
}

TEST_F(EpochTest, AStepBackBetweenTwoRunsIsTold) {
  { ASSERT_TRUE(open()->commit_and_wait(accept(message()))); }
  clock.set("2026-12-31T23:59:00.000Z");
  auto s = open();
  ASSERT_TRUE(s->commit_and_wait(accept(message())));
  EXPECT_EQ(leaves(*s, "2026")[2].event.type, EventType::sys_clock);
}

TEST(ClockWatch, SeesStepsThatTimePassedHides) {
  using std::chrono::milliseconds;
  const base::Timestamp t = *base::parse_utc("2026-03-01T08:00:00.000Z");
  const base::Steady s{};
  ClockWatch watch(t);
  EXPECT_EQ(watch.step_back(t - milliseconds(1000), s).count(), 0);                              // not more than a second
  EXPECT_EQ(watch.step_back(t, s).count(), 0);                                                   // forward
  EXPECT_EQ(watch.step_back(t + milliseconds(60'000), s + milliseconds(60'000)).count(), 0);
  EXPECT_EQ(watch.step_back(t + milliseconds(90'000), s + milliseconds(120'000)).count(), 30'000);  // a minute passed, half of it shows
  EXPECT_EQ(watch.step_back(t + milliseconds(91'000), s + milliseconds(121'000)).count(), 0);       // told once
  EXPECT_EQ(ClockWatch(t).step_back(t - milliseconds(1001), s).count(), 1001);
}

TEST_F(EpochTest, ARestoredBackupNeedsANewEpoch) {
  base::MessageId kept;
  {
    auto s = open();
    const auto closed = send(*s);
    deliver(*s, m_last_id, closed);
    kept = send(*s);
  }
  const auto id = m_last_id;
  copy_database();
  {
    auto s = open();
    deliver(*s, id, kept);
    send(*s);  // this one will be lost
  }
  EXPECT_EQ(Store::open([&] { Options o = options(); o.new_epoch = Recovery{"nothing is wrong", "anna"}; return o; }()).error().code, k_not_needed);
  restore_database();
  const auto refused = Store::open(options());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, k_rollback);
  EXPECT_NE(refused.error().detail.find("new-epoch"), std::string::npos);
  {
    auto s = open(Recovery{"backup of Sunday", "anna (uid 1000)"});
    ASSERT_TRUE(s);
    EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2026.2");
    const auto first = *s->leaf_at(leaves(*s, "2026").size());
    EXPECT_EQ(first->epoch, "2026.2");
    const auto parsed = receipts::parse_leaf(first->bytes);
    EXPECT_EQ(parsed->event.out, receipts::k_out_recovered);
    EXPECT_EQ(receipts::number_of(parsed->event.facts, "open"), 1);
    ASSERT_EQ(first->disclosures.size(), 2u);
    EXPECT_EQ(receipts::parse_disclosure(first->disclosures[0])->value, "backup of Sunday");
    deliver(*s, id, kept);
  }
  auto s = open();  // and is the way on for good
  ASSERT_TRUE(s);
  EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2026.2");
  const auto chain = *s->leaves_of(kept);
  EXPECT_EQ(receipts::parse_leaf(chain[2].bytes)->link.epoch, "2026");
  ASSERT_TRUE(s->publish_now());
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
  EXPECT_TRUE(has(report, "epochs", receipts::Verdict::passed, "opened by a person"));
}

TEST_F(EpochTest, ABackupFromBeforeTheYearIsRefusedToo) {
  { ASSERT_TRUE(open()->commit_and_wait(accept(message()))); }
  copy_database();
  clock.set("2027-02-01T00:00:00.000Z");
  { ASSERT_TRUE(open()->commit_and_wait(accept(message()))); }
  restore_database();
  EXPECT_EQ(Store::open(options()).error().code, k_rollback);
  {
    auto s = open(Recovery{"old backup", "anna"});
    ASSERT_TRUE(s);
    EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2027.2");
    ASSERT_TRUE(s->commit_and_wait(accept(message())));
  }
  ASSERT_TRUE(open());
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
}

TEST_F(EpochTest, ALostDatabaseIsNotQuietlyMadeAnew) {
  { ASSERT_TRUE(open()->commit_and_wait(accept(message()))); }
  for (const char* tail : {"", "-wal", "-shm"}) fs::remove(m_dir / ("store.sqlite" + std::string(tail)));
  EXPECT_EQ(Store::open(options()).error().code, k_rollback);
  EXPECT_FALSE(fs::exists(m_dir / "store.sqlite"));
  {
    auto s = open(Recovery{"the disk is gone", "anna"});
    ASSERT_TRUE(s);
    EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2026.2");
    EXPECT_EQ(s->counters()->messages, 0u);
  }
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
}

TEST_F(EpochTest, FsckFindsWhatIsWrongBetweenEpochs) {
  std::string mailed;
  {
    auto s = open();
    send(*s);
    mailed = *s->publish_now();
    clock.set("2027-01-02T00:00:00.000Z");
    ASSERT_TRUE(s->commit_and_wait(accept(message())));
    clock.set("2028-01-02T00:00:00.000Z");
    ASSERT_TRUE(s->commit_and_wait(accept(message())));
  }
  const auto good = fsck({mailed});
  EXPECT_EQ(good.verdict(), receipts::Verdict::passed) << receipts::format_text(good);
  EXPECT_TRUE(has(good, "against", receipts::Verdict::passed));
  fs::rename(m_dir / "log" / "2027", m_dir / "2027");
  EXPECT_TRUE(has(fsck(), "epochs", receipts::Verdict::failed, "2027"));
  fs::rename(m_dir / "2027", m_dir / "log" / "2027");
  fs::rename(m_dir / "log" / "2026", m_dir / "2026");
  EXPECT_TRUE(has(fsck(), "epochs", receipts::Verdict::indeterminate, "2026"));
  EXPECT_TRUE(has(fsck({mailed}), "against", receipts::Verdict::failed, "missing"));
  // an older state of 2026, properly signed: its end is missing
  fs::create_directories(m_dir / "log" / "2026");
  fs::copy(m_dir / "2026", m_dir / "log" / "2026", fs::copy_options::recursive | fs::copy_options::overwrite_existing);
  std::ofstream(m_dir / "log" / "2026" / "checkpoint") << mailed;
  EXPECT_TRUE(has(fsck(), "epochs", receipts::Verdict::failed, "ended otherwise"));
}

TEST_F(EpochTest, AStoreOfSchema1IsUpgraded) {
  const fs::path data = fs::path(AMTSBOTE_SOURCE) / "tests/data/gateway_store";
  clock.set("2026-11-26T08:00:00.000Z");
  fs::copy(data / "schema_1_log", m_dir / "log", fs::copy_options::recursive);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((m_dir / "store.sqlite").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, base::read_file(data / "schema_1.sql", base::mib(1))->c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
  sqlite3_close(db);
  auto s = open();
  ASSERT_TRUE(s);
  const auto due = s->find_due(clock.now(), {}, 10);
  ASSERT_EQ(due->due.size(), 1u);
  const auto row = s->load(due->due.front().id, true);
  ASSERT_TRUE(row && *row);
  Change again;
  again.updates.push_back(update((*row)->id, State::due, State::in_flight));
  again.events.push_back(event(EventType::relay_attempt, (*row)->mid));
  ASSERT_TRUE(s->commit_and_wait(std::move(again)));
  deliver(*s, (*row)->id, (*row)->mid);
  ASSERT_TRUE(s->publish_now());
  EXPECT_EQ(s->verifier_key().name, "gw.stadt.example/receipts/a/2026");
  EXPECT_EQ(leaves(*s, "1").back().event.type, EventType::log_close);
  EXPECT_FALSE(fs::exists(m_dir / "log" / "checkpoint"));
  const auto report = fsck();
  EXPECT_EQ(report.verdict(), receipts::Verdict::passed) << receipts::format_text(report);
  s.reset();
  EXPECT_TRUE(open());
}

// of an old store under a newer log nothing is changed, the upgrade included
TEST_F(EpochTest, AnOldStoreBehindItsLogStaysAsItIs) {
  const fs::path data = fs::path(AMTSBOTE_SOURCE) / "tests/data/gateway_store";
  fs::copy(data / "schema_1_log", m_dir / "log", fs::copy_options::recursive);
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((m_dir / "store.sqlite").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, base::read_file(data / "schema_1.sql", base::mib(1))->c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  receipts::CompactRange shorter;
  ASSERT_EQ(sqlite3_exec(db, ("UPDATE log_state SET tree=x'" + base::to_hex(shorter.save()) + "'").c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const auto before = *base::read_file(m_dir / "store.sqlite", base::mib(16));
  EXPECT_EQ(Store::open(options()).error().code, k_rollback);
  EXPECT_EQ(*base::read_file(m_dir / "store.sqlite", base::mib(16)), before);
  EXPECT_TRUE(fs::exists(m_dir / "log" / "checkpoint"));
}

}  // namespace
}  // namespace store
