// Promise: one SMTP server session of the sink: takes everything, or fails as it was told to. Bodies are not kept: memory does not
// grow with their size unless they are to be saved.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <random>

#include "bench/sink/tally.hpp"
#include "bench/wire/connection.hpp"

namespace bench {

struct SinkPlan {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
  bool starttls = false;
  double delay_seconds = 0;   // before the answer to the final dot
  double fail4 = 0, drop = 0; // shares of messages: 451 and not counted; counted, then closed without an answer
  double max_seconds = 3600;
  std::uint64_t save = 0;     // the first messages go to files
  std::string save_directory = ".";
  std::string ids_file;       // at the end: the ids that arrived
};

struct SinkState {
  SinkPlan plan;
  Tally tally;
  std::mt19937 dice{1};       // fixed start: two runs fail alike
  std::uint64_t saved = 0;
  bool is_over = false;
};

class SinkSession {
 public:
  SinkSession(std::unique_ptr<Connection> connection, SinkState& state, SSL_CTX* tls);

  Connection& connection() { return *m_connection; }
  bool on_ready();
  bool answer_if_due(double now);  // the delayed answer; false: close
  double answer_at() const { return m_answer_at; }  // 0: none waits

 private:
  void consume(std::string& input);
  bool consume_line(std::string& input);
  bool consume_data(std::string& input);
  void keep(std::string_view piece);
  void on_command(const std::string& line);
  void on_control(const std::string& word);
  void on_recipient(const std::string& line);
  void on_message();
  void save() const;

  std::unique_ptr<Connection> m_connection;
  SinkState* m_state;
  SSL_CTX* m_tls;
  Arrival m_arrival;
  std::string m_tail;     // the last bytes of DATA so far, in which an end may begin
  std::string m_whole;    // only if it is to be saved
  double m_answer_at = 0;
  bool m_in_data = false, m_closing = false, m_header_done = false;
};

}  // namespace bench
