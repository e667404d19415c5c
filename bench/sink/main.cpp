// SMTP sink: takes mail on a loopback port and counts it. Ends by XEXIT, SIGTERM or --max-seconds, with one line of JSON. On its port
// it also answers XSTAT (the same JSON), XCOUNT and XRESET. Saved files hold the dots as sent (doubled at the start of a line).
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <unordered_map>

#include "bench/sink/session.hpp"
#include "bench/wire/arguments.hpp"
#include "bench/wire/poller.hpp"
#include "bench/wire/tls.hpp"

namespace bench {
namespace {

volatile std::sig_atomic_t g_terminated = 0;

SinkPlan parse_sink_plan(int argc, char** argv) {
  const Arguments given(argc, argv, {"starttls"},
                        {"host", "port", "delay-ms", "fail4", "drop", "max-seconds", "save", "save-directory", "ids"});
  SinkPlan plan;
  plan.address = loopback_address(given.text("host", "127.0.0.1"));
  plan.port = static_cast<std::uint16_t>(given.number("port", 0));
  plan.starttls = given.has("starttls");
  plan.delay_seconds = given.real("delay-ms", 0) / 1000;
  plan.fail4 = given.real("fail4", 0);
  plan.drop = given.real("drop", 0);
  plan.max_seconds = given.real("max-seconds", 3600);
  plan.save = given.number("save", 0);
  plan.save_directory = given.text("save-directory", ".");
  plan.ids_file = given.text("ids", "");
  if (plan.max_seconds > 6 * 3600) stop("--max-seconds is at most six hours");
  return plan;
}

class Sink {
 public:
  explicit Sink(SinkPlan plan) {
    m_state.plan = std::move(plan);
    if (m_state.plan.starttls) m_tls = make_server_tls();
    m_listener = listen_on(m_state.plan.address, m_state.plan.port);
    std::fprintf(stderr, "port %u\n", port_of(m_listener));
    m_poller.add(m_listener, k_listener, EPOLLIN);
  }

  void run() {
    const double end = monotonic_seconds() + m_state.plan.max_seconds;
    while (g_terminated == 0 && !m_state.is_over && monotonic_seconds() < end) {
      for (const epoll_event& event : m_poller.wait(wait_seconds())) {
        event.data.u64 == k_listener ? accept_all() : serve(event.data.u64);
      }
      answer_delayed();
    }
    std::puts(m_state.tally.json().c_str());
    if (m_state.plan.ids_file.empty()) return;
    std::FILE* file = std::fopen(m_state.plan.ids_file.c_str(), "w");
    if (file == nullptr) stop("cannot write " + m_state.plan.ids_file);
    std::fputs(m_state.tally.ids().c_str(), file);
    std::fclose(file);
  }

 private:
  static constexpr std::uint64_t k_listener = 0;
  struct Entry {
    SinkSession session;
    std::uint32_t interest;
  };

  double wait_seconds() const { return m_state.plan.delay_seconds > 0 ? 0.002 : 0.5; }

  void accept_all() {
    for (int fd = accept4(m_listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC); fd >= 0;
         fd = accept4(m_listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) {
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      const std::uint64_t number = ++m_last;
      m_sessions.emplace(number, Entry{SinkSession(std::make_unique<Connection>(fd), m_state, m_tls.get()), EPOLLIN});
      m_poller.add(fd, number, EPOLLIN);
    }
  }

  void serve(std::uint64_t number) {
    const auto found = m_sessions.find(number);
    if (found == m_sessions.end()) return;
    if (!found->second.session.on_ready()) {
      m_sessions.erase(found);
      return;
    }
    const std::uint32_t wanted = found->second.session.connection().wanted();
    if (wanted == found->second.interest) return;
    found->second.interest = wanted;
    m_poller.change(found->second.session.connection().fd(), number, wanted);
  }

  void answer_delayed() {
    if (m_state.plan.delay_seconds <= 0) return;
    const double now = monotonic_seconds();
    for (auto entry = m_sessions.begin(); entry != m_sessions.end();) {
      entry = entry->second.session.answer_if_due(now) ? std::next(entry) : m_sessions.erase(entry);
    }
  }

  SinkState m_state;
  TlsContext m_tls;
  Poller m_poller;
  int m_listener = -1;
  std::uint64_t m_last = k_listener;
  std::unordered_map<std::uint64_t, Entry> m_sessions;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGTERM, [](int) { bench::g_terminated = 1; });
  std::signal(SIGINT, [](int) { bench::g_terminated = 1; });
  bench::Sink sink(bench::parse_sink_plan(argc, argv));
  sink.run();
  return 0;
}
