// Promise: accepts connections for one listener and runs a session for each, within the limits of sessions in all and of one
// address; beyond them the connection gets a 421 and is closed. Behind a proxy the address is that of the proxy's client.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "base/net/stream.hpp"
#include "gateway/app/systemd.hpp"
#include "gateway/pipeline/intake.hpp"
#include "gateway/web/api.hpp"

namespace app {

// Sessions under way, of all listeners.
struct Sessions {
  std::atomic<std::size_t> all{0};         // changed by the I/O thread
  std::map<std::string, std::size_t> of_address;
  std::map<std::uint64_t, std::function<void()>> closers;       // of each, by a number of its own
  std::map<std::uint64_t, std::function<void()>> interrupters;  // the polite way: the session says goodbye itself
  std::uint64_t next = 0;
};

// What sessions need, whatever they speak.
struct Doors {
  pipeline::Context& context;
  pipeline::Login& login;
  pipeline::Handoff& handoff;
  web::Tokens& tokens;
  Sessions& sessions;
};

class Listener {
 public:
  // Takes the socket that systemd opened for this address, or binds one; k_io with the reason.
  static base::Result<std::unique_ptr<Listener>> bind(boost::asio::any_io_executor executor, Doors doors, std::size_t index, InheritedSockets& inherited);
  void start();
  void stop();  // no new connections; those under way go on

 private:
  Listener(boost::asio::any_io_executor executor, Doors doors, std::size_t index);
  base::net::Awaitable<void> run();
  base::net::Awaitable<void> session(base::net::Stream stream);
  base::net::Awaitable<void> turn_away(base::net::Stream stream, pipeline::SnapshotPtr snapshot);
  base::net::Awaitable<bool> ask_proxy(base::net::Stream& stream);
  base::net::Awaitable<void> speak(base::net::Stream stream, pipeline::SnapshotPtr snapshot);

  boost::asio::any_io_executor m_executor;
  pipeline::Context& m_context;
  Sessions& m_sessions;
  std::size_t m_index;
  pipeline::Intake m_intake;
  web::Api m_api;
  boost::asio::ip::tcp::acceptor m_acceptor;
};

}  // namespace app
