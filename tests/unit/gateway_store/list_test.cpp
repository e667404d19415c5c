// Lists of the queue filter without opening anything.
#include <sqlite3.h>

#include "tests/unit/gateway_store/fixture.hpp"

namespace store {
namespace {

class ListTest : public StoreTest {
 protected:
  base::MessageId put(Store& store, const std::string& domain, const std::string& department, const std::string& route, int reason, State state = State::due) {
    NewMessage m = message();
    m.department = department;
    m.account = "konto-" + department;
    m.tags = {domain, "department:" + department};
    m.recipients = {{state, m.received, route, reason, "an a@" + domain, domain}};
    const base::MessageId mid = m.mid;
    EXPECT_TRUE(store.commit_and_wait(accept(std::move(m))));
    return mid;
  }
  static std::vector<std::string> mids(Store& store, const ListFilter& filter) {
    std::vector<std::string> out;
    const auto rows = store.list(filter);
    EXPECT_TRUE(rows);
    if (rows)
      for (const MessageRow& row : *rows) {
        out.push_back(row.mid.text());
        EXPECT_TRUE(row.record.empty());
        for (const RecipientRow& r : row.recipients) EXPECT_TRUE(r.record.empty());
      }
    return out;
  }
};

TEST_F(ListTest, EachFilterAndTheirCombination) {
  auto store = Store::open(options());
  ASSERT_TRUE(store);
  const auto a = put(**store, "x.example", "bauamt", "internet", 2, State::held).text();
  const auto b = put(**store, "y.example", "bauamt", "internet", 0).text();
  const auto c = put(**store, "x.example", "jugendamt", "partner", 4, State::held).text();
  using Mids = std::vector<std::string>;
  const auto with = [&](auto change) {
    ListFilter f;
    change(f);
    return mids(**store, f);
  };
  EXPECT_EQ(with([](auto&) {}), (Mids{a, b, c}));
  EXPECT_EQ(with([](auto& f) { f.domain = "x.example"; }), (Mids{a, c}));
  EXPECT_EQ(with([](auto& f) { f.department = "bauamt"; }), (Mids{a, b}));
  EXPECT_EQ(with([](auto& f) { f.account = "konto-jugendamt"; }), Mids{c});
  EXPECT_EQ(with([](auto& f) { f.route = "partner"; }), Mids{c});
  EXPECT_EQ(with([](auto& f) { f.reason = 2; }), Mids{a});
  EXPECT_EQ(with([](auto& f) { f.state = State::held; f.department = "bauamt"; }), Mids{a});
  EXPECT_EQ(with([](auto& f) { f.domain = "z.example"; }), Mids{});
  EXPECT_EQ(with([](auto& f) { f.limit = 2; }), (Mids{a, b}));
  EXPECT_EQ(with([&](auto& f) { f.received_before = m_clock->now() - std::chrono::hours(1); }), Mids{});
  EXPECT_EQ(with([&](auto& f) { f.received_before = m_clock->now() + std::chrono::hours(1); }).size(), 3U);
}

// Told as overdue, heard of, over: counted by route, and only while it is submitted.
TEST_F(ListTest, OverdueIsCountedByRoute) {
  auto store = Store::open(options());
  ASSERT_TRUE(store);
  std::vector<std::int64_t> ids;
  for (const char* route : {"demail:stadt", "demail:stadt", "demail:kultur"}) {
    const auto mid = put(**store, "x.de-mail.example", "bauamt", route, 0, State::submitted);
    ids.push_back(**(*store)->find_id(mid));
  }
  using Counts = std::map<std::string, std::uint64_t>;
  const auto change = [&](std::int64_t id, State to, std::optional<bool> overdue) {
    Change c;
    RecipientUpdate u = update(id, State::submitted, to);
    u.overdue = overdue;
    c.updates.push_back(std::move(u));
    EXPECT_TRUE((*store)->commit_and_wait(std::move(c)));
    return *(*store)->count_overdue();
  };
  EXPECT_EQ(*(*store)->count_overdue(), Counts{});
  EXPECT_EQ(change(ids[0], State::submitted, true), (Counts{{"demail:stadt", 1}}));
  EXPECT_EQ(change(ids[1], State::submitted, true), (Counts{{"demail:stadt", 2}}));
  EXPECT_EQ(change(ids[2], State::submitted, true), (Counts{{"demail:kultur", 1}, {"demail:stadt", 2}}));
  EXPECT_EQ(change(ids[0], State::submitted, std::nullopt), (Counts{{"demail:kultur", 1}, {"demail:stadt", 2}})) << "it stays as it is";
  EXPECT_EQ(change(ids[1], State::submitted, false), (Counts{{"demail:kultur", 1}, {"demail:stadt", 1}}));
  EXPECT_EQ(change(ids[0], State::delivered, std::nullopt), (Counts{{"demail:kultur", 1}}));
}

// Rows of a store that was upgraded have no hash of their own; the search words of their message stand in for it.
TEST_F(ListTest, RowsFromBeforeTheHashes) {
  std::string mid;
  {
    auto store = Store::open(options());
    ASSERT_TRUE(store);
    mid = put(**store, "x.example", "bauamt", "internet", 0).text();
  }
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open((m_dir / "store.sqlite").c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "UPDATE recipient SET domain=NULL; UPDATE message SET department=NULL", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  auto store = Store::open(options());
  ASSERT_TRUE(store);
  ListFilter f;
  f.domain = "x.example";
  f.department = "bauamt";
  EXPECT_EQ(mids(**store, f), std::vector<std::string>{mid});
  f.department = "jugendamt";
  EXPECT_TRUE(mids(**store, f).empty());
}

// Nobody who reads the disk finds the names.
TEST_F(ListTest, NamesAreNotReadable) {
  auto store = Store::open(options());
  ASSERT_TRUE(store);
  put(**store, "geheim.example", "gesundheitsamt", "internet", 0);
  store->reset();
  const auto bytes = base::read_file(m_dir / "store.sqlite", base::mib(64));
  ASSERT_TRUE(bytes);
  for (const char* word : {"geheim.example", "gesundheitsamt", "konto-"}) EXPECT_EQ(bytes->find(word), std::string::npos) << word;
}

}  // namespace
}  // namespace store
