#include "gateway/app/metrics_listener.hpp"

#include <algorithm>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/core/errors.hpp"
#include "base/core/log.hpp"
#include "base/net/connect.hpp"
#include "gateway/pipeline/intake_message.hpp"
#include "gateway/web/session.hpp"

namespace app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using base::net::Awaitable;

constexpr base::log::Event k_event_listening{"listener.open"};
constexpr base::log::Event k_event_accept{"listener.accept_failed"};
constexpr base::log::Event k_event_exception{"session.exception"};
constexpr std::size_t k_max_sessions = 32;  // one monitoring system needs one or two

void tell_thrown(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    base::log::error(k_event_exception, {{"what", e.what()}});
  }
}

}  // namespace

base::Result<std::unique_ptr<MetricsListener>> MetricsListener::bind(asio::any_io_executor executor, pipeline::Context& context, web::MetricsPage& page,
                                                                     std::size_t index) {
  const auto options = context.current.get()->options->metrics_listeners[index];
  std::unique_ptr<MetricsListener> out(new MetricsListener(executor, context, page, options));
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(options.host, ec);
  if (ec) return base::fail(base::k_malformed, options.address);
  const tcp::endpoint endpoint(address, options.port);
  auto& a = out->m_acceptor;
  a.open(endpoint.protocol(), ec);
  if (!ec) a.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec && address.is_v6()) a.set_option(asio::ip::v6_only(false), ec);
  if (!ec) a.bind(endpoint, ec);
  if (!ec) a.listen(static_cast<int>(k_max_sessions), ec);
  if (ec) return base::fail(base::k_io, options.address + ": " + ec.message());
  base::log::info(k_event_listening, {{"role", "metrics"}, {"address", options.address}, {"port", static_cast<int>(a.local_endpoint(ec).port())}});
  return out;
}

void MetricsListener::start() { asio::co_spawn(m_executor, run(), tell_thrown); }

void MetricsListener::stop() {
  boost::system::error_code ignored;
  m_acceptor.close(ignored);
  for (const auto& [number, close] : m_closers) close();
}

bool MetricsListener::may_ask(const std::string& address) const {
  if (base::net::is_loopback(address)) return true;
  const std::string bytes = pipeline::address_bytes(address);
  // the networks of this moment: a reload may narrow them
  for (const auto& now : m_context.current.get()->options->metrics_listeners)
    if (now.address == m_options.address) return std::any_of(now.networks.begin(), now.networks.end(), [&](const auto& n) { return n.contains(bytes); });
  return false;
}

Awaitable<void> MetricsListener::run() {
  while (m_acceptor.is_open()) {
    boost::system::error_code ec;
    tcp::socket socket = co_await m_acceptor.async_accept(asio::redirect_error(asio::use_awaitable, ec));
    if (ec == asio::error::operation_aborted || !m_acceptor.is_open()) break;
    if (ec) {
      base::log::warning(k_event_accept, {{"error", ec.message()}});
      asio::steady_timer pause(m_executor, std::chrono::milliseconds(100));
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ec));
      continue;
    }
    base::net::Stream stream(std::move(socket));
    if (m_closers.size() >= k_max_sessions || !may_ask(stream.peer_address())) continue;
    asio::co_spawn(m_executor, session(std::move(stream)), tell_thrown);
  }
}

Awaitable<void> MetricsListener::session(base::net::Stream stream) {
  const std::uint64_t number = ++m_next;
  m_closers[number] = stream.closer();
  const std::shared_ptr<void> leave(nullptr, [this, number](void*) { m_closers.erase(number); });
  web::SessionOptions options;
  options.clock = m_context.clock;
  options.limits.header = 8 * 1024;
  co_await web::serve(std::move(stream), std::move(options), m_page);
}

}  // namespace app
