// Promise: what the load generator is to do, as plain values, and the messages that it sends.
#pragma once

#include <cstdint>
#include <string>

#include "bench/wire/arguments.hpp"

namespace bench {

struct Plan {
  std::uint32_t address = 0;
  std::uint16_t port = 0;
  std::size_t sessions = 1;
  std::uint64_t messages = 1;
  std::uint64_t size = 1024;
  double rate = 0;          // messages a second, 0: as fast as answers come
  double max_seconds = 120; // then whatever is open counts as failed
  bool reconnect = false;   // a new connection for each message
  bool starttls = false;
  bool wait_each = false;   // no PIPELINING, even if offered
  bool tag_recipient = false;
  std::string user, password;  // AUTH PLAIN
  std::string from, to;
  std::string run;             // begins each id
  std::string ack_log, unknown_log;
};

Plan parse_plan(int argc, char** argv);

class MessageMaker {
 public:
  explicit MessageMaker(const Plan& plan);
  std::string id(std::uint64_t number) const;
  std::string recipient(std::uint64_t number) const;
  // Ready for DATA, with the final dot: text lines of which none begins with a dot.
  void append(std::string& out, std::uint64_t number) const;

 private:
  const Plan* m_plan;
  std::string m_body;
};

}  // namespace bench
