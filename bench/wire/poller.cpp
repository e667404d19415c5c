#include "bench/wire/poller.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "bench/wire/arguments.hpp"

namespace bench {

Poller::Poller() : m_fd(epoll_create1(EPOLL_CLOEXEC)) {
  if (m_fd < 0) stop("no epoll");
}

Poller::~Poller() { close(m_fd); }

void Poller::add(int fd, std::uint64_t number, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  if (epoll_ctl(m_fd, EPOLL_CTL_ADD, fd, &event) != 0) stop("epoll refuses a socket");
}

void Poller::change(int fd, std::uint64_t number, std::uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = number;
  epoll_ctl(m_fd, EPOLL_CTL_MOD, fd, &event);
}

std::span<const epoll_event> Poller::wait(double seconds) {
  // nanoseconds, because at a steady rate a millisecond of waiting too long would be measured as the gateway's
  const double bounded = std::clamp(seconds, 0.0, 60.0);
  timespec timeout{};
  timeout.tv_sec = static_cast<time_t>(bounded);
  timeout.tv_nsec = static_cast<long>((bounded - std::floor(bounded)) * 1e9);
  const int count = epoll_pwait2(m_fd, m_events.data(), static_cast<int>(m_events.size()), &timeout, nullptr);
  return {m_events.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace bench
