#include "bench/load/session.hpp"

#include <openssl/evp.h>

namespace bench {
namespace {

std::string plain_credentials(const std::string& user, const std::string& password) {
  const std::string raw = std::string(1, '\0') + user + std::string(1, '\0') + password;  // RFC 4616
  std::string out(raw.size() * 4 / 3 + 8, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(raw.data()),
                                   static_cast<int>(raw.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

}  // namespace

Session::Session(const Plan& plan, const MessageMaker& maker, Score& score, SSL_CTX* tls)
    : m_plan(&plan), m_maker(&maker), m_score(&score), m_tls(tls) {}

bool Session::open() {
  m_connection = Connection::connect_to(m_plan->address, m_plan->port);
  m_state = State::greeting;
  m_pipelining = m_offers_tls = m_logged_in = m_refused = false;
  return is_open();
}

void Session::close(const std::string& why) {
  if (m_job) {
    m_score->lost(m_maker->id(m_job->number), m_state == State::dot);
  } else if (m_state < State::idle) {
    m_score->not_connected(why);
  }
  m_job.reset();
  m_connection.reset();
  m_state = State::finished;
}

bool Session::on_ready() {
  return m_connection->on_ready([this](std::string& input) { consume(input); });
}

void Session::say(const std::string& line, State next) {
  m_connection->send(line + "\r\n");
  m_state = next;
}

void Session::quit() {
  m_connection->send("QUIT\r\n");
  m_connection->flush();
  m_state = State::finished;
}

void Session::give(const Job& job) {
  m_job = job;
  m_refused = false;
  m_score->began(monotonic_seconds());
  const std::string mail = "MAIL FROM:<" + m_plan->from + ">";
  if (m_pipelining) {
    say(mail + "\r\nRCPT TO:<" + m_maker->recipient(job.number) + ">\r\nDATA", State::mail);
  } else {
    say(mail, State::mail);
  }
  m_connection->flush();
}

void Session::consume(std::string& input) {
  std::size_t begin = 0;
  for (std::size_t end = input.find('\n'); end != std::string::npos && is_open(); end = input.find('\n', begin)) {
    std::string line = input.substr(begin, end - begin);
    begin = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    const bool is_last = line.size() < 4 || line[3] != '-';
    if (m_state == State::ehlo) {
      m_pipelining = m_pipelining || (line.find("PIPELINING") != std::string::npos && !m_plan->wait_each);
      m_offers_tls = m_offers_tls || line.find("STARTTLS") != std::string::npos;
    }
    if (!is_last) continue;
    const bool switched = m_state == State::starttls;
    on_reply(std::atoi(line.c_str()), line);
    if (switched) return;  // start_tls() has emptied the input
  }
  input.erase(0, begin);
}

void Session::on_reply(int code, const std::string& line) {
  const auto expect = [&](int wanted) {
    if (code != wanted) {
      m_score->not_connected(line);
      m_state = State::finished;
    }
    return code == wanted;
  };
  switch (m_state) {
    case State::greeting:
      if (expect(220)) say("EHLO load.bench.invalid", State::ehlo);
      break;
    case State::ehlo:
      if (expect(250)) on_ehlo();
      break;
    case State::starttls:
      if (!expect(220)) break;
      m_connection->start_tls(m_tls, false);
      m_pipelining = false;
      say("EHLO load.bench.invalid", State::ehlo);
      break;
    case State::auth:
      m_logged_in = true;
      if (expect(235)) m_state = State::idle;
      break;
    case State::rset: m_state = State::idle; break;
    case State::idle:  // 421 between two messages
    case State::finished: m_state = State::finished; break;
    default: on_answer(code, line);
  }
}

void Session::on_ehlo() {
  if (m_plan->starttls && !m_connection->has_tls()) {
    if (m_offers_tls) return say("STARTTLS", State::starttls);
    m_score->not_connected("STARTTLS is not offered");
    m_state = State::finished;
    return;
  }
  if (!m_plan->user.empty() && !m_logged_in) {
    return say("AUTH PLAIN " + plain_credentials(m_plan->user, m_plan->password), State::auth);
  }
  m_score->connected();
  m_state = State::idle;
}

void Session::on_answer(int code, const std::string& line) {
  if (m_state == State::dot) return on_dot(code, line);
  const bool good = m_state == State::data ? code == 354 : code / 100 == 2;
  if (!good && !m_refused) refuse(code, line);
  if (m_state == State::mail) {
    if (m_pipelining) {
      m_state = State::rcpt;
    } else if (!m_refused) {
      say("RCPT TO:<" + m_maker->recipient(m_job->number) + ">", State::rcpt);
    }
  } else if (m_state == State::rcpt) {
    if (m_pipelining) {
      m_state = State::data;
    } else if (!m_refused) {
      say("DATA", State::data);
    }
  } else if (good && m_refused) {
    say(".", State::rset);  // the recipient was refused, but DATA got its 354: an empty message, whose answer counts for nothing
  } else if (good) {
    send_message();
  }
  if (m_refused && (!m_pipelining || (m_state == State::data && !good))) say("RSET", State::rset);
}

void Session::refuse(int code, const std::string& line) {
  m_score->refused(code, line);
  m_refused = true;
  m_job.reset();
}

void Session::send_message() {
  std::string message;
  message.reserve(m_plan->size + 1024);
  m_maker->append(message, m_job->number);
  m_connection->send(message);
  m_state = State::dot;
}

void Session::on_dot(int code, const std::string& line) {
  const double now = monotonic_seconds();
  m_state = State::idle;
  if (code / 100 == 2) {
    m_score->acknowledged(m_maker->id(m_job->number), now - m_job->due, now);
    m_job.reset();
  } else {
    refuse(code, line);
  }
}

}  // namespace bench
