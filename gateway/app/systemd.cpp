#include "gateway/app/systemd.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <utility>

namespace app {
namespace {

constexpr int k_first_fd = 3;         // SD_LISTEN_FDS_START
constexpr long k_most_sockets = 64;

std::optional<long> number_in(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  long value = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc{} || *end != '\0' || value < 0) return std::nullopt;
  return value;
}

std::string key_of(const char* host, std::uint16_t port) { return std::string(host) + " " + std::to_string(port); }

// The address on which `fd` listens; "" where it is no TCP socket that does.
std::string address_of(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0) return {};
  sockaddr_storage address{};
  size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    return ::inet_ntop(AF_INET, &in.sin_addr, text, sizeof text) == nullptr ? std::string() : key_of(text, ntohs(in.sin_port));
  }
  if (address.ss_family != AF_INET6) return {};
  const auto& in = reinterpret_cast<const sockaddr_in6&>(address);
  return ::inet_ntop(AF_INET6, &in.sin6_addr, text, sizeof text) == nullptr ? std::string() : key_of(text, ntohs(in.sin6_port));
}

// The same address as the system writes it, so that "0:0::1" and "::1" are one.
std::string canonical(const std::string& host) {
  unsigned char bytes[16];
  char text[INET6_ADDRSTRLEN] = "";
  const int family = host.find(':') == std::string::npos ? AF_INET : AF_INET6;
  if (::inet_pton(family, host.c_str(), bytes) != 1 || ::inet_ntop(family, bytes, text, sizeof text) == nullptr) return host;
  return text;
}

}  // namespace

Notifier Notifier::from_environment() {
  Notifier out;
  const char* path = std::getenv("NOTIFY_SOCKET");
  // a path, or a name in the abstract space, which begins with a zero where "@" stands
  if (path == nullptr || (*path != '/' && *path != '@') || std::strlen(path) >= sizeof(sockaddr_un::sun_path)) return out;
  out.m_address = path;
  if (out.m_address[0] == '@') out.m_address[0] = '\0';
  out.m_fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto watched = number_in("WATCHDOG_USEC");
  const auto pid = number_in("WATCHDOG_PID");
  if (watched && *watched > 0 && (!pid || *pid == ::getpid()))
    out.m_watchdog = std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::microseconds(*watched) / 2));
  return out;
}

Notifier::~Notifier() {
  if (m_fd >= 0) ::close(m_fd);
}

Notifier::Notifier(Notifier&& other) noexcept
    : m_fd(std::exchange(other.m_fd, -1)), m_address(std::move(other.m_address)), m_watchdog(std::exchange(other.m_watchdog, std::nullopt)) {}

Notifier& Notifier::operator=(Notifier&& other) noexcept {
  std::swap(m_fd, other.m_fd);
  std::swap(m_address, other.m_address);
  std::swap(m_watchdog, other.m_watchdog);
  return *this;
}

void Notifier::say(std::string_view state) const {
  if (m_fd < 0) return;
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, m_address.data(), m_address.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + m_address.size());
  const ssize_t sent = ::sendto(m_fd, state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to), size);
  (void)sent;  // a system manager that does not listen is not ours to mend
}

void Notifier::ready(std::string_view status) const { say("READY=1\nSTATUS=" + std::string(status)); }

void Notifier::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  say("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000));
}

void Notifier::stopping() const { say("STOPPING=1\nSTATUS=draining"); }

void Notifier::alive() const { say("WATCHDOG=1"); }

InheritedSockets InheritedSockets::from_environment() {
  InheritedSockets out;
  const auto count = number_in("LISTEN_FDS"), pid = number_in("LISTEN_PID");
  for (const char* variable : {"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}) ::unsetenv(variable);
  if (!count || !pid || *pid != ::getpid()) return out;
  for (int fd = k_first_fd; fd < k_first_fd + std::min(*count, k_most_sockets); ++fd) {
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    std::string address = address_of(fd);
    if (address.empty() || !out.m_sockets.emplace(std::move(address), fd).second) ::close(fd);
  }
  return out;
}

InheritedSockets::~InheritedSockets() { close_untaken(); }

std::optional<int> InheritedSockets::take(const std::string& host, std::uint16_t port) {
  const auto at = m_sockets.find(key_of(canonical(host).c_str(), port));
  if (at == m_sockets.end()) return std::nullopt;
  const int fd = at->second;
  m_sockets.erase(at);
  return fd;
}

std::vector<std::string> InheritedSockets::close_untaken() {
  std::vector<std::string> out;
  for (const auto& [address, fd] : m_sockets) {
    ::close(fd);
    out.push_back(address);
  }
  m_sockets.clear();
  return out;
}

bool is_held_by_systemd(std::uint16_t port) {
  std::set<std::string> sockets;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    std::ifstream in(table);
    // "0: 00000000000000000000000000000000:024B 0000…:0000 0A …": number, local, remote, state (0A listens), queues, timers, …, uid, …, inode
    for (std::string line; std::getline(in, line);) {
      std::istringstream words(line);
      std::string number, local, remote, state, queues, timer, retransmits, uid, timeout, inode;
      words >> number >> local >> remote >> state >> queues >> timer >> retransmits >> uid >> timeout >> inode;
      const auto colon = local.rfind(':');
      if (state == "0A" && colon != std::string::npos && std::strtoul(local.c_str() + colon + 1, nullptr, 16) == port) sockets.insert("socket:[" + inode + "]");
    }
  }
  std::error_code error;
  for (auto at = std::filesystem::directory_iterator("/proc/1/fd", error); !error && at != std::filesystem::directory_iterator(); at.increment(error)) {
    std::error_code gone;
    if (sockets.contains(std::filesystem::read_symlink(at->path(), gone).string())) return true;
  }
  return false;
}

}  // namespace app
