#include "gateway/app/control_client.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <cstring>
#include <ostream>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "gateway/app/control_handlers.hpp"
#include "gateway/app/control_local.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/schema.hpp"

namespace app {
namespace {

class Socket {
 public:
  explicit Socket(int fd) : m_fd(fd) {}
  ~Socket() {
    if (m_fd >= 0) ::close(m_fd);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return m_fd; }

 private:
  int m_fd;
};

base::Result<void> send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return base::fail(base::k_connection, "the daemon closed the connection: " + base::errno_text(errno));
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return base::Done{};
}

base::Error no_answer_within(std::chrono::seconds wait) {
  return base::fail(base::k_timeout, "the daemon runs but has not answered within " + std::to_string(wait.count()) +
                                         " seconds: its log tells what it waits for (journalctl -u amtsbote); systemctl restart amtsbote loses nothing that was acknowledged");
}

base::Result<std::string> receive_line(int fd, std::chrono::seconds wait) {
  std::string line;
  char buffer[64 * 1024];
  while (line.size() <= k_max_answer) {
    const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return no_answer_within(wait);
    if (got <= 0) return base::fail(base::k_connection, "the daemon closed the connection without an answer");
    const std::size_t count = static_cast<std::size_t>(got);
    const void* end = std::memchr(buffer, '\n', count);
    line.append(buffer, end == nullptr ? count : static_cast<std::size_t>(static_cast<const char*>(end) - buffer));
    if (end != nullptr) return line;
  }
  return base::fail(base::k_too_large, "an answer of more than " + std::to_string(k_max_answer) + " bytes");
}

// Whom an administrator has to ask for it.
std::string group_of(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return "its group";
  const group* found = ::getgrgid(st.st_gid);
  return "the group " + (found != nullptr ? std::string(found->gr_name) : std::to_string(st.st_gid));
}

// Why nothing can be asked: without the file nobody knows where the socket of a daemon would be.
std::string no_config(const std::string& path) {
  const int reason = ::access(path.c_str(), R_OK) == 0 ? 0 : errno;
  if (reason == ENOENT) return "there is no configuration " + path + ": --config names another one, amtsbote init writes a first one";
  if (reason == EACCES) return "you may not read " + path + ": root may, and members of its group";
  return "the configuration cannot be understood, and no daemon answers where it would be without one";
}

json::object ask_local(const Invocation& invocation, const config::Loaded& loaded, const json::object& request) {
  if (loaded.options == nullptr) {
    for (const auto& fault : loaded.faults) invocation.err << policies::format_fault(fault) << "\n";
    if (loaded.draft->site.control.empty()) return error_answer(no_config(invocation.one("--config", k_default_config)), k_exit_error);
    return error_answer("no daemon runs, and the configuration has faults: amtsbote check tells them, systemctl start amtsbote starts a daemon once they are mended", k_exit_error);
  }
  const Caller caller = make_caller(::geteuid(), false);
  auto local = LocalStore::open(loaded.options);
  if (!local)
    return error_answer("no daemon runs (systemctl start amtsbote), and the store cannot be opened from here: " + std::string(local.error().code.name) + ": " + local.error().detail,
                        k_exit_error);
  return handle((*local)->live(), caller, request);
}

}  // namespace

base::Result<std::optional<json::object>> ask_daemon(const std::filesystem::path& path, const json::object& request, std::chrono::seconds wait) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = path.string();
  if (name.size() >= sizeof address.sun_path) return base::fail(base::k_too_large, name + " is too long for a socket");
  std::memcpy(address.sun_path, name.c_str(), name.size());
  const std::string line = format_line(request);
  if (line.size() > k_max_request) return base::fail(base::k_too_large, "a request of more than " + std::to_string(k_max_request) + " bytes");
  const Socket socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (socket.fd() < 0) return base::fail(base::k_io, base::errno_text(errno));
  // before connect(), which waits too, where those who gave up fill the queue of a daemon that stands still
  const timeval limit{wait.count(), 0};
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED) return std::optional<json::object>{};
    if (errno == EAGAIN || errno == EWOULDBLOCK) return no_answer_within(wait);
    if (errno == EACCES) return base::fail(base::k_bad_permissions, "you may not use " + name + ": it is for root and for members of " + group_of(name));
    return base::fail(base::k_connection, name + ": " + base::errno_text(errno));
  }
  if (auto done = send_all(socket.fd(), line); !done) return done.error();
  const auto answer = receive_line(socket.fd(), wait);
  if (!answer) return answer.error();
  auto object = parse_line(*answer, k_max_answer);
  if (!object) return std::move(object).error();
  return std::optional(*std::move(object));
}

Sockets sockets_of(const std::string& file, const config::Options& draft) {
  const bool is_unknown = draft.site.control.empty() && file == k_default_config && (::access(file.c_str(), F_OK) == 0 || errno == EACCES);
  if (!is_unknown) return {draft.site.control, draft.site.audit};
  return {config::fallback_of(config::schema::site(), "control"), config::fallback_of(config::schema::site(), "audit")};
}

base::Result<std::optional<json::object>> ask_daemon(const Sockets& sockets, const json::object& request, std::chrono::seconds wait) {
  auto answer = ask_daemon(sockets.control, request, wait);
  if (answer || answer.error().code != base::k_bad_permissions) return answer;
  auto as_auditor = ask_daemon(sockets.audit, request, wait);
  // what the other socket says against it is the better answer only if it lets us in
  if ((as_auditor && *as_auditor) || (!as_auditor && as_auditor.error().code != base::k_bad_permissions)) return as_auditor;
  return answer;
}

json::object answer_of(const Invocation& invocation, const json::object& request, std::chrono::seconds wait) {
  const std::string file = invocation.one("--config", k_default_config);
  const auto loaded = config::load_config(file);
  const Sockets sockets = sockets_of(file, *loaded.draft);
  // people read times in the site's zone
  if (!loaded.draft->site.timezone.empty()) ::setenv("TZ", loaded.draft->site.timezone.c_str(), 1);
  ::tzset();
  // a daemon runs on under its old configuration while the files are being edited: faults elsewhere do not lock people out
  if (sockets.control.empty()) {
    for (const auto& fault : loaded.faults) invocation.err << policies::format_fault(fault) << "\n";
    return error_answer(no_config(file), k_exit_error);
  }
  auto answer = ask_daemon(sockets, request, wait);
  if (!answer) return error_answer(answer.error().detail, k_exit_error);
  if (*answer) return **std::move(answer);
  return ask_local(invocation, loaded, request);
}

int print_answer(const Invocation& invocation, const json::object& answer, Renderer render) {
  if (invocation.wants_json())
    invocation.out << format_line(answer);
  else if (!flag_of(answer, "ok"))
    invocation.err << "amtsbote: " << shown(text_of(answer, "error"), 4000) << "\n";
  else if (render != nullptr)
    render(invocation.out, answer);
  return exit_code_of(answer);
}

int run_live(const Invocation& invocation, json::object request, Renderer render, std::chrono::seconds wait) {
  return print_answer(invocation, answer_of(invocation, request, wait), render);
}

}  // namespace app
