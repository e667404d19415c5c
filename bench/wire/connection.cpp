#include "bench/wire/connection.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/wire/arguments.hpp"

namespace bench {
namespace {

constexpr std::size_t k_piece = 64 * 1024;  // one read or write: large enough that the system call is not the cost

sockaddr_in socket_address(std::uint32_t address, std::uint16_t port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_addr.s_addr = address;
  where.sin_port = htons(port);
  return where;
}

}  // namespace

Connection::~Connection() {
  SSL_free(m_tls);
  close(m_fd);
}

std::unique_ptr<Connection> Connection::connect_to(std::uint32_t address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return nullptr;
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  auto connection = std::make_unique<Connection>(fd);
  const sockaddr_in where = socket_address(address, port);
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where);
  if (result != 0 && errno != EINPROGRESS) return nullptr;
  return connection;
}

std::uint32_t Connection::wanted() const {
  const bool write = m_wants_write || (!m_shaking && !is_drained());
  return static_cast<std::uint32_t>(EPOLLIN) | (write ? static_cast<std::uint32_t>(EPOLLOUT) : 0U);
}

void Connection::start_tls(SSL_CTX* context, bool as_server) {
  m_in.clear();
  m_tls = SSL_new(context);
  SSL_set_fd(m_tls, m_fd);
  as_server ? SSL_set_accept_state(m_tls) : SSL_set_connect_state(m_tls);
  m_shaking = true;
  m_wants_write = !as_server;
}

Connection::Step Connection::judge(int result) {
  const int error = SSL_get_error(m_tls, result);
  m_wants_write = error == SSL_ERROR_WANT_WRITE;
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return Step::again;
  ERR_clear_error();
  return Step::broken;
}

Connection::Step Connection::shake() {
  if (!m_shaking) return Step::done;
  const int result = SSL_do_handshake(m_tls);
  if (result != 1) return judge(result);
  m_shaking = m_wants_write = false;
  return Step::done;
}

Connection::Step Connection::read_piece() {
  static thread_local std::array<char, k_piece> piece;
  if (m_tls != nullptr) {
    const int got = SSL_read(m_tls, piece.data(), static_cast<int>(piece.size()));
    if (got <= 0) return judge(got);
    m_in.append(piece.data(), static_cast<std::size_t>(got));
    return Step::done;
  }
  const ssize_t got = recv(m_fd, piece.data(), piece.size(), 0);
  if (got > 0) {
    m_in.append(piece.data(), static_cast<std::size_t>(got));
    return Step::done;
  }
  return got < 0 && (errno == EAGAIN || errno == EINTR) ? Step::again : Step::broken;
}

Connection::Step Connection::write_piece() {
  const std::size_t size = std::min(k_piece, m_out.size() - m_sent);
  if (m_tls != nullptr) {
    const int put = SSL_write(m_tls, m_out.data() + m_sent, static_cast<int>(size));
    if (put <= 0) return judge(put);
    m_wants_write = false;
    m_sent += static_cast<std::size_t>(put);
    return Step::done;
  }
  const ssize_t put = ::send(m_fd, m_out.data() + m_sent, size, MSG_NOSIGNAL);
  if (put < 0) return errno == EAGAIN || errno == EINTR ? Step::again : Step::broken;
  m_sent += static_cast<std::size_t>(put);
  return Step::done;
}

bool Connection::flush() {
  Step step = m_shaking ? Step::again : Step::done;
  while (step == Step::done && !is_drained()) step = write_piece();
  if (is_drained()) {
    m_out.clear();
    m_sent = 0;
  }
  m_broken = m_broken || step == Step::broken;
  return !m_broken;
}

bool Connection::on_ready(const std::function<void(std::string&)>& consume) {
  for (Step step = Step::done; step == Step::done && !m_broken;) {
    step = shake();
    if (step == Step::done) step = read_piece();
    if (step == Step::done) consume(m_in);
    // what a dying peer sent before the end has been consumed; only now may it count as broken
    m_broken = m_broken || step == Step::broken;
    if (!m_broken && !flush()) break;
  }
  return !m_broken;
}

int listen_on(std::uint32_t address, std::uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in where = socket_address(address, port);
  if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 || listen(fd, 1024) != 0) {
    stop("cannot listen on port " + std::to_string(port));
  }
  return fd;
}

std::uint16_t port_of(int fd) {
  sockaddr_in where{};
  socklen_t size = sizeof where;
  getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size);
  return ntohs(where.sin_port);
}

}  // namespace bench
