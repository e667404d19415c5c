// Promise: counts what the gateway answered, and prints it as one line of JSON. An id stands in the acknowledged log only if a
// 250 for its final dot arrived.
#pragma once

#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include "bench/load/plan.hpp"

namespace bench {

class Score {
 public:
  explicit Score(const Plan& plan);
  ~Score();
  Score(const Score&) = delete;
  Score& operator=(const Score&) = delete;

  void began(double now);                                        // first MAIL
  void acknowledged(const std::string& id, double latency, double now);
  void refused(int code, const std::string& line);               // 4xx or 5xx; tells what was said first
  void lost(const std::string& id, bool dot_was_sent);           // the connection ended; after the dot nobody knows
  void unsent(std::uint64_t count) { m_unsent += count; }
  void connected() { ++m_connections; }
  void not_connected(const std::string& why);
  std::string json() const;

 private:
  void complain(const std::string& line);

  const Plan* m_plan;
  std::FILE* m_ack_log = nullptr;
  std::FILE* m_unknown_log = nullptr;
  std::vector<double> m_latencies;
  std::map<int, std::uint64_t> m_codes;
  std::uint64_t m_lost = 0, m_unknown = 0, m_unsent = 0, m_connections = 0, m_failed_connections = 0;
  double m_first = 0, m_last = 0;
  std::string m_first_error;
};

}  // namespace bench
