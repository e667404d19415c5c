#include "gateway/app/serve.hpp"

#include <malloc.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/core/errors.hpp"
#include "gateway/app/daemon.hpp"
#include "gateway/app/endings.hpp"
#include "gateway/app/listener.hpp"
#include "crypto/openpgp/home.hpp"
#include "gateway/app/start.hpp"
#include "gateway/config/load.hpp"
#include "gateway/pipeline/dispatch.hpp"
#include "gateway/pipeline/events.hpp"

namespace app {
namespace {

namespace asio = boost::asio;

constexpr base::log::Event k_event_start{"daemon.start"};
constexpr base::log::Event k_event_ready{"daemon.ready"};
constexpr base::log::Event k_event_stop{"daemon.stop"};
constexpr base::log::Event k_event_reload{"daemon.reload"};
constexpr base::log::Event k_event_fault{"config.fault"};
constexpr base::log::Event k_event_unused{"listener.unused_socket"};
constexpr base::log::Event k_event_daily{"report.daily"};
constexpr std::chrono::seconds k_daily_every{20};
constexpr std::chrono::seconds k_drain{20};
constexpr std::chrono::seconds k_goodbye{3};  // for sessions to say 421; then they are closed
constexpr std::chrono::seconds k_close{5};
constexpr unsigned k_blocking_threads = 4;
constexpr base::log::Event k_event_overdue{"openpgp.overdue"};

store::LogEntry system_event(receipts::EventType type, const base::Sha256Digest& cfg, const char* out, base::Timestamp now) {
  store::LogEntry entry{base::EventId::make(now), {}};
  entry.event.type = type;
  entry.event.time = now;
  entry.event.out = out;
  entry.event.cfg = cfg;
  return entry;
}

int cannot_start(const base::Error& error) {
  base::log::error(k_event_start, {{"error", error.describe()}});
  std::fprintf(stderr, "amtsbote: cannot start: %s\n", error.describe().c_str());
  return 2;
}

std::vector<std::string> error_texts(const std::vector<policies::Fault>& faults) {
  std::vector<std::string> out;
  for (const auto& fault : faults) out.push_back(policies::format_fault(fault));
  return out;
}

void tell_thrown(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    base::log::error(k_event_daily, {{"error", e.what()}});
  }
}

// glibc's defaults give memory back to the kernel, and take it again, several times a message: a busy gateway keeps some.
void keep_memory() {
  ::mallopt(M_TOP_PAD, 1 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 16 << 20);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
}

// Root by hand would leave files that the daemon's own user cannot open any more; the commands go into his place instead.
base::Result<void> check_owner(const base::fs::path& state_directory) {
  struct stat owner {};
  if (::stat(state_directory.c_str(), &owner) != 0 || owner.st_uid == ::geteuid()) return base::Done{};
  const passwd* user = ::getpwuid(owner.st_uid);
  const std::string name = user != nullptr ? user->pw_name : std::to_string(owner.st_uid);
  return base::fail(base::k_bad_permissions, state_directory.string() + " belongs to the user " + name + ", who alone may run a daemon there: systemctl start amtsbote, or runuser -u " + name + " -- amtsbote serve");
}

}  // namespace

Daemon::Daemon(ServeOptions options)
    : m_options(std::move(options)), m_crypto(std::max(1u, std::thread::hardware_concurrency())), m_blocking(k_blocking_threads) {}

Daemon::~Daemon() = default;

base::Result<void> Daemon::open(config::OptionsPtr loaded) {
  auto store = open_store(*loaded);
  if (!store) return std::move(store).error();
  m_store = *std::move(store);
  // not by a signal: it would kill the process before run() watches for it, and after
  m_store->on_fatal([this](const base::Error&) {
    m_failed = true;
    asio::post(m_io, [this] { begin_stop(); });
  });
  auto root = load_root_key(*loaded);
  if (!root) return std::move(root).error();
  auto keys = Keys::open(*loaded, *std::move(root));
  if (!keys) return std::move(keys).error();
  m_keys = *std::move(keys);
  auto snapshot = make_snapshot(loaded, m_keys);
  if (!snapshot) return std::move(snapshot).error();
  base::net::ResolverOptions resolving{loaded->dns.forwarders, loaded->dns.trust_anchor, loaded->dns.insecure, loaded->dns.timeout};
  auto resolver = base::net::Resolver::make(m_io.get_executor(), resolving);
  if (!resolver) return std::move(resolver).error();
  m_resolver = *std::move(resolver);
  m_context.store = m_store.get();
  m_context.crypto = &m_crypto;
  m_context.blocking = &m_blocking;
  if (m_keys->home()) {
    m_openpgp = std::make_unique<base::net::DeadlinePool>(base::net::DeadlinePool::Options{.deadline = loaded->openpgp.deadline});
    m_context.openpgp = m_openpgp.get();
  }
  m_context.resolver = m_resolver.get();
  m_context.current.set(*std::move(snapshot));
  m_probe = std::make_unique<pipeline::RecipientProbe>(m_context, m_io.get_executor());
  m_context.probe = m_probe.get();
  m_login = std::make_unique<pipeline::Login>(m_context);
  m_tokens = std::make_unique<web::Tokens>(m_context);
  m_dispatch = std::make_unique<pipeline::Dispatch>(m_context, m_io.get_executor());
  m_polls = std::make_unique<pipeline::DeMailPoll>(m_context, *m_dispatch, m_io.get_executor());
  if (auto recorded = record_config(receipts::EventType::sys_start, "started", *m_context.current.get()); !recorded) return recorded;
  if (auto recovered = m_dispatch->recover(); !recovered) return recovered;
  for (std::size_t i = 0; i < loaded->listeners.size(); ++i) {
    auto listener = Listener::bind(m_io.get_executor(), {m_context, *m_login, *m_dispatch, *m_tokens, m_sessions}, i, m_inherited);
    if (!listener) return std::move(listener).error();
    m_listeners.push_back(*std::move(listener));
  }
  if (auto opened = open_metrics(*loaded); !opened) return opened;
  // open, but nobody would ever answer there
  for (const std::string& address : m_inherited.close_untaken()) base::log::warning(k_event_unused, {{"address", address}});
  return open_control(*loaded);
}

// Looks a few times a minute; what is sent and that it was stand in the store.
base::net::Awaitable<void> Daemon::run_daily() {
  asio::steady_timer timer(m_io);
  while (!m_is_stopping) {
    auto job = [this] {
      return pipeline::send_daily(m_context, [this] { return ending_lines(*m_context.current.get(), *m_keys, m_context.clock->now()); });
    };
    const auto sent = co_await base::net::run_on(m_watching, std::move(job));
    if (!sent) base::log::error(k_event_daily, {{"error", sent.error().describe()}});
    if (sent && *sent > 0) {
      base::log::info(k_event_daily, {{"mails", static_cast<std::uint64_t>(*sent)}});
      m_dispatch->wake();
    }
    timer.expires_after(k_daily_every);
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

base::Result<void> Daemon::open_metrics(const config::Options& options) {
  web::MetricsSources sources;
  sources.endings = [this] { return find_endings(*m_context.current.get(), *m_keys, m_context.clock->now()); };
  sources.sessions = [this] { return m_sessions.all.load(); };
  sources.polls = [this] { return m_polls->lines(); };
  sources.listeners_open = [this] { return !m_is_stopping && !m_failed; };
  m_page = std::make_unique<web::MetricsPage>(m_context, m_watching, std::move(sources));
  for (std::size_t i = 0; i < options.metrics_listeners.size(); ++i) {
    auto listener = MetricsListener::bind(m_io.get_executor(), m_context, *m_page, i);
    if (!listener) return std::move(listener).error();
    m_metrics_listeners.push_back(*std::move(listener));
  }
  return base::Done{};
}

base::Result<void> Daemon::open_control(const config::Options& options) {
  Live::Hooks hooks;
  hooks.polls = [this] { return m_polls->lines(); };
  hooks.reload = [this] { return reload(); };
  hooks.wake = [this] { asio::post(m_io, [this] { m_dispatch->wake(); }); };
  hooks.forget_logins = [this] {
    m_login->forget();
    m_tokens->forget();
  };
  m_live = std::make_unique<Live>(m_context, m_keys, std::move(hooks));
  auto control = ControlServer::start(m_io.get_executor(), *m_live, {options.site.control, options.site.audit});
  if (!control) return std::move(control).error();
  m_control = *std::move(control);
  return base::Done{};
}

// The texts behind the hash of each receipt lie in the store, so that an auditor finds what decided.
base::Result<void> Daemon::record_config(receipts::EventType type, const char* out, const pipeline::Snapshot& current) {
  const pipeline::Snapshot* snapshot = &current;
  const base::Timestamp now = m_context.clock->now();
  store::Change change;
  if (type != receipts::EventType::sys_config) change.events.push_back(system_event(type, snapshot->cfg, out, now));
  change.events.push_back(system_event(receipts::EventType::sys_config, snapshot->cfg, "active", now));
  for (const auto& text : snapshot->options->texts) change.archive.emplace_back(text.name, text.text);
  return m_store->commit_and_wait(std::move(change));
}

std::vector<std::string> Daemon::reload() {
  const std::lock_guard one_at_a_time(m_reload);
  m_notifier.reloading();
  // systemd waits for this one whether the new version came into force or not: the old one serves on
  const std::shared_ptr<void> afterwards(nullptr, [this](void*) { m_notifier.ready("serving"); });
  const auto refused = [](const base::Error& error) {
    base::log::error(k_event_reload, {{"result", "refused"}, {"error", error.describe()}});
    return std::vector<std::string>{error.describe()};
  };
  auto loaded = config::load_config(m_options.config);
  if (!loaded.options) {
    for (const auto& fault : loaded.faults) base::log::error(k_event_fault, {{"fault", policies::format_fault(fault)}});
    base::log::error(k_event_reload, {{"result", "refused"}, {"faults", static_cast<std::uint64_t>(loaded.faults.size())}});
    return error_texts(loaded.faults);
  }
  if (auto again = m_keys->reload(); !again) return refused(again.error());
  auto snapshot = make_snapshot(loaded.options, m_keys);
  if (!snapshot) return refused(snapshot.error());
  // archived first: no receipt may name texts that a crash could still take away
  const auto recorded = record_config(receipts::EventType::sys_config, "active", **snapshot);
  if (!recorded) return refused(recorded.error());
  m_context.current.set(*std::move(snapshot));
  m_login->forget();
  base::log::info(k_event_reload, {{"result", "active"}, {"cfg", m_context.current.get()->options->hash}});
  return {};
}

void Daemon::watch_signals(asio::signal_set& signals) {
  signals.async_wait([this, &signals](const boost::system::error_code& ec, int number) {
    if (ec) return;
    if (number == SIGHUP) {
      asio::post(m_blocking, [this] { reload(); });
      watch_signals(signals);
      return;
    }
    base::log::info(k_event_stop, {{"signal", number}});
    begin_stop();
  });
}

void Daemon::begin_stop() {
  if (m_is_stopping) return;
  m_is_stopping = true;
  m_notifier.stopping();
  asio::co_spawn(m_io, shut_down(), [this](std::exception_ptr) { m_io.stop(); });
}

// No new connections, no new attempts; what is under way may end, within its time. A message that is still arriving was not
// acknowledged: its sender keeps it, and is told so where the dialogue allows it.
base::net::Awaitable<void> Daemon::shut_down() {
  for (auto& listener : m_listeners) listener->stop();
  m_control->stop();
  m_polls->stop();
  co_await m_dispatch->drain(k_drain);
  co_await m_polls->drain(k_close);
  co_await m_probe->close();
  for (const auto& [number, interrupt] : m_sessions.interrupters) interrupt();
  co_await wait_for_sessions(k_goodbye);
  for (const auto& [number, close] : m_sessions.closers) close();
  co_await wait_for_sessions(k_close);
}

base::net::Awaitable<void> Daemon::wait_for_sessions(std::chrono::seconds at_most) {
  const base::Steady until = m_context.clock->steady() + at_most;
  while (m_sessions.all > 0 && m_context.clock->steady() < until) {
    asio::steady_timer pause(m_io, std::chrono::milliseconds(5));
    boost::system::error_code ignored;
    co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  // until the end monitoring may see that we stop
  for (auto& listener : m_metrics_listeners) listener->stop();
}

// Whoever asked has his answer by then; this frees the thread, also one of the blocking pool that a command holds.
base::net::Awaitable<void> Daemon::watch_openpgp() {
  asio::steady_timer timer(m_io);
  while (true) {
    timer.expires_after(std::min<std::chrono::milliseconds>(m_openpgp->deadline() / 4, std::chrono::seconds{5}));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    auto job = [home = m_keys->home(), age = m_openpgp->deadline()] { return crypto::openpgp::end_overdue(*home, age); };
    const std::size_t ended = co_await base::net::run_on(m_crypto, std::move(job));
    if (ended > 0) base::log::warning(k_event_overdue, {{"ended", static_cast<std::uint64_t>(ended)}, {"lost", static_cast<std::uint64_t>(m_openpgp->counts().lost)}});
  }
}

// From the loop that serves the mail: while it is stuck nobody feeds, and systemd starts us anew.
base::net::Awaitable<void> Daemon::feed_watchdog() {
  asio::steady_timer timer(m_io);
  while (true) {
    m_notifier.alive();
    timer.expires_after(*m_notifier.watchdog());
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

int Daemon::run() {
  asio::signal_set signals(m_io, SIGTERM, SIGINT, SIGHUP);
  watch_signals(signals);
  for (auto& listener : m_listeners) listener->start();
  for (auto& listener : m_metrics_listeners) listener->start();
  m_dispatch->start();
  m_polls->start();
  asio::co_spawn(m_io, run_daily(), tell_thrown);
  if (m_openpgp) asio::co_spawn(m_io, watch_openpgp(), asio::detached);
  if (m_notifier.watchdog()) asio::co_spawn(m_io, feed_watchdog(), [](std::exception_ptr) {});
  m_notifier.ready("serving");
  base::log::info(k_event_ready, {{"listeners", static_cast<std::uint64_t>(m_listeners.size())}});
  while (true) {
    try {
      m_io.run();
      break;
    } catch (const std::exception& e) {
      base::log::error(k_event_stop, {{"what", e.what()}});
    }
  }
  m_watching.join();
  // nobody waits for gpg any more, and a command that does must not keep the pool
  if (m_openpgp) crypto::openpgp::end_overdue(*m_keys->home(), std::chrono::milliseconds{0});
  m_polls->join();
  m_blocking.join();
  m_crypto.join();
  const auto stopped = record_config(receipts::EventType::sys_stop, "stopped", *m_context.current.get());
  // the last checkpoint here, where its failure can still be told
  const auto published = m_store->publish_now();
  if (!published) base::log::error(k_event_stop, {{"error", published.error().describe()}});
  const int code = stopped && published && !m_failed ? 0 : 1;
  const auto gpg = m_openpgp ? m_openpgp->counts() : base::net::DeadlinePool::Counts{};
  if (m_sessions.all == 0 && m_dispatch->active() + m_polls->active() == 0 && gpg.running + gpg.lost == 0) return code;
  if (m_openpgp) crypto::openpgp::close_home(*m_keys->home());
  // attempts that outlived the drain hold on to what would be destroyed here; the store is complete, so end at once
  m_store.reset();
  base::log::stop();
  std::_Exit(code);
}

int serve(const ServeOptions& options) {
  keep_memory();
  base::log::start(options.log_format, options.log_level);
  const std::shared_ptr<void> end(nullptr, [](void*) { base::log::stop(); });
  auto loaded = config::load_config(options.config);
  for (const auto& fault : loaded.faults) std::fprintf(stderr, "%s\n", policies::format_fault(fault).c_str());
  if (!loaded.options) return 2;
  ::setenv("TZ", loaded.options->site.timezone.c_str(), 1);
  ::tzset();
  if (auto owned = check_owner(loaded.options->site.state_directory); !owned) return cannot_start(owned.error());
  Daemon daemon(options);
  if (auto opened = daemon.open(loaded.options); !opened) return cannot_start(opened.error());
  return daemon.run();
}

}  // namespace app
