#include "gateway/app/control_server.hpp"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <exception>
#include <optional>
#include <set>

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/core/log.hpp"
#include "gateway/app/command_table.hpp"
#include "gateway/app/control_handlers.hpp"

namespace app {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using base::net::Awaitable;

constexpr base::log::Event k_event_failed{"control.failed"};
constexpr base::log::Event k_event_open{"control.open"};
constexpr std::chrono::milliseconds k_pause_after_error{200};  // out of descriptors: do not spin

// One connection; its timer closes it when its deadline passes.
struct Connection {
  explicit Connection(stream_protocol::socket s) : socket(std::move(s)), timer(socket.get_executor()) {}

  void close() {
    boost::system::error_code ignored;
    socket.close(ignored);
    timer.cancel();
  }

  stream_protocol::socket socket;
  asio::steady_timer timer;
  Caller caller;
};
using ConnectionPtr = std::shared_ptr<Connection>;

void arm(const ConnectionPtr& connection, std::chrono::milliseconds time) {
  connection->timer.expires_after(time);
  connection->timer.async_wait([weak = std::weak_ptr<Connection>(connection)](const boost::system::error_code& error) {
    const auto alive = weak.lock();
    if (!error && alive) alive->close();
  });
}

// Sets the mode before the name exists, so that there is no moment in which others may connect.
base::Result<void> listen_at(stream_protocol::acceptor& acceptor, const std::filesystem::path& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) == 0) {
    if (!S_ISSOCK(st.st_mode)) return base::fail(base::k_io, path.string() + " exists and is no socket");
    ::unlink(path.c_str());
  }
  boost::system::error_code error;
  std::error_code absent;
  if (!std::filesystem::exists(path.parent_path(), absent))
    if (auto made = base::make_directories(path.parent_path(), 0755); !made) return made;
  acceptor.open(stream_protocol(), error);
  if (!error && ::fchmod(acceptor.native_handle(), 0660) != 0) error.assign(errno, boost::system::system_category());
  if (!error) acceptor.bind(stream_protocol::endpoint(path.string()), error);
  if (!error && ::chmod(path.c_str(), 0660) != 0) error.assign(errno, boost::system::system_category());
  if (!error) acceptor.listen(k_max_connections, error);
  if (error) return base::fail(base::k_io, path.string() + ": " + error.message());
  return base::Done{};
}

std::optional<gid_t> group_of(const std::filesystem::path& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 ? std::optional(st.st_gid) : std::nullopt;
}

std::string name_of(std::optional<gid_t> id) {
  const group* found = id ? ::getgrgid(*id) : nullptr;
  return found != nullptr ? found->gr_name : id ? std::to_string(*id) : "none";
}

// A socket takes the group of its directory where this has the setgid bit, else ours: that is how the site chooses. Who may ask
// stands in the log, so that a choice that was lost is seen.
void tell_groups(const ControlOptions& options) {
  const auto control = group_of(options.control), audit = group_of(options.audit);
  base::log::info(k_event_open, {{"control", options.control.string()},
                                 {"administrators", name_of(control)},
                                 {"audit", options.audit.string()},
                                 {"auditors", control == audit ? "no group of their own: " + options.audit.parent_path().string() + " has no setgid bit with another group" : name_of(audit)}});
}

base::Result<Caller> caller_of(stream_protocol::socket& socket, bool is_auditor) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return base::fail(base::k_io, base::errno_text(errno));
  return make_caller(peer.uid, is_auditor);
}

}  // namespace

struct ControlServer::Impl : std::enable_shared_from_this<ControlServer::Impl> {
  Impl(asio::any_io_executor e, Live& l, ControlOptions o)
      : executor(std::move(e)), live(l), options(std::move(o)), control(executor), audit(executor) {}

  Awaitable<void> accept(stream_protocol::acceptor& acceptor, bool is_auditor);
  Awaitable<void> serve(ConnectionPtr connection);
  Awaitable<bool> read_line(const ConnectionPtr& connection, std::string& buffer, std::string& line);
  Awaitable<bool> write(const ConnectionPtr& connection, const json::object& answer);
  void admit(stream_protocol::socket socket, bool is_auditor);
  void spawn(Awaitable<void> work);
  void stop();

  asio::any_io_executor executor;
  Live& live;
  ControlOptions options;
  stream_protocol::acceptor control, audit;
  std::set<ConnectionPtr> connections;
  bool stopped = false;
};

void ControlServer::Impl::spawn(Awaitable<void> work) {
  asio::co_spawn(executor, std::move(work), [](std::exception_ptr failure) {
    if (!failure) return;
    try {
      std::rethrow_exception(failure);
    } catch (const std::exception& e) {
      base::log::error(k_event_failed, {{"error", e.what()}});
    }
  });
}

Awaitable<void> ControlServer::Impl::accept(stream_protocol::acceptor& acceptor, bool is_auditor) {
  const auto self = shared_from_this();
  while (!stopped) {
    boost::system::error_code error;
    auto socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (stopped) co_return;
    if (error) {
      asio::steady_timer pause(executor, k_pause_after_error);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, error));
      continue;
    }
    admit(std::move(socket), is_auditor);
  }
}

void ControlServer::Impl::admit(stream_protocol::socket socket, bool is_auditor) {
  auto caller = caller_of(socket, is_auditor);
  if (!caller || connections.size() >= k_max_connections) {
    // a short line fits the socket's buffer; whoever does not read it gets the end of the connection
    const std::string line = format_line(error_answer(caller ? "too many connections" : caller.error().detail, k_exit_error));
    boost::system::error_code ignored;
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(line), ignored);
    return;
  }
  auto connection = std::make_shared<Connection>(std::move(socket));
  connection->caller = *std::move(caller);
  connections.insert(connection);
  spawn(serve(std::move(connection)));
}

Awaitable<void> ControlServer::Impl::serve(ConnectionPtr connection) {
  const auto self = shared_from_this();
  std::string buffer, line;
  while (!stopped) {
    const bool has_line = co_await read_line(connection, buffer, line);
    if (!has_line) break;
    json::object answer;
    bool is_last = false;
    auto request = parse_line(line, k_max_request);
    if (request) {
      auto job = [this, &request, &connection] { return handle(live, connection->caller, *request); };
      answer = co_await base::net::run_on(*live.context().blocking, std::move(job));
    } else {
      // whoever does not speak the language gets one answer, not a conversation
      answer = error_answer(request.error().detail, k_exit_error);
      is_last = true;
    }
    const bool written = co_await write(connection, answer);
    if (!written || is_last) break;
  }
  connection->close();
  connections.erase(connection);
}

// False at the end, at an error and when the deadline has passed.
Awaitable<bool> ControlServer::Impl::read_line(const ConnectionPtr& connection, std::string& buffer, std::string& line) {
  arm(connection, options.deadline);
  std::size_t searched = 0;
  while (true) {
    const std::size_t end = buffer.find('\n', searched);
    if (end != std::string::npos) {
      line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      connection->timer.cancel();
      co_return true;
    }
    searched = buffer.size();
    if (buffer.size() > k_max_request) {
      const json::object answer = error_answer("a request of more than " + std::to_string(k_max_request) + " bytes", k_exit_error);
      const bool written = co_await write(connection, answer);
      static_cast<void>(written);
      co_return false;
    }
    buffer.resize(searched + 16 * 1024);
    boost::system::error_code error;
    const auto into = asio::buffer(buffer.data() + searched, buffer.size() - searched);
    const std::size_t got = co_await connection->socket.async_read_some(into, asio::redirect_error(asio::use_awaitable, error));
    buffer.resize(searched + got);
    if (error) co_return false;
  }
}

Awaitable<bool> ControlServer::Impl::write(const ConnectionPtr& connection, const json::object& answer) {
  const std::string line = format_line(answer);
  arm(connection, options.deadline);
  boost::system::error_code error;
  const auto bytes = asio::buffer(line);
  co_await asio::async_write(connection->socket, bytes, asio::redirect_error(asio::use_awaitable, error));
  connection->timer.cancel();
  co_return !error;
}

void ControlServer::Impl::stop() {
  if (stopped) return;
  stopped = true;
  boost::system::error_code ignored;
  control.close(ignored);
  audit.close(ignored);
  for (const auto& path : {options.control, options.audit}) ::unlink(path.c_str());
  for (const auto& connection : connections) connection->close();
}

ControlServer::ControlServer(std::shared_ptr<Impl> impl) : m_impl(std::move(impl)) {}
ControlServer::~ControlServer() { stop(); }
void ControlServer::stop() { m_impl->stop(); }

base::Result<std::unique_ptr<ControlServer>> ControlServer::start(asio::any_io_executor executor, Live& live, ControlOptions options) {
  auto impl = std::make_shared<Impl>(std::move(executor), live, std::move(options));
  if (auto done = listen_at(impl->control, impl->options.control); !done) return done.error();
  if (auto done = listen_at(impl->audit, impl->options.audit); !done) return done.error();
  tell_groups(impl->options);
  impl->spawn(impl->accept(impl->control, false));
  impl->spawn(impl->accept(impl->audit, true));
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(impl)));
}

}  // namespace app
