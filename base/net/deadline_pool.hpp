// Promise: work that may never come back (foreign programs) runs on threads that may be lost. The caller has its answer by the
// deadline at the latest; a thread that is late is replaced, and goes back to work or ends when its work returns after all.
// So many may be lost at once and no more: beyond that new work is refused at once, which is temporary.
// Must be given: work that owns all it touches, since whoever asked may be gone when it returns.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/core/errors.hpp"
#include "base/net/asio.hpp"

namespace base::net {

class DeadlinePool {
 public:
  struct Options {
    std::size_t threads = 4;
    std::size_t max_lost = 8;
    std::chrono::milliseconds deadline{60'000};  // from the asking, the wait for a thread included
  };
  struct Counts {
    std::size_t running = 0, waiting = 0;
    std::size_t lost = 0;      // late, and not back yet
    std::uint64_t late = 0;    // since the start
  };

  explicit DeadlinePool(Options options);
  ~DeadlinePool();             // starts nothing more; waits for nobody
  DeadlinePool(const DeadlinePool&) = delete;
  DeadlinePool& operator=(const DeadlinePool&) = delete;

  Counts counts() const;
  std::chrono::milliseconds deadline() const { return m_options.deadline; }

  // `work` returns a Result. k_timeout: the deadline passed, or too many are lost. The executor must outlive the work.
  template <class F>
  Awaitable<std::invoke_result_t<F&>> run(F work) {
    using R = std::invoke_result_t<F&>;
    struct Call {
      Call(asio::any_io_executor e, std::chrono::milliseconds deadline) : executor(std::move(e)), timer(executor, deadline) {}
      asio::any_io_executor executor;
      asio::steady_timer timer;
      std::optional<R> result;
    };
    const auto executor = co_await asio::this_coro::executor;
    auto call = std::make_shared<Call>(executor, m_options.deadline);
    auto job = std::make_shared<F>(std::move(work));
    const auto task = submit([call, job]() mutable {
      auto result = std::make_shared<R>((*job)());
      job.reset();
      asio::post(call->executor, [call, result] {
        call->result.emplace(std::move(*result));
        call->timer.cancel();
      });
    });
    if (!task) co_return fail(k_timeout, "too many operations hang");
    boost::system::error_code ignored;
    co_await call->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    if (call->result) co_return std::move(*call->result);
    give_up(task);
    co_return fail(k_timeout, "the operation took longer than " + std::to_string(m_options.deadline.count()) + " ms");
  }

 private:
  struct Task;
  struct State;
  std::shared_ptr<Task> submit(std::function<void()> work);  // null if too many are lost
  void give_up(const std::shared_ptr<Task>& task);
  static void start_thread(const std::shared_ptr<State>& state);
  static void serve(const std::shared_ptr<State>& state);

  Options m_options;
  std::shared_ptr<State> m_state;  // shared with the threads, the lost ones too
};

}  // namespace base::net
