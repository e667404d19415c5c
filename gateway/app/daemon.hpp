// Promise: everything that lives while the daemon serves, in the order of its dependence: what stands lower uses what stands
// above and goes first.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "gateway/app/control_server.hpp"
#include "gateway/app/keys.hpp"
#include "gateway/app/listener.hpp"
#include "gateway/app/live.hpp"
#include "gateway/app/metrics_listener.hpp"
#include "gateway/app/serve.hpp"
#include "gateway/app/systemd.hpp"
#include "gateway/pipeline/demail_poll.hpp"
#include "gateway/pipeline/dispatch.hpp"
#include "gateway/pipeline/recipient_probe.hpp"

namespace app {

class Daemon {
 public:
  explicit Daemon(ServeOptions options);
  ~Daemon();

  base::Result<void> open(config::OptionsPtr loaded);
  int run();
  // All or nothing; the faults if the old version stays. Blocks: not on an I/O thread.
  std::vector<std::string> reload();

 private:
  base::Result<void> record_config(receipts::EventType type, const char* out, const pipeline::Snapshot& current);
  base::net::Awaitable<void> run_daily();
  base::Result<void> open_metrics(const config::Options& options);
  base::Result<void> open_control(const config::Options& options);
  base::net::Awaitable<void> shut_down();
  base::net::Awaitable<void> wait_for_sessions(std::chrono::seconds at_most);
  base::net::Awaitable<void> watch_openpgp();
  void begin_stop();
  void watch_signals(boost::asio::signal_set& signals);

  base::net::Awaitable<void> feed_watchdog();

  ServeOptions m_options;
  Notifier m_notifier = Notifier::from_environment();  // both before any thread is there: they touch the environment
  InheritedSockets m_inherited = InheritedSockets::from_environment();
  boost::asio::io_context m_io{1};
  base::net::Pool m_crypto, m_blocking;
  std::unique_ptr<base::net::DeadlinePool> m_openpgp;
  std::shared_ptr<Keys> m_keys;
  std::unique_ptr<store::Store> m_store;
  std::unique_ptr<base::net::Resolver> m_resolver;
  pipeline::Context m_context;
  std::unique_ptr<pipeline::RecipientProbe> m_probe;
  Sessions m_sessions;
  std::atomic<bool> m_is_stopping{false};  // set by the I/O thread
  std::atomic<bool> m_failed{false};       // the store cannot be trusted with more
  std::mutex m_reload;                     // by signal and by command at once
  std::unique_ptr<pipeline::Login> m_login;
  std::unique_ptr<web::Tokens> m_tokens;
  std::unique_ptr<pipeline::Dispatch> m_dispatch;
  std::unique_ptr<pipeline::DeMailPoll> m_polls;
  std::vector<std::unique_ptr<Listener>> m_listeners;
  base::net::Pool m_watching{1};            // what monitoring asks
  std::unique_ptr<web::MetricsPage> m_page;
  std::vector<std::unique_ptr<MetricsListener>> m_metrics_listeners;
  std::unique_ptr<Live> m_live;
  std::unique_ptr<ControlServer> m_control;
};

}  // namespace app
