#include "bench/load/plan.hpp"

namespace bench {
namespace {

constexpr std::uint64_t k_max_messages = 10'000'000;
constexpr std::uint64_t k_max_size = 256ULL * 1024 * 1024;
constexpr std::size_t k_max_sessions = 1000;
constexpr double k_max_seconds = 3600;
constexpr std::size_t k_line = 74;

void check(const Plan& plan) {
  if (plan.sessions == 0 || plan.sessions > k_max_sessions) stop("--sessions is 1 to 1000");
  if (plan.messages > k_max_messages || plan.size > k_max_size) stop("too many messages, or too large ones");
  if (plan.max_seconds > k_max_seconds) stop("--max-seconds is at most 3600");
  for (const std::string* text : {&plan.from, &plan.to, &plan.run, &plan.user, &plan.password}) {
    if (text->find_first_of("\r\n<>") != std::string::npos) stop("a line end or bracket in an option");
  }
}

}  // namespace

Plan parse_plan(int argc, char** argv) {
  const Arguments given(argc, argv, {"reconnect", "starttls", "wait-each", "tag-recipient"},
                        {"host", "port", "sessions", "messages", "size", "rate", "max-seconds", "user", "password", "from", "to",
                         "run", "ack-log", "unknown-log"});
  Plan plan;
  plan.address = loopback_address(given.text("host", "127.0.0.1"));
  plan.port = given.port("port");
  plan.sessions = given.number("sessions", 1);
  plan.messages = given.number("messages", 1);
  plan.size = given.number("size", 1024);
  plan.rate = given.real("rate", 0);
  plan.max_seconds = given.real("max-seconds", 120);
  plan.reconnect = given.has("reconnect");
  plan.starttls = given.has("starttls");
  plan.wait_each = given.has("wait-each");
  plan.tag_recipient = given.has("tag-recipient");
  plan.user = given.text("user", "");
  plan.password = given.text("password", "");
  plan.from = given.text("from", "amt@office.invalid");
  plan.to = given.text("to", "citizen@outside.invalid");
  plan.run = given.text("run", "run");
  plan.ack_log = given.text("ack-log", "");
  plan.unknown_log = given.text("unknown-log", "");
  check(plan);
  return plan;
}

MessageMaker::MessageMaker(const Plan& plan) : m_plan(&plan) {
  // A cheap generator with a fixed start: the same bytes in each run, and nothing that compresses to nothing.
  std::uint32_t state = 12345;
  m_body.reserve(plan.size + k_line);
  while (m_body.size() < plan.size) {
    for (std::size_t i = 0; i < k_line; ++i) {
      state = state * 1664525U + 1013904223U;
      m_body += "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789  "[(state >> 16U) % 64U];
    }
    m_body += "\r\n";
  }
}

std::string MessageMaker::id(std::uint64_t number) const { return m_plan->run + "-" + std::to_string(number); }

std::string MessageMaker::recipient(std::uint64_t number) const {
  const std::size_t at = m_plan->to.find('@');
  if (!m_plan->tag_recipient || at == std::string::npos) return m_plan->to;
  return m_plan->to.substr(0, at) + "+" + id(number) + m_plan->to.substr(at);
}

void MessageMaker::append(std::string& out, std::uint64_t number) const {
  const std::string name = id(number);
  out += "From: <" + m_plan->from + ">\r\nTo: <" + recipient(number) + ">\r\nSubject: Bench " + name +
         "\r\nDate: Thu, 01 Jan 2026 12:00:00 +0000\r\nMessage-ID: <" + name + "@bench.invalid>\r\nX-Bench-Id: " + name +
         "\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n";
  out += m_body;
  out += ".\r\n";
}

}  // namespace bench
