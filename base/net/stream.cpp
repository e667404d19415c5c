#include "base/net/stream.hpp"

#include <array>
#include <optional>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <openssl/x509_vfy.h>

#include "base/core/bytes.hpp"
#include "base/core/digest.hpp"
#include "base/core/errors.hpp"
#include "base/net/tls_context.hpp"

namespace base::net {

using asio::ip::tcp;
using Socket = asio::generic::stream_protocol::socket;  // one type for both kinds, so that TLS is compiled once
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds k_goodbye{2};

namespace {

std::string text_of(asio::ip::address address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) address = asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6());
  return address.to_string();
}

}  // namespace

struct Stream::Impl : std::enable_shared_from_this<Stream::Impl> {
  Impl(Socket s, std::string address, std::uint16_t port)
      : socket(std::move(s)), timer(socket.get_executor()), peer_address(std::move(address)), peer_port(port) {}

  void move_deadline(Clock::time_point to) {
    deadline = to;
    if (!armed || armed_for > to) arm();
  }
  void arm() {
    armed = true;
    armed_for = deadline;
    timer.expires_at(deadline);
    timer.async_wait([weak = weak_from_this()](const error_code& ec) {
      const auto self = weak.lock();
      if (!self || ec) return;  // cancelled by a new arm(), which waits itself
      self->armed = false;
      if (Clock::now() < self->deadline) {
        self->arm();
        return;
      }
      self->expired = true;
      error_code ignored;
      self->socket.close(ignored);
    });
  }

  Error error_of(const error_code& ec) const {
    if (expired) return fail(k_timeout, "deadline");
    if (ec.category() == asio::error::get_ssl_category()) return fail(k_tls, ec.message());
    return fail(k_connection, ec.message());
  }

  Socket socket;
  std::optional<asio::ssl::stream<Socket&>> tls;
  asio::steady_timer timer;
  Clock::time_point deadline{}, armed_for{};
  std::string peer_address;
  std::uint16_t peer_port = 0;
  bool armed = false, expired = false;
  bool reading = false, interrupted = false;
};

namespace {

std::string common_name(X509* certificate) {
  char name[256] = {};
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  return name;
}

TlsInfo describe(SSL* ssl) {
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  info.cipher = SSL_get_cipher_name(ssl);
  X509* peer = SSL_get0_peer_certificate(ssl);
  const long verdict = SSL_get_verify_result(ssl);
  info.peer_verified = peer != nullptr && verdict == X509_V_OK;
  if (!info.peer_verified) info.verify_error = peer == nullptr ? "no certificate" : X509_verify_cert_error_string(verdict);
  if (peer == nullptr) return info;
  unsigned char digest[32];
  unsigned int size = 0;
  X509_digest(peer, EVP_sha256(), digest, &size);
  for (char& c : info.peer_fingerprint = to_hex({reinterpret_cast<char*>(digest), size}))
    if (c >= 'a') c = static_cast<char>(c - 32);
  if (info.peer_verified) info.peer_subject = common_name(peer);
  return info;
}

}  // namespace

Stream::Stream(tcp::socket socket) {
  error_code ec;
  socket.set_option(tcp::no_delay(true), ec);
  const tcp::endpoint remote = socket.remote_endpoint(ec);
  m_impl = std::make_shared<Impl>(Socket(std::move(socket)), text_of(remote.address()), remote.port());
}
Stream::Stream(asio::local::stream_protocol::socket socket) : m_impl(std::make_shared<Impl>(Socket(std::move(socket)), "unix", 0)) {}
Stream::~Stream() {
  if (m_impl) close();
}
Stream::Stream(Stream&&) noexcept = default;
Stream& Stream::operator=(Stream&&) noexcept = default;

void Stream::expires_after(std::chrono::milliseconds time) { m_impl->move_deadline(Clock::now() + time); }

Awaitable<Result<std::size_t>> Stream::read_some(std::span<char> into) {
  const auto impl = m_impl;
  if (std::exchange(impl->interrupted, false)) co_return fail(k_cancelled, "interrupted");
  error_code ec;
  std::size_t n = 0;
  impl->reading = true;
  const auto buffer = asio::buffer(into.data(), into.size());
  if (impl->tls)
    n = co_await impl->tls->async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
  else
    n = co_await impl->socket.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
  impl->reading = false;
  // what came in the same moment is not lost: then the next read ends
  if (ec == asio::error::operation_aborted && !impl->expired && std::exchange(impl->interrupted, false)) co_return fail(k_cancelled, "interrupted");
  if (ec) co_return impl->error_of(ec);
  co_return n;
}

Awaitable<Result<void>> Stream::write(std::string_view bytes) {
  const auto impl = m_impl;
  error_code ec;
  const auto buffer = asio::buffer(bytes);
  if (impl->tls)
    co_await asio::async_write(*impl->tls, buffer, asio::redirect_error(asio::use_awaitable, ec));
  else
    co_await asio::async_write(impl->socket, buffer, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return impl->error_of(ec);
  co_return Done{};
}

Awaitable<Result<TlsInfo>> Stream::accept_tls(TlsServerPtr context) {
  const auto impl = m_impl;
  error_code ec;
  // TLS takes some 90 KiB of buffers: not for a peer that says nothing
  co_await impl->socket.async_wait(tcp::socket::wait_read, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return impl->error_of(ec);
  impl->tls.emplace(impl->socket, context->context);
  co_await impl->tls->async_handshake(asio::ssl::stream_base::server, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return impl->error_of(ec);
  TlsInfo info = describe(impl->tls->native_handle());
  co_return info;
}

Awaitable<Result<TlsInfo>> Stream::connect_tls(TlsClientPtr context, std::string host) {
  const auto impl = m_impl;
  error_code ec;
  impl->tls.emplace(impl->socket, context->context);
  SSL* ssl = impl->tls->native_handle();
  const auto address = asio::ip::make_address(host, ec);
  if (ec) {
    SSL_set_tlsext_host_name(ssl, host.c_str());
    SSL_set1_host(ssl, host.c_str());
  } else {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address.to_string().c_str());
  }
  ec = {};
  co_await impl->tls->async_handshake(asio::ssl::stream_base::client, asio::redirect_error(asio::use_awaitable, ec));
  if (ec) co_return impl->error_of(ec);
  TlsInfo info = describe(ssl);
  co_return info;
}

std::function<void()> Stream::closer() const {
  return [weak = std::weak_ptr(m_impl)] {
    const auto impl = weak.lock();
    if (!impl) return;
    error_code ignored;
    impl->socket.close(ignored);
  };
}

std::function<void()> Stream::interrupter() const {
  return [weak = std::weak_ptr(m_impl)] {
    const auto impl = weak.lock();
    if (!impl) return;
    impl->interrupted = true;
    // a write that is cancelled half-way would break TLS
    error_code ignored;
    if (impl->reading) impl->socket.cancel(ignored);
  };
}

Awaitable<void> Stream::linger_and_close() {
  const auto impl = m_impl;
  expires_after(k_goodbye);
  error_code ec;
  if (impl->tls && impl->socket.is_open()) {
    // sends close_notify; what the peer has still under way ends it with an error that does not matter
    co_await impl->tls->async_shutdown(asio::redirect_error(asio::use_awaitable, ec));
    ec = {};
  }
  impl->socket.shutdown(asio::socket_base::shutdown_send, ec);
  const auto waste = std::make_unique<std::array<char, 16 * 1024>>();
  const auto buffer = asio::buffer(*waste);
  while (!ec) co_await impl->socket.async_read_some(buffer, asio::redirect_error(asio::use_awaitable, ec));
  close();
}

void Stream::close() {
  m_impl->timer.cancel();
  error_code ignored;
  m_impl->socket.close(ignored);
}

Awaitable<void> Stream::shutdown_and_close() {
  const auto impl = m_impl;
  if (impl->tls && impl->socket.is_open()) {
    expires_after(k_goodbye);  // the peer's close_notify may never come
    error_code ignored;
    co_await impl->tls->async_shutdown(asio::redirect_error(asio::use_awaitable, ignored));
  }
  close();
}

bool Stream::is_open() const { return m_impl->socket.is_open(); }

void Stream::set_peer(std::string address, std::uint16_t port) {
  m_impl->peer_address = std::move(address);
  m_impl->peer_port = port;
}

std::string Stream::peer_address() const { return m_impl->peer_address; }

std::uint16_t Stream::peer_port() const { return m_impl->peer_port; }

}  // namespace base::net
