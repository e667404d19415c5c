// Promise: a listening socket of this machine, and one coroutine for each connection.
#pragma once

#include <functional>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "base/core/file.hpp"
#include "base/net/stream.hpp"

namespace simulator {

using Handler = std::function<base::net::Awaitable<void>(base::net::Stream)>;

class Acceptor {
 public:
  virtual ~Acceptor() = default;
  virtual std::uint16_t port() const = 0;  // 0 for a path
  virtual void start(Handler handler) = 0;
};

// `port` 0: the kernel's choice. k_io.
base::Result<std::unique_ptr<Acceptor>> listen_on(boost::asio::any_io_executor executor, const std::string& address,
                                                  std::uint16_t port);
// A Unix socket; what lies at the path goes.
base::Result<std::unique_ptr<Acceptor>> listen_on(boost::asio::any_io_executor executor, const base::fs::path& path);

// Without an end but the connection's, or ten minutes: for a peer that is to wait.
base::net::Awaitable<void> hang();

}  // namespace simulator
