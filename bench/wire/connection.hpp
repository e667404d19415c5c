// Promise: one non-blocking TCP connection on loopback, plain or (later) TLS, with buffered output and input that its owner
// consumes. Level-triggered: the owner calls on_ready() when epoll says so and sets the interest that wanted() names.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace bench {

class Connection {
 public:
  explicit Connection(int fd) : m_fd(fd) {}
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  static std::unique_ptr<Connection> connect_to(std::uint32_t address, std::uint16_t port);  // in progress; null: no socket

  int fd() const { return m_fd; }
  bool is_broken() const { return m_broken; }
  bool is_drained() const { return m_out.size() == m_sent; }
  bool has_tls() const { return m_tls != nullptr; }
  std::uint32_t wanted() const;  // epoll events

  void send(std::string_view bytes) { m_out.append(bytes); }
  // TLS from here on; input not yet consumed is thrown away (what came in clear must not count as protected).
  void start_tls(SSL_CTX* context, bool as_server);
  // Moves bytes both ways; consume(input) is called after each piece and removes what it used from the front. True while usable.
  bool on_ready(const std::function<void(std::string&)>& consume);
  void consume_pending(const std::function<void(std::string&)>& consume) { consume(m_in); }  // what was left over before
  bool flush();

 private:
  enum class Step { done, again, broken };
  Step shake();
  Step read_piece();
  Step write_piece();
  Step judge(int result);

  int m_fd;
  SSL* m_tls = nullptr;
  bool m_shaking = false, m_wants_write = false, m_broken = false;
  std::string m_in, m_out;
  std::size_t m_sent = 0;
};

// A listening socket; port 0 takes a free one. Ends the program if that is not possible.
int listen_on(std::uint32_t address, std::uint16_t port);
std::uint16_t port_of(int fd);

}  // namespace bench
