#include "gateway/app/command_password.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <istream>
#include <optional>

#include "base/core/errors.hpp"

namespace app {
namespace {

constexpr std::size_t k_max_password = 1024;

// The terminal itself, so that neither a pipe at standard input nor one at standard output gets in the way.
class Terminal {
 public:
  Terminal() : m_fd(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (m_fd < 0 || ::tcgetattr(m_fd, &m_before) != 0) return;
    termios silent = m_before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    m_is_silent = ::tcsetattr(m_fd, TCSAFLUSH, &silent) == 0;
  }
  ~Terminal() {
    if (m_is_silent) ::tcsetattr(m_fd, TCSAFLUSH, &m_before);
    if (m_fd >= 0) ::close(m_fd);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  bool is_ready() const { return m_is_silent; }
  void say(std::string_view text) {
    if (::write(m_fd, text.data(), text.size()) < 0) return;  // whoever types blind notices it himself
  }
  std::optional<base::SecretBytes> line(const char* prompt) {
    say(prompt);
    base::SecretBytes buffer(k_max_password + 1);
    std::size_t used = 0;
    while (used <= k_max_password) {
      const ssize_t got = ::read(m_fd, buffer.data() + used, 1);
      if (got <= 0 || buffer.data()[used] == '\n') break;
      ++used;
    }
    say("\n");
    if (used > k_max_password) return std::nullopt;
    return base::SecretBytes::copy_of(buffer.view().substr(0, used));
  }

 private:
  int m_fd;
  termios m_before{};
  bool m_is_silent = false;
};

base::Result<base::SecretBytes> checked(base::SecretBytes password) {
  if (password.empty()) return base::fail(base::k_malformed, "the password is empty");
  return password;
}

}  // namespace

base::Result<base::SecretBytes> read_password(const Invocation& invocation, const char* prompt, bool twice) {
  if (invocation.has(k_password_stdin_option.name)) {
    std::string line;
    std::getline(invocation.in, line);
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > k_max_password) return base::fail(base::k_malformed, "the password is longer than 1024 bytes");
    auto password = base::SecretBytes::copy_of(line);
    base::wipe(line);
    return checked(std::move(password));
  }
  Terminal terminal;
  if (!terminal.is_ready()) return base::fail(base::k_io, "no terminal to ask for the password: use --password-stdin");
  auto first = terminal.line(prompt);
  if (!first) return base::fail(base::k_malformed, "the password is longer than 1024 bytes");
  if (twice) {
    const auto second = terminal.line("Once more: ");
    if (!second || !base::equal_secrets(first->view(), second->view())) return base::fail(base::k_malformed, "the two are not alike");
  }
  return checked(*std::move(first));
}

}  // namespace app
