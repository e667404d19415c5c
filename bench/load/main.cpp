// SMTP load generator: many sessions in one thread. Bounded in count and time; loopback only; one line of JSON at the end.
#include <csignal>
#include <cstdio>
#include <deque>

#include "bench/load/session.hpp"
#include "bench/wire/poller.hpp"
#include "bench/wire/tls.hpp"

namespace bench {
namespace {

constexpr double k_retry_seconds = 0.05;  // between two attempts to connect to a gateway that is down
constexpr double k_tick_seconds = 0.2;

class Load {
 public:
  explicit Load(const Plan& plan) : m_plan(plan), m_maker(m_plan), m_score(m_plan), m_tls(make_client_tls()) {
    for (std::size_t i = 0; i < m_plan.sessions; ++i) m_sessions.emplace_back(m_plan, m_maker, m_score, m_tls.get());
    m_reopen_at.assign(m_plan.sessions, 0.0);
    m_interest.assign(m_plan.sessions, 0U);
  }

  std::string run() {
    m_start = monotonic_seconds();
    const double end = m_start + m_plan.max_seconds;
    while (monotonic_seconds() < end && (m_next < m_plan.messages || count_open() > 0)) {
      for (std::size_t i = 0; i < m_sessions.size(); ++i) tend(i);
      for (const epoll_event& event : m_poller.wait(wait_seconds())) serve(event.data.u64);
    }
    for (Session& session : m_sessions) {
      if (session.is_open()) session.close("out of time");
    }
    m_score.unsent(m_plan.messages - m_next);
    return m_score.json();
  }

 private:
  std::size_t count_open() const {
    std::size_t count = 0;
    for (const Session& session : m_sessions) count += session.is_open() ? 1 : 0;
    return count;
  }

  double due_of(std::uint64_t number) const { return m_start + static_cast<double>(number) / m_plan.rate; }

  double wait_seconds() const {
    if (m_plan.rate <= 0 || m_next >= m_plan.messages) return k_tick_seconds;
    const double left = due_of(m_next) - monotonic_seconds();
    return left > 0 && left < k_tick_seconds ? left : k_tick_seconds;
  }

  // Opens what is closed, gives work to what is idle, and notes what each socket waits for.
  void tend(std::size_t i) {
    Session& session = m_sessions[i];
    const double now = monotonic_seconds();
    if (!session.is_open()) {
      if (m_next >= m_plan.messages || now < m_reopen_at[i]) return;
      if (!session.open()) return;
      m_interest[i] = EPOLLIN | EPOLLOUT;
      m_poller.add(session.connection().fd(), i, m_interest[i]);
      return;
    }
    if (session.is_idle()) give_work(session, now);
    if (session.connection().is_broken()) return drop(i, "connection lost");
    if (session.is_finished()) return drop(i, "refused");
    const std::uint32_t wanted = session.connection().wanted();
    if (wanted != m_interest[i]) m_poller.change(session.connection().fd(), i, wanted);
    m_interest[i] = wanted;
  }

  void give_work(Session& session, double now) {
    if (m_next >= m_plan.messages || (m_plan.reconnect && m_used.contains(&session))) {
      m_used.erase(&session);
      return session.quit();
    }
    if (m_plan.rate > 0 && due_of(m_next) > now) return;
    m_used.insert(&session);
    session.give({m_next, m_plan.rate > 0 ? due_of(m_next) : now});
    ++m_next;
  }

  void serve(std::uint64_t number) {
    Session& session = m_sessions[number];
    if (session.is_open() && !session.on_ready()) drop(number, "connection lost");
  }

  void drop(std::size_t i, const std::string& why) {
    // a session that ended well may come back at once; one that failed waits, so that a dead gateway costs no busy loop
    if (!m_sessions[i].is_finished() || !m_plan.reconnect) m_reopen_at[i] = monotonic_seconds() + k_retry_seconds;
    m_used.erase(&m_sessions[i]);
    m_sessions[i].close(why);
  }

  Plan m_plan;
  MessageMaker m_maker;
  Score m_score;
  TlsContext m_tls;
  Poller m_poller;
  std::deque<Session> m_sessions;
  std::vector<double> m_reopen_at;
  std::vector<std::uint32_t> m_interest;
  std::set<const Session*> m_used;  // has sent a message on its connection
  std::uint64_t m_next = 0;
  double m_start = 0;
};

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  bench::Load load(bench::parse_plan(argc, argv));
  std::puts(load.run().c_str());
  return 0;
}
