// Promise: one SMTP client session (RFC 5321) as a small machine: replies in, commands out. It sends a message when it is
// given a number, and tells when it is ready for the next one or at its end.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>

#include "bench/load/score.hpp"
#include "bench/wire/connection.hpp"

namespace bench {

struct Job {
  std::uint64_t number = 0;
  double due = 0;  // latency counts from here
};

class Session {
 public:
  Session(const Plan& plan, const MessageMaker& maker, Score& score, SSL_CTX* tls);

  bool open();  // starts to connect
  void close(const std::string& why);
  bool is_open() const { return m_connection != nullptr; }
  bool is_idle() const { return m_state == State::idle; }
  bool is_finished() const { return m_state == State::finished; }  // it has said QUIT: close it
  Connection& connection() { return *m_connection; }

  void give(const Job& job);
  void quit();
  bool on_ready();

 private:
  enum class State { greeting, ehlo, starttls, auth, idle, mail, rcpt, data, dot, rset, finished };

  void consume(std::string& input);
  void on_reply(int code, const std::string& line);
  void on_ehlo();
  void on_answer(int code, const std::string& line);
  void on_dot(int code, const std::string& line);
  void send_message();
  void refuse(int code, const std::string& line);
  void say(const std::string& line, State next);

  const Plan* m_plan;
  const MessageMaker* m_maker;
  Score* m_score;
  SSL_CTX* m_tls;
  std::unique_ptr<Connection> m_connection;
  State m_state = State::finished;
  std::optional<Job> m_job;
  bool m_pipelining = false, m_offers_tls = false, m_logged_in = false, m_refused = false;
};

}  // namespace bench
