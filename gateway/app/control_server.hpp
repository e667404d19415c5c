// Promise: the daemon's door for administrators (`control`) and auditors (`audit`, receipts and status only): two Unix sockets of
// mode 0660, whose groups the administrator chooses by the directories in which they lie. Who asks is told by the kernel (SO_PEERCRED), never by the request. A line
// is limited, a slow peer loses its connection, and more than k_max_connections at once are turned away.
// Must never: run a request on the I/O thread, or take a second request of a connection before the first is answered.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>

#include "base/net/asio.hpp"
#include "gateway/app/live.hpp"

namespace app {

inline constexpr int k_max_connections = 32;

struct ControlOptions {
  std::filesystem::path control, audit;
  std::chrono::milliseconds deadline{30'000};  // to send a request, and to take its answer
};

class ControlServer {
 public:
  // `live` and its context's blocking pool must outlive the executor's work. A socket file that is left over is replaced:
  // whoever starts a server holds the store's lock, so nobody listens there. k_io.
  static base::Result<std::unique_ptr<ControlServer>> start(base::net::asio::any_io_executor executor, Live& live, ControlOptions options);
  ~ControlServer();  // as stop()
  // On the executor, or after it has stopped: no new connections, the ones there are closed, the socket files are removed.
  void stop();

 private:
  struct Impl;
  explicit ControlServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> m_impl;
};

}  // namespace app
