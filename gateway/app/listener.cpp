#include "gateway/app/listener.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "base/net/proxy_header.hpp"
#include "gateway/web/session.hpp"
#include "smtp/server/session.hpp"

namespace app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::net::Awaitable;

constexpr base::log::Event k_event_listening{"listener.open"};
constexpr base::log::Event k_event_accept{"listener.accept_failed"};
constexpr base::log::Event k_event_exception{"session.exception"};
constexpr base::log::Event k_event_busy{"listener.busy"};
constexpr base::log::Event k_event_proxy{"listener.proxy_refused"};
constexpr std::chrono::seconds k_proxy_time{5};  // for the whole header: a proxy sends it in one piece with the connection
constexpr int k_backlog = 1024;

std::chrono::seconds seconds_of(std::chrono::milliseconds time) { return std::chrono::ceil<std::chrono::seconds>(time); }

smtp::server::SessionOptions session_options(const pipeline::Snapshot& snapshot, const config::ListenerOptions& listener) {
  const config::Options& o = *snapshot.options;
  smtp::server::SessionOptions out;
  if (const auto it = snapshot.tls_servers.find(listener.tls); it != snapshot.tls_servers.end()) out.tls = it->second;
  out.implicit_tls = listener.implicit_tls;
  out.engine.hostname = o.site.hostname;
  out.engine.starttls = out.tls != nullptr && !listener.implicit_tls;
  const bool submission = listener.role == config::ListenerRole::submission;
  out.engine.auth = out.engine.need_auth = submission;
  out.engine.need_tls = submission || listener.role == config::ListenerRole::demail || (listener.role == config::ListenerRole::relay && !listener.is_local());
  auto& limits = out.engine.limits;
  limits.message_size = o.limits.size.message.value;
  limits.recipients = o.limits.count.recipients;
  limits.errors = o.limits.count.errors;
  limits.idle_commands = o.limits.count.idle_commands;
  limits.command_time = seconds_of(o.limits.time.idle);
  limits.data_time = seconds_of(o.limits.time.data);
  limits.tls_time = seconds_of(o.limits.time.tls_handshake);
  return out;
}

bool comes_from(const std::vector<config::Network>& networks, const std::string& peer_address) {
  const std::string bytes = pipeline::address_bytes(peer_address);
  return std::any_of(networks.begin(), networks.end(), [&](const auto& n) { return n.contains(bytes); });
}

web::SessionOptions https_options(const pipeline::Snapshot& snapshot, const config::ListenerOptions& listener) {
  web::SessionOptions out;
  if (const auto it = snapshot.tls_servers.find(listener.tls); it != snapshot.tls_servers.end()) out.tls = it->second;
  out.tls_time = seconds_of(snapshot.options->limits.time.tls_handshake);
  return out;
}

}  // namespace

Listener::Listener(asio::any_io_executor executor, Doors doors, std::size_t index)
    : m_executor(executor),
      m_context(doors.context),
      m_sessions(doors.sessions),
      m_index(index),
      m_intake(doors.context, doors.login, doors.handoff, index),
      m_api({doors.context, doors.handoff, doors.tokens, index}),
      m_acceptor(executor) {}

base::Result<std::unique_ptr<Listener>> Listener::bind(asio::any_io_executor executor, Doors doors, std::size_t index, InheritedSockets& inherited) {
  const auto snapshot = doors.context.current.get();
  const auto& options = snapshot->options->listeners[index];
  std::unique_ptr<Listener> out(new Listener(executor, doors, index));
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(options.host, ec);
  if (ec) return base::fail(base::k_malformed, options.address);
  const tcp::endpoint endpoint(address, options.port);
  auto& a = out->m_acceptor;
  const auto given = inherited.take(options.host, options.port);
  if (given) {
    a.assign(endpoint.protocol(), *given, ec);
  } else {
    a.open(endpoint.protocol(), ec);
    if (!ec) a.set_option(asio::socket_base::reuse_address(true), ec);
    if (!ec && address.is_v6()) a.set_option(asio::ip::v6_only(false), ec);
    if (!ec) a.bind(endpoint, ec);
    if (!ec) a.listen(k_backlog, ec);
  }
  if (ec) return base::fail(base::k_io, options.address + ": " + ec.message());
  base::log::info(k_event_listening, {{"role", policies::name_of(options.role)}, {"address", options.address}, {"port", static_cast<int>(a.local_endpoint(ec).port())}});
  return out;
}

void Listener::start() {
  asio::co_spawn(m_executor, run(), [](std::exception_ptr thrown) {
    if (thrown) base::log::error(k_event_exception, {{"what", "accept loop"}});
  });
}

void Listener::stop() {
  boost::system::error_code ignored;
  m_acceptor.close(ignored);
}

Awaitable<void> Listener::run() {
  while (m_acceptor.is_open()) {
    boost::system::error_code ec;
    tcp::socket socket = co_await m_acceptor.async_accept(asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted || !m_acceptor.is_open()) break;
    if (ec) {
      // out of descriptors and the like: a pause, not a loop
      base::log::warning(k_event_accept, {{"error", ec.message()}});
      asio::steady_timer pause(m_executor, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    asio::co_spawn(m_executor, session(base::net::Stream(std::move(socket))), [](std::exception_ptr thrown) {
      if (!thrown) return;
      try {
        std::rethrow_exception(thrown);
      } catch (const std::exception& e) {
        base::log::error(k_event_exception, {{"what", e.what()}});
      }
    });
  }
}

Awaitable<void> Listener::session(base::net::Stream stream) {
  const auto snapshot = m_context.current.get();
  const auto& count = snapshot->options->limits.count;
  const auto& listener = snapshot->options->listeners[std::min(m_index, snapshot->options->listeners.size() - 1)];
  if (m_sessions.all >= count.sessions) {
    co_await turn_away(std::move(stream), snapshot);
    co_return;
  }
  ++m_sessions.all;
  const std::uint64_t number = ++m_sessions.next;
  m_sessions.closers[number] = stream.closer();
  m_sessions.interrupters[number] = stream.interrupter();
  // the counts go back however the session ends
  const std::shared_ptr<void> leave(nullptr, [this, number](void*) {
    m_sessions.closers.erase(number);
    m_sessions.interrupters.erase(number);
    --m_sessions.all;
  });
  if (comes_from(listener.proxy_networks, stream.peer_address())) {
    const bool known = co_await ask_proxy(stream);
    if (!known) co_return;
  }
  const std::string address = stream.peer_address();
  if (m_sessions.of_address[address] >= count.sessions_per_address) {
    if (m_sessions.of_address[address] == 0) m_sessions.of_address.erase(address);
    co_await turn_away(std::move(stream), snapshot);
    co_return;
  }
  ++m_sessions.of_address[address];
  const std::shared_ptr<void> leave_address(nullptr, [this, address](void*) {
    if (--m_sessions.of_address[address] == 0) m_sessions.of_address.erase(address);
  });
  co_await speak(std::move(stream), snapshot);
}

Awaitable<void> Listener::turn_away(base::net::Stream stream, pipeline::SnapshotPtr snapshot) {
  base::log::warning(k_event_busy, {{"peer", stream.peer_address()}});
  const auto& listener = snapshot->options->listeners[std::min(m_index, snapshot->options->listeners.size() - 1)];
  if (listener.role == config::ListenerRole::https) co_return;  // before TLS there is nothing that could be said
  stream.expires_after(std::chrono::seconds(5));
  const std::string busy = smtp::format_reply({421, "4.7.0", snapshot->options->site.hostname + " too many connections, try again later"});
  const auto done = co_await stream.write(busy);
  (void)done.has_value();
}

// Whoever comes from a proxy without a header, or with one that cannot be read, is nobody: the proxy's own address must not
// stand for his, it may be trusted with more.
Awaitable<bool> Listener::ask_proxy(base::net::Stream& stream) {
  stream.expires_after(k_proxy_time);
  bool heard = false;
  auto peer = co_await base::net::read_proxy_header(stream, heard);
  if (!peer) {
    // a proxy that looks whether the port is open says nothing
    if (heard || peer.error().code != base::k_connection)
      base::log::warning(k_event_proxy, {{"proxy", stream.peer_address()}, {"error", peer.error().describe()}});
    co_return false;
  }
  if (*peer) stream.set_peer((*peer)->address, (*peer)->port);
  co_return true;
}

Awaitable<void> Listener::speak(base::net::Stream stream, pipeline::SnapshotPtr snapshot) {
  const std::size_t index = std::min(m_index, snapshot->options->listeners.size() - 1);
  const auto& listener = snapshot->options->listeners[index];
  if (listener.role == config::ListenerRole::https) {
    web::SessionOptions options = https_options(*snapshot, listener);
    co_await web::serve(std::move(stream), std::move(options), m_api);
    co_return;
  }
  auto options = session_options(*snapshot, listener);
  co_await smtp::server::serve(std::move(stream), std::move(options), m_intake);
}

}  // namespace app
