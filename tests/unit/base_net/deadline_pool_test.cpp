#include "base/net/deadline_pool.hpp"

#include <condition_variable>
#include <mutex>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace base::net {
namespace {

// Work that hangs until the test lets it go.
class Gate {
 public:
  void pass() {
    std::unique_lock lock(m_mutex);
    m_changed.wait(lock, [this] { return m_open; });
  }
  void open() {
    const std::lock_guard lock(m_mutex);
    m_open = true;
    m_changed.notify_all();
  }

 private:
  std::mutex m_mutex;
  std::condition_variable m_changed;
  bool m_open = false;
};

class DeadlinePoolTest : public testing::Test {
 protected:
  template <class F>
  Result<int> ask(DeadlinePool& pool, F work) {
    Result<int> out = 0;
    io.restart();
    asio::co_spawn(
        io, [&]() -> Awaitable<void> { out = co_await pool.run(std::move(work)); }, [&](std::exception_ptr) { io.stop(); });
    io.run();
    return out;
  }
  Result<int> hang(DeadlinePool& pool) {
    return ask(pool, [gate = gate]() -> Result<int> {
      gate->pass();
      return 0;
    });
  }
  static Result<int> seven() { return 7; }
  static void until_back(const DeadlinePool& pool) {
    while (pool.counts().lost > 0) std::this_thread::yield();
  }

  asio::io_context io{1};
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
};

TEST_F(DeadlinePoolTest, AnswersInTime) {
  DeadlinePool pool({2, 2, std::chrono::minutes{5}});
  EXPECT_EQ(*ask(pool, seven), 7);
  EXPECT_EQ(ask(pool, []() -> Result<int> { return fail(k_io, "as it was"); }).error().code, k_io);
  EXPECT_EQ(pool.counts().late, 0u);
}

TEST_F(DeadlinePoolTest, ALostThreadIsReplacedCountedAndBounded) {
  DeadlinePool pool({1, 2, std::chrono::milliseconds{50}});
  EXPECT_EQ(hang(pool).error().code, k_timeout);
  EXPECT_EQ(pool.counts().lost, 1u);
  // the only thread is lost, and work goes on
  EXPECT_EQ(*ask(pool, seven), 7);
  EXPECT_EQ(hang(pool).error().code, k_timeout);
  EXPECT_EQ(pool.counts().lost, 2u);
  EXPECT_EQ(pool.counts().running, 0u);
  // the bound: an answer at once, and the work is not begun
  bool begun = false;
  const auto refused = ask(pool, [&begun]() -> Result<int> {
    begun = true;
    return 1;
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, k_timeout);
  EXPECT_NE(refused.error().detail.find("too many"), std::string::npos);
  EXPECT_EQ(pool.counts().waiting, 0u);
  gate->open();
  until_back(pool);
  EXPECT_EQ(*ask(pool, seven), 7);
  EXPECT_FALSE(begun);
  EXPECT_EQ(pool.counts().late, 2u);
}

// no thread is free in time: answered, forgotten, nothing lost
TEST_F(DeadlinePoolTest, WhatNeverBeganIsForgotten) {
  DeadlinePool pool({0, 1, std::chrono::milliseconds{20}});
  EXPECT_EQ(ask(pool, seven).error().code, k_timeout);
  EXPECT_EQ(pool.counts().waiting, 0u);
  EXPECT_EQ(pool.counts().lost, 0u);
  EXPECT_EQ(pool.counts().late, 1u);
}

}  // namespace
}  // namespace base::net
