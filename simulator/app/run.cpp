#include "simulator/app/run.hpp"

#include <cstdio>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "simulator/doors/control.hpp"
#include "simulator/doors/imap.hpp"
#include "simulator/doors/pop3.hpp"
#include "simulator/doors/smtp_door.hpp"

namespace simulator {
namespace {

namespace asio = boost::asio;
using base::net::Awaitable;

constexpr std::chrono::hours k_far{24};

// Lets go what is late when its time has come.
Awaitable<void> keep_time(World& world, asio::steady_timer& timer) {
  while (true) {
    const auto next = world.run();
    timer.expires_after(next ? std::max(*next - world.now(), std::chrono::milliseconds(1)) : std::chrono::milliseconds(k_far));
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
}

struct Door {
  std::string name;
  std::unique_ptr<Acceptor> acceptor;
};

class Program {
 public:
  Program(const Arguments& arguments, World& world, const Pki& pki)
      : m_arguments(arguments),
        m_world(world),
        m_pki(pki),
        m_timer(m_io),
        m_pusher(m_io.get_executor(), world, arguments.push),
        m_controlled{world, m_pusher, [this] { m_io.stop(); }} {}

  base::Result<void> open() {
    for (const Side side : k_sides) {
      const Signer& own = m_pki.of(side).tls;
      auto tls = base::net::make_tls_server(own.certificate_pem, base::SecretBytes::copy_of(own.key_pem), m_pki.file("tls-root"));
      if (!tls) return tls.error();
      World& world = m_world;
      const auto context = *tls;
      auto done = add(side, "submission", [&world, side, context](base::net::Stream s) {
        return serve_submission(std::move(s), world, side, context, false);
      });
      if (done)
        done = add(side, "submissions", [&world, side, context](base::net::Stream s) {
          return serve_submission(std::move(s), world, side, context, true);
        });
      if (done)
        done = add(side, "imaps", [&world, side, context](base::net::Stream s) {
          return serve_mailbox(std::move(s), world, side, context,
                               [](World& w, Side at, const Account* shown) { return std::make_unique<Imap>(w, at, shown); });
        });
      if (done)
        done = add(side, "pop3s", [&world, side, context](base::net::Stream s) {
          return serve_mailbox(std::move(s), world, side, context,
                               [](World& w, Side at, const Account* shown) { return std::make_unique<Pop3>(w, at, shown); });
        });
      if (!done) return done;
    }
    auto control = listen_on(m_io.get_executor(), m_arguments.directory / "control");
    if (!control) return control.error();
    m_control = *std::move(control);
    m_control->start([this](base::net::Stream s) { return serve_control(std::move(s), m_controlled); });
    return base::Done{};
  }

  void say_ready() const {
    JsonLine out;
    out.add("event", "ready")
        .add("directory", m_arguments.directory.string())
        .add("control", (m_arguments.directory / "control").string());
    for (const Side side : k_sides) {
      JsonLine one;
      one.add("domain", provider_of(side).domain).add("hostname", provider_of(side).hostname);
      for (const Door& door : m_doors)
        if (door.name.starts_with(name_of(side))) one.add(door.name.substr(2), static_cast<std::int64_t>(door.acceptor->port()));
      out.add(name_of(side), one);
    }
    std::vector<std::string> names;
    for (const Account& account : m_world.directory.accounts()) names.push_back(account.name);
    std::puts(out.add("accounts", names).text().c_str());
    std::fflush(stdout);
  }

  void run() {
    asio::signal_set signals(m_io, SIGTERM, SIGINT);
    signals.async_wait([this](const boost::system::error_code&, int) { m_io.stop(); });
    m_world.on_change = [this] {
      m_timer.cancel();
      m_pusher.wake();
    };
    asio::co_spawn(m_io, keep_time(m_world, m_timer), [](std::exception_ptr) {});
    m_pusher.start();
    m_io.run();
    m_world.on_change = nullptr;
  }

 private:
  base::Result<void> add(Side side, const char* name, Handler handler) {
    const std::string full = std::string(name_of(side)) + "-" + name;
    const auto port = m_arguments.ports.find(full);
    auto acceptor = listen_on(m_io.get_executor(), m_arguments.address, port == m_arguments.ports.end() ? 0 : port->second);
    if (!acceptor) return acceptor.error();
    (*acceptor)->start(std::move(handler));
    m_doors.push_back({full, *std::move(acceptor)});
    return base::Done{};
  }

  const Arguments& m_arguments;
  World& m_world;
  const Pki& m_pki;
  asio::io_context m_io{1};
  asio::steady_timer m_timer;
  Pusher m_pusher;
  Controlled m_controlled;
  std::vector<Door> m_doors;
  std::unique_ptr<Acceptor> m_control;
};

int fail(const base::Error& error) {
  std::fprintf(stderr, "amtsbote-demail-sim: %s\n", error.describe().c_str());
  return 2;
}

}  // namespace

int run(const Arguments& arguments) {
  const auto made = base::make_directories(arguments.directory, 0755);
  if (!made) return fail(made.error());
  const auto pki = open_pki(arguments.directory / "pki", arguments.accounts, base::system_clock().now());
  if (!pki) return fail(pki.error());
  const auto journal = Journal::open(arguments.directory / "journal", base::system_clock());
  if (!journal) return fail(journal.error());
  WorldSettings settings = arguments.world;
  settings.issue.pki = &*pki;
  World world(std::move(settings), Directory(arguments.accounts, arguments.suffixes), **journal, base::system_clock());
  Program program(arguments, world, *pki);
  const auto opened = program.open();
  if (!opened) return fail(opened.error());
  program.say_ready();
  program.run();
  return 0;
}

}  // namespace simulator
