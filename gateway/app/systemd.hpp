// Promise: the two things that the daemon and systemd tell each other: what state the daemon is in (sd_notify(3)), and which
// listening sockets systemd opened for it (sd_listen_fds(3)). Without systemd all of it does nothing. The protocols are a few
// lines each, so no library is needed; a failed notification is never a reason to stop serving.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

class Notifier {
 public:
  // From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  static Notifier from_environment();
  Notifier() = default;
  ~Notifier();
  Notifier(Notifier&& other) noexcept;
  Notifier& operator=(Notifier&& other) noexcept;

  void ready(std::string_view status) const;
  void reloading() const;                    // ready() follows, whatever became of it
  void stopping() const;
  void alive() const;                        // feeds the watchdog
  // How often to feed it: half of what systemd waits. Nothing: it does not watch.
  std::optional<std::chrono::milliseconds> watchdog() const { return m_watchdog; }

 private:
  void say(std::string_view state) const;

  int m_fd = -1;
  std::string m_address;                     // of the socket, as in sockaddr_un
  std::optional<std::chrono::milliseconds> m_watchdog;
};

// Sockets that systemd opened, by the address they listen on.
class InheritedSockets {
 public:
  // From LISTEN_FDS, if LISTEN_PID is this process; takes the variables out of the environment, so that no child believes them.
  static InheritedSockets from_environment();
  InheritedSockets() = default;
  ~InheritedSockets();
  InheritedSockets(InheritedSockets&&) = default;
  InheritedSockets& operator=(InheritedSockets&&) = delete;

  // The descriptor for this address, which is the caller's from now on; once.
  std::optional<int> take(const std::string& host, std::uint16_t port);
  // Closes what nobody took, and tells the addresses.
  std::vector<std::string> close_untaken();

 private:
  std::map<std::string, int> m_sockets;
};

// Does systemd hold a listening socket on this port, so that a daemon would be given it? False also where that cannot be seen,
// which needs root.
bool is_held_by_systemd(std::uint16_t port);

}  // namespace app
