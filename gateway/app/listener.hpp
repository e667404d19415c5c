// Promise: accepts connections for one listener and runs a session for each, within the limits of sessions in all and of one
// address; beyond them the connection gets a 421 and is closed.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "base/net/stream.hpp"
#include "gateway/pipeline/intake.hpp"

namespace app {

// Sessions under way, of all listeners.
struct Sessions {
  std::atomic<std::size_t> all{0};         // changed by the I/O thread
  std::map<std::string, std::size_t> of_address;
  std::map<std::uint64_t, std::function<void()>> closers;  // of each, by a number of its own
  std::uint64_t next = 0;
};

class Listener {
 public:
  // Binds; k_io with the reason.
  static base::Result<std::unique_ptr<Listener>> bind(boost::asio::any_io_executor executor, pipeline::Context& context, pipeline::Login& login,
                                                      pipeline::Handoff& handoff, Sessions& sessions, std::size_t index);
  void start();
  void stop();  // no new connections; those under way go on

 private:
  Listener(boost::asio::any_io_executor executor, pipeline::Context& context, pipeline::Login& login, pipeline::Handoff& handoff, Sessions& sessions,
           std::size_t index);
  base::net::Awaitable<void> run();
  base::net::Awaitable<void> session(base::net::Stream stream);

  boost::asio::any_io_executor m_executor;
  pipeline::Context& m_context;
  Sessions& m_sessions;
  std::size_t m_index;
  pipeline::Intake m_intake;
  boost::asio::ip::tcp::acceptor m_acceptor;
};

}  // namespace app
