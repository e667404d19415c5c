// Clients of the HTTPS API: each its own thread and kept TLS connection, one POST of message/rfc822 after the other. Prints one
// line of JSON: answers by status, and the time from the request's first byte to the answer's last.
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <openssl/ssl.h>

namespace {

using Clock = std::chrono::steady_clock;

struct Plan {
  int port = 0, clients = 200, size = 10240;
  double seconds = 60;
  std::string token, from, to;
};

struct Score {
  std::mutex mutex;
  std::vector<double> ms;
  std::map<int, long> statuses;
  long broken = 0;
};

class Connection {
 public:
  Connection(SSL_CTX* context, int port) {
    addrinfo hints{}, *found = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    if (getaddrinfo("127.0.0.1", std::to_string(port).c_str(), &hints, &found) != 0) return;
    m_fd = ::socket(found->ai_family, SOCK_STREAM, 0);
    const int on = 1;
    setsockopt(m_fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const bool connected = ::connect(m_fd, found->ai_addr, found->ai_addrlen) == 0;
    freeaddrinfo(found);
    if (!connected) return;
    m_ssl = SSL_new(context);
    SSL_set_fd(m_ssl, m_fd);
    m_good = SSL_connect(m_ssl) == 1;
  }
  ~Connection() {
    SSL_free(m_ssl);
    if (m_fd >= 0) ::close(m_fd);
  }
  bool good() const { return m_good; }

  // The status of the answer; 0: the connection broke.
  int ask(const std::string& request) {
    if (SSL_write(m_ssl, request.data(), static_cast<int>(request.size())) <= 0) return 0;
    std::string answer;
    char piece[16384];
    std::size_t whole = 0;
    while (whole == 0 || answer.size() < whole) {
      const int n = SSL_read(m_ssl, piece, sizeof piece);
      if (n <= 0) return 0;
      answer.append(piece, static_cast<std::size_t>(n));
      const auto end = answer.find("\r\n\r\n");
      if (end == std::string::npos || whole != 0) continue;
      const auto length = answer.find("Content-Length: ");
      whole = end + 4 + (length == std::string::npos ? 0 : std::strtoul(answer.c_str() + length + 16, nullptr, 10));
    }
    return std::atoi(answer.c_str() + 9);
  }

 private:
  int m_fd = -1;
  SSL* m_ssl = nullptr;
  bool m_good = false;
};

std::string request_of(const Plan& plan, int client, long n) {
  std::string body = "From: <" + plan.from + ">\r\nTo: <" + plan.to + ">\r\nSubject: bench\r\nX-Bench-Id: h" + std::to_string(::getpid()) + "-" + std::to_string(client) + "-" + std::to_string(n) + "\r\n\r\n";
  while (body.size() < static_cast<std::size_t>(plan.size)) body += "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy\r\n";
  return "POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + plan.token + "\r\nContent-Type: message/rfc822\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

void run_client(const Plan& plan, SSL_CTX* context, int number, Clock::time_point end, Score& score) {
  std::vector<double> ms;
  std::map<int, long> statuses;
  long broken = 0, n = 0;
  while (Clock::now() < end) {
    Connection connection(context, plan.port);
    if (!connection.good()) {
      ++broken;
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      continue;
    }
    while (Clock::now() < end) {
      const std::string request = request_of(plan, number, n++);
      const auto begin = Clock::now();
      const int status = connection.ask(request);
      if (status == 0) {
        ++broken;
        break;
      }
      ++statuses[status];
      ms.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begin).count());
    }
  }
  const std::lock_guard lock(score.mutex);
  score.ms.insert(score.ms.end(), ms.begin(), ms.end());
  for (const auto& [status, count] : statuses) score.statuses[status] += count;
  score.broken += broken;
}

double quantile(const std::vector<double>& sorted, double q) { return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))]; }

}  // namespace

int main(int argc, char** argv) {
  Plan plan;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--port") plan.port = std::atoi(value.c_str());
    else if (name == "--clients") plan.clients = std::atoi(value.c_str());
    else if (name == "--size") plan.size = std::atoi(value.c_str());
    else if (name == "--seconds") plan.seconds = std::atof(value.c_str());
    else if (name == "--token") plan.token = value;
    else if (name == "--from") plan.from = value;
    else if (name == "--to") plan.to = value;
    else return std::fprintf(stderr, "bench_https: %s?\n", name.c_str()), 2;
  }
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  Score score;
  const auto begin = Clock::now();
  const auto end = begin + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(plan.seconds));
  std::vector<std::thread> threads;
  for (int i = 0; i < plan.clients; ++i) threads.emplace_back(run_client, std::cref(plan), context, i, end, std::ref(score));
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  SSL_CTX_free(context);
  std::sort(score.ms.begin(), score.ms.end());
  std::printf("{\"taken\": %ld, \"broken\": %ld, \"rate\": %.1f, \"p50_ms\": %.2f, \"p99_ms\": %.2f", score.statuses[202], score.broken,
              static_cast<double>(score.statuses[202]) / seconds, quantile(score.ms, 0.5), quantile(score.ms, 0.99));
  for (const auto& [status, count] : score.statuses) std::printf(", \"status_%d\": %ld", status, count);
  std::printf("}\n");
  return 0;
}
