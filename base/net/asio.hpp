// The narrow headers of Asio that coroutines need. Never boost/asio.hpp: it costs seconds in every file.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace base::net {

namespace asio = boost::asio;

template <class T>
using Awaitable = asio::awaitable<T>;

}  // namespace base::net
