// Promise: epoll for connections that are known by a number; keeps the interest of each in step with what it wants.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "bench/wire/connection.hpp"

namespace bench {

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  void add(int fd, std::uint64_t number, std::uint32_t events);
  void change(int fd, std::uint64_t number, std::uint32_t events);
  std::span<const epoll_event> wait(double seconds);  // event.data.u64 is the number

 private:
  int m_fd;
  std::array<epoll_event, 256> m_events{};
};

}  // namespace bench
