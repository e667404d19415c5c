#include "bench/sink/session.hpp"

#include <cstdio>

#include "bench/wire/arguments.hpp"

namespace bench {
namespace {

constexpr std::size_t k_max_line = 4096;          // a command line beyond it ends the session
constexpr std::size_t k_max_header = 64 * 1024;   // of it only this much is looked at
constexpr std::string_view k_end = "\r\n.\r\n";

std::string address_in(const std::string& line) {
  const std::size_t begin = line.find('<');
  const std::size_t end = line.find('>');
  return begin == std::string::npos || end == std::string::npos || end < begin ? "" : line.substr(begin + 1, end - begin - 1);
}

}  // namespace

SinkSession::SinkSession(std::unique_ptr<Connection> connection, SinkState& state, SSL_CTX* tls)
    : m_connection(std::move(connection)), m_state(&state), m_tls(tls) {
  state.tally.connected(false);
  m_connection->send("220 sink.invalid ESMTP bench\r\n");
  m_connection->flush();
}

bool SinkSession::on_ready() {
  const bool usable = m_connection->on_ready([this](std::string& input) { consume(input); });
  return usable && !(m_closing && m_connection->is_drained());
}

void SinkSession::consume(std::string& input) {
  // while an answer is delayed the client's next commands wait in the input
  while (!m_closing && m_answer_at == 0 && (m_in_data ? consume_data(input) : consume_line(input))) {
  }
}

bool SinkSession::consume_line(std::string& input) {
  const std::size_t end = input.find("\r\n");
  if (end == std::string::npos) {
    m_closing = m_closing || input.size() > k_max_line;
    return false;
  }
  const std::string line = input.substr(0, end);
  input.erase(0, end + 2);
  on_command(line);
  return true;
}

void SinkSession::on_command(const std::string& line) {
  std::string verb = line.substr(0, line.find(' '));
  for (char& c : verb) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  const auto say = [this](const char* text) { m_connection->send(std::string(text) + "\r\n"); };
  if (verb == "EHLO") {
    const bool tls = m_tls != nullptr && !m_connection->has_tls();
    say("250-sink.invalid\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250-ENHANCEDSTATUSCODES");
    say(tls ? "250-SIZE 268435456\r\n250 STARTTLS" : "250 SIZE 268435456");
  } else if (verb == "STARTTLS" && m_tls != nullptr && !m_connection->has_tls()) {
    say("220 2.0.0 go ahead");
    m_connection->flush();
    m_connection->start_tls(m_tls, true);
    m_state->tally.connected(true);
  } else if (verb == "RCPT") {
    on_recipient(line);
  } else if (verb == "DATA" && !m_arrival.recipients.empty()) {
    say("354 go ahead");
    m_in_data = true;
    m_tail = "\r\n";  // a dot on the very first line ends the message, too
  } else if (verb == "QUIT") {
    say("221 2.0.0 bye");
    m_closing = true;
  } else if (verb == "DATA") {
    say("503 5.5.1 no recipient");
  } else if (verb.starts_with("X")) {
    on_control(verb);
  } else {
    if (verb == "MAIL" || verb == "RSET") m_arrival = Arrival();
    say("250 2.0.0 ok");
  }
}

void SinkSession::on_control(const std::string& word) {
  if (word == "XRESET") m_state->tally.clear();
  if (word == "XEXIT") m_state->is_over = true;
  m_connection->send("250 " + (word == "XCOUNT" ? std::to_string(m_state->tally.messages()) : m_state->tally.json()) + "\r\n");
}

void SinkSession::on_recipient(const std::string& line) {
  m_arrival.recipients.push_back(address_in(line));
  m_connection->send("250 2.1.5 ok\r\n");
}

bool SinkSession::consume_data(std::string& input) {
  // m_tail holds up to four bytes that were counted already; the end may begin in them
  const std::size_t before = m_tail.size();
  std::string window = std::move(m_tail);
  window += input;
  const std::size_t end = window.find(k_end);
  if (end == std::string::npos) {
    keep(std::string_view(window).substr(before));
    m_tail = window.substr(window.size() - std::min<std::size_t>(window.size(), k_end.size() - 1));
    input.clear();
    return false;
  }
  const std::size_t message_end = end + 2;  // the CRLF belongs to the message
  if (message_end > before) keep(std::string_view(window).substr(before, message_end - before));
  input = window.substr(end + k_end.size());
  m_in_data = false;
  m_tail.clear();
  on_message();
  return true;
}

void SinkSession::keep(std::string_view piece) {
  m_arrival.bytes += piece.size();
  if (m_state->saved < m_state->plan.save) m_whole += piece;
  if (m_header_done) return;
  m_arrival.header += piece.substr(0, k_max_header - m_arrival.header.size());
  const std::size_t end = m_arrival.header.find("\r\n\r\n");
  m_header_done = end != std::string::npos || m_arrival.header.size() == k_max_header;
  if (end != std::string::npos) m_arrival.header.resize(end + 2);
}

void SinkSession::on_message() {
  std::uniform_real_distribution<double> chance(0, 1);
  const double dice = chance(m_state->dice);
  const SinkPlan& plan = m_state->plan;
  if (dice < plan.fail4) {
    m_state->tally.refused();
    m_connection->send("451 4.3.0 told to refuse\r\n");
  } else {
    m_state->tally.add(m_arrival);
    if (m_state->saved < plan.save) save();
    if (dice < plan.fail4 + plan.drop) {
      m_closing = true;
    } else if (plan.delay_seconds > 0) {
      m_answer_at = monotonic_seconds() + plan.delay_seconds;
    } else {
      m_connection->send("250 2.0.0 ok\r\n");
    }
  }
  m_whole.clear();
  m_arrival = Arrival();
  m_header_done = false;
}

void SinkSession::save() const {
  const std::string path = m_state->plan.save_directory + "/" + std::to_string(m_state->saved++) + ".eml";
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) stop("cannot write " + path);
  std::fwrite(m_whole.data(), 1, m_whole.size(), file);
  std::fclose(file);
}

bool SinkSession::answer_if_due(double now) {
  if (m_answer_at == 0 || now < m_answer_at) return true;
  m_answer_at = 0;
  m_connection->send("250 2.0.0 ok\r\n");
  m_connection->consume_pending([this](std::string& input) { consume(input); });
  return m_connection->flush();
}

}  // namespace bench
