// Promise: accepts connections of monitoring on one address, from this machine and the networks that the configuration lists,
// a few at a time; anybody else is closed without an answer.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "base/net/stream.hpp"
#include "gateway/pipeline/context.hpp"
#include "gateway/web/metrics_page.hpp"

namespace app {

class MetricsListener {
 public:
  // Binds; k_io with the reason. `index`: into the options' metrics listeners; `page` outlives it.
  static base::Result<std::unique_ptr<MetricsListener>> bind(boost::asio::any_io_executor executor, pipeline::Context& context, web::MetricsPage& page,
                                                             std::size_t index);
  void start();
  void stop();  // those under way are cut off

 private:
  MetricsListener(boost::asio::any_io_executor executor, pipeline::Context& context, web::MetricsPage& page, config::MetricsListenerOptions options)
      : m_executor(executor), m_context(context), m_page(page), m_options(std::move(options)), m_acceptor(executor) {}
  base::net::Awaitable<void> run();
  base::net::Awaitable<void> session(base::net::Stream stream);
  bool may_ask(const std::string& address) const;

  boost::asio::any_io_executor m_executor;
  pipeline::Context& m_context;
  web::MetricsPage& m_page;
  config::MetricsListenerOptions m_options;      // as at the start: an address does not move by a reload
  boost::asio::ip::tcp::acceptor m_acceptor;
  std::map<std::uint64_t, std::function<void()>> m_closers;
  std::uint64_t m_next = 0;
};

}  // namespace app
