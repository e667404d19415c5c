// Promise: work that would hold up an I/O thread runs on a pool; the coroutine comes back to its own executor with the
// result. The callable must not throw (an exception would end the process: it is an error of ours).
#pragma once

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/net/asio.hpp"

namespace base::net {

using Pool = asio::thread_pool;

template <class F>
Awaitable<std::invoke_result_t<F&>> run_on(Pool& pool, F work) {
  using T = std::invoke_result_t<F&>;
  const auto executor = co_await asio::this_coro::executor;
  std::optional<T> result;
  std::optional<T>* slot = &result;
  F* job = &work;  // both live in this frame until the handler has run
  const auto* back = &executor;  // a pointer: GCC 12.2 destroys the captures of this argument twice
  co_await asio::async_initiate<const asio::use_awaitable_t<>&, void()>(
      [&pool, back, slot, job](auto handler) {
        asio::post(pool, [executor = *back, slot, job, h = std::move(handler)]() mutable {
          slot->emplace((*job)());
          asio::post(executor, std::move(h));
        });
      },
      asio::use_awaitable);
  co_return std::move(*result);
}

}  // namespace base::net
