#include "base/net/connect.hpp"

#include <charconv>
#include <memory>

#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/core/errors.hpp"

namespace base::net {

using asio::ip::tcp;
using local = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

constexpr std::size_t k_longest_socket_path = 107;  // unix(7): sun_path with its NUL

// The deadline closes the socket, which ends the wait.
template <class Protocol>
Awaitable<Result<Stream>> connect_to(typename Protocol::endpoint endpoint, std::string name, std::chrono::milliseconds deadline) {
  const auto executor = co_await asio::this_coro::executor;
  const auto socket = std::make_shared<typename Protocol::socket>(executor);
  const auto expired = std::make_shared<bool>(false);
  asio::steady_timer timer(executor, deadline);
  timer.async_wait([socket, expired](const error_code& cancelled) {
    if (cancelled) return;
    *expired = true;
    error_code ignored;
    socket->close(ignored);
  });
  error_code ec;
  co_await socket->async_connect(endpoint, asio::redirect_error(asio::use_awaitable, ec));
  timer.cancel();
  if (*expired) co_return fail(k_timeout, "connect to " + name);
  if (ec) co_return fail(k_connection, "connect to " + name + ": " + ec.message());
  co_return Stream(std::move(*socket));
}

}  // namespace

Awaitable<Result<Stream>> connect(std::string address, std::uint16_t port, std::chrono::milliseconds deadline) {
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) co_return fail(k_malformed, "not an IP address: " + address);
  tcp::endpoint endpoint(ip, port);
  std::string name = address + ":" + std::to_string(port);
  auto out = co_await connect_to<tcp>(endpoint, std::move(name), deadline);
  co_return out;
}

Awaitable<Result<Stream>> connect_local(std::string path, std::chrono::milliseconds deadline) {
  if (path.empty() || path.size() > k_longest_socket_path) co_return fail(k_malformed, "no path of a socket: " + path);
  local::endpoint endpoint(path);
  auto out = co_await connect_to<local>(endpoint, std::move(path), deadline);
  co_return out;
}

Result<void> try_address(const std::string& address, std::uint16_t port) {
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return fail(k_malformed, "not an IP address: " + address);
  asio::io_context io(1);
  tcp::acceptor acceptor(io);
  const tcp::endpoint endpoint(ip, port);
  acceptor.open(endpoint.protocol(), ec);
  // as a listener does: connections of a daemon that has just ended do not stand in the way
  if (!ec) acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor.bind(endpoint, ec);
  if (ec) return fail(k_connection, ec.message());
  return Done{};
}

Result<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return fail(k_malformed, "host:port");
  std::string_view host = text.substr(0, colon);
  const std::string_view digits = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']'))
    host = host.substr(1, host.size() - 2);
  else if (host.find(':') != std::string_view::npos)
    return fail(k_malformed, "an IPv6 address stands in brackets");
  unsigned port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port > 65535 || host.empty()) return fail(k_malformed, "host:port");
  return HostPort{std::string(host), static_cast<std::uint16_t>(port)};
}

bool is_loopback(std::string_view address) {
  error_code ec;
  const auto ip = asio::ip::make_address(std::string(address), ec);
  if (ec) return false;
  if (ip.is_v6() && ip.to_v6().is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, ip.to_v6()).is_loopback();
  return ip.is_loopback();
}

}  // namespace base::net
