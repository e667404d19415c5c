// Promise: one connection (TCP, or a Unix socket), plain or TLS, whose every wait has a deadline. One lazy timer a connection: its expiry is a
// variable that each operation moves, so a deadline costs nothing on the way that succeeds. Used by one coroutine at a
// time, on the executor it was made for; not thread-safe. After a cancelled or timed-out operation only close() is left.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>

#include "base/core/result.hpp"
#include "base/net/asio.hpp"
#include "base/net/tls.hpp"

namespace base::net {

class Stream {
 public:
  explicit Stream(asio::ip::tcp::socket socket);
  explicit Stream(asio::local::stream_protocol::socket socket);  // its peer's address is "unix"
  ~Stream();
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;

  // From now on, until it is moved again; each operation below fails with k_timeout once it has passed.
  void expires_after(std::chrono::milliseconds time);

  // At least one byte. k_connection at the peer's end, k_timeout, k_tls; k_cancelled once after interrupter(), and the
  // stream goes on.
  Awaitable<Result<std::size_t>> read_some(std::span<char> into);
  Awaitable<Result<void>> write(std::string_view bytes);  // `bytes` must live until it is done

  Awaitable<Result<TlsInfo>> accept_tls(TlsServerPtr context);
  // `host`: for SNI and, if it is to be verified, compared with the certificate. k_tls; an untrusted certificate is no
  // error here: see TlsInfo::peer_verified.
  Awaitable<Result<TlsInfo>> connect_tls(TlsClientPtr context, std::string host);

  // Closes the connection from outside its coroutine, on the same executor; harmless once it is gone.
  std::function<void()> closer() const;
  // Ends the read that is under way, or the next one, and nothing else; harmless once the stream is gone.
  std::function<void()> interrupter() const;
  // Says no more, and reads away what the peer still sends: closing at once would make the kernel answer with a reset, which
  // may take our last words with it. Until the peer closes, at most two seconds.
  Awaitable<void> linger_and_close();
  void close();                       // at once; pending operations end with an error
  Awaitable<void> shutdown_and_close();  // says goodbye where TLS can, at most two seconds
  bool is_open() const;
  // The peer is somebody else than the other end of the socket: a proxy in between has said whom it carries.
  void set_peer(std::string address, std::uint16_t port);
  std::string peer_address() const;   // "192.0.2.1", "2001:db8::1"; v4-mapped as v4
  std::uint16_t peer_port() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> m_impl;       // shared with the timer's handler, which may outlive us
};

}  // namespace base::net
