#include "simulator/doors/acceptor.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/core/errors.hpp"

namespace simulator {
namespace {

namespace asio = boost::asio;
using base::net::Awaitable;
using boost::system::error_code;

constexpr int k_backlog = 256;
constexpr std::chrono::minutes k_hang{10};

template <class Protocol>
class Listening : public Acceptor {
 public:
  explicit Listening(asio::any_io_executor executor) : m_executor(executor), m_acceptor(executor) {}

  base::Result<void> bind(const typename Protocol::endpoint& endpoint) {
    error_code ec;
    m_acceptor.open(endpoint.protocol(), ec);
    if (!ec) m_acceptor.bind(endpoint, ec);
    if (!ec) m_acceptor.listen(k_backlog, ec);
    if (ec) return base::fail(base::k_io, "listen: " + ec.message());
    return base::Done{};
  }

  std::uint16_t port() const override {
    if constexpr (std::is_same_v<Protocol, asio::ip::tcp>) return m_acceptor.local_endpoint().port();
    return 0;
  }

  void start(Handler handler) override {
    m_handler = std::move(handler);
    asio::co_spawn(m_executor, run(), [](std::exception_ptr) {});
  }

 private:
  Awaitable<void> run() {
    while (m_acceptor.is_open()) {
      error_code ec;
      typename Protocol::socket socket = co_await m_acceptor.async_accept(asio::redirect_error(asio::use_awaitable, ec));
      if (ec) continue;
      asio::co_spawn(m_executor, m_handler(base::net::Stream(std::move(socket))), [](std::exception_ptr) {});
    }
  }

  asio::any_io_executor m_executor;
  typename Protocol::acceptor m_acceptor;
  Handler m_handler;
};

template <class Protocol>
base::Result<std::unique_ptr<Acceptor>> make(asio::any_io_executor executor, const typename Protocol::endpoint& endpoint) {
  auto out = std::make_unique<Listening<Protocol>>(executor);
  const auto bound = out->bind(endpoint);
  if (!bound) return bound.error();
  return std::unique_ptr<Acceptor>(std::move(out));
}

}  // namespace

base::Result<std::unique_ptr<Acceptor>> listen_on(asio::any_io_executor executor, const std::string& address,
                                                  std::uint16_t port) {
  error_code ec;
  const auto ip = asio::ip::make_address(address, ec);
  if (ec) return base::fail(base::k_malformed, "not an IP address: " + address);
  return make<asio::ip::tcp>(executor, {ip, port});
}

base::Result<std::unique_ptr<Acceptor>> listen_on(asio::any_io_executor executor, const base::fs::path& path) {
  std::error_code ignored;
  base::fs::remove(path, ignored);
  return make<asio::local::stream_protocol>(executor, asio::local::stream_protocol::endpoint(path.string()));
}

Awaitable<void> hang() {
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, k_hang);
  error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

}  // namespace simulator
