#include "bench/load/score.hpp"

#include <algorithm>
#include <cmath>

namespace bench {
namespace {

std::FILE* open_log(const std::string& path) {
  if (path.empty()) return nullptr;
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) stop("cannot write " + path);
  return file;
}

double percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

}  // namespace

Score::Score(const Plan& plan) : m_plan(&plan), m_ack_log(open_log(plan.ack_log)), m_unknown_log(open_log(plan.unknown_log)) {}

Score::~Score() {
  if (m_ack_log != nullptr) std::fclose(m_ack_log);
  if (m_unknown_log != nullptr) std::fclose(m_unknown_log);
}

void Score::began(double now) {
  if (m_first == 0) m_first = now;
}

void Score::acknowledged(const std::string& id, double latency, double now) {
  m_latencies.push_back(latency);
  m_last = now;
  if (m_ack_log != nullptr) std::fprintf(m_ack_log, "%s\n", id.c_str());
}

void Score::refused(int code, const std::string& line) {
  ++m_codes[code];
  complain(line);
}

void Score::lost(const std::string& id, bool dot_was_sent) {
  ++(dot_was_sent ? m_unknown : m_lost);
  if (dot_was_sent && m_unknown_log != nullptr) std::fprintf(m_unknown_log, "%s\n", id.c_str());
  complain("connection lost");
}

void Score::not_connected(const std::string& why) {
  ++m_failed_connections;
  complain(why);
}

void Score::complain(const std::string& line) {
  if (m_first_error.empty()) m_first_error = line;
}

std::string Score::json() const {
  std::vector<double> sorted = m_latencies;
  std::sort(sorted.begin(), sorted.end());
  std::uint64_t refused = 0;
  std::string codes;
  for (const auto& [code, count] : m_codes) {
    refused += count;
    codes += (codes.empty() ? "\"" : ",\"") + std::to_string(code) + "\":" + std::to_string(count);
  }
  const double span = m_last - m_first;
  char text[1024];
  std::snprintf(text, sizeof text,
                "{\"acked\":%zu,\"failed\":%llu,\"refused\":%llu,\"lost\":%llu,\"unknown\":%llu,\"unsent\":%llu,\"connections\":%llu,"
                "\"failed_connections\":%llu,\"msgs_per_s\":%.2f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f,\"first\":%.6f,"
                "\"last\":%.6f,\"cpu_s\":%.3f,",
                sorted.size(), static_cast<unsigned long long>(refused + m_lost + m_unknown + m_unsent),
                static_cast<unsigned long long>(refused), static_cast<unsigned long long>(m_lost),
                static_cast<unsigned long long>(m_unknown), static_cast<unsigned long long>(m_unsent),
                static_cast<unsigned long long>(m_connections), static_cast<unsigned long long>(m_failed_connections),
                span > 0 ? static_cast<double>(sorted.size()) / span : 0.0, percentile(sorted, 0.5) * 1000,
                percentile(sorted, 0.99) * 1000, percentile(sorted, 1) * 1000, m_first, m_last, cpu_seconds());
  return text + ("\"codes\":{" + codes + "},\"first_error\":" + json_text(m_first_error) + "}");
}

}  // namespace bench
