#include "base/core/log.hpp"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <thread>

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "base/core/clock.hpp"
#include "base/core/remote_text.hpp"

namespace base::log {
namespace {

constexpr std::size_t k_queue = 2 * 1024 * 1024;   // bytes that wait; what does not fit is counted, not waited for
constexpr std::size_t k_value = 1024;              // bytes of one value
constexpr std::chrono::milliseconds k_gather{20};  // a line wakes the thread that writes once; what comes meanwhile goes with it

constexpr Event k_event_lost{"log.lost"};

std::string format_line(Level level, Event event, std::initializer_list<Field> fields);

// Lines gather in memory and one thread writes them: a reader of the log that stands still costs no session its time, and a
// busy gateway pays one wake-up for many lines. Warnings do not wait for company.
class GatheringSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  GatheringSink() : m_thread([this] { run(); }) {}
  ~GatheringSink() override {
    {
      const std::lock_guard lock(m_guard);
      m_stop = true;
    }
    m_wake.notify_one();
    m_thread.join();
  }

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const bool urgent = message.level >= spdlog::level::warn;
    bool wake = false;
    {
      const std::lock_guard lock(m_guard);
      if (m_waiting.size() + message.payload.size() >= k_queue) {
        ++m_lost;
        return;
      }
      wake = m_waiting.empty() || (urgent && !m_urgent);
      m_urgent = m_urgent || urgent;
      m_waiting.append(message.payload.data(), message.payload.size());
      m_waiting += '\n';
    }
    if (wake) m_wake.notify_one();
  }
  void flush_() override {}

 private:
  void run() {
    std::string lines;
    while (true) {
      bool stop = false;
      {
        std::unique_lock lock(m_guard);
        m_wake.wait(lock, [this] { return m_stop || !m_waiting.empty(); });
        m_wake.wait_for(lock, k_gather, [this] { return m_stop || m_urgent; });
        lines.swap(m_waiting);
        if (m_lost > 0) lines += format_line(Level::warning, k_event_lost, {{"lines", std::exchange(m_lost, 0)}}) + "\n";
        m_urgent = false;
        stop = m_stop;
      }
      write_all(lines);
      lines.clear();
      if (stop) return;
    }
  }

  static void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(STDERR_FILENO, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;  // nobody reads the log any more: not a reason to stop carrying mail
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }

  std::mutex m_guard;
  std::condition_variable m_wake;
  std::string m_waiting;  // guarded by m_guard, as all below
  std::uint64_t m_lost = 0;
  bool m_urgent = false, m_stop = false;
  std::thread m_thread;  // last: it uses the others
};

constexpr spdlog::level::level_enum level_of(Level level) {
  return level >= Level::warning ? spdlog::level::warn : spdlog::level::info;
}

std::shared_ptr<spdlog::logger> g_logger;
std::atomic<Format> g_format{Format::text};
std::atomic<Level> g_least{Level::warning};

constexpr const char* name_of(Level level) {
  switch (level) {
    case Level::debug: return "debug";
    case Level::info: return "info";
    case Level::warning: return "warning";
    case Level::error: return "error";
  }
  return "error";
}

// the text is already free of control characters
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string as_json(Level level, Event event, std::initializer_list<Field> fields) {
  std::string out =
      "{\"t\":\"" + format_utc(system_clock().now()) + "\",\"level\":\"" + name_of(level) + "\",\"event\":\"" + event.name + "\"";
  for (const auto& f : fields) {
    out.append(",\"").append(f.name).append("\":");
    append_quoted(out, escape_remote(f.value, k_value));
  }
  return out + "}";
}

std::string as_text(Level level, Event event, std::initializer_list<Field> fields) {
  std::string out = format_utc(system_clock().now()) + " " + name_of(level) + " " + event.name;
  for (const auto& f : fields) {
    out.append(" ").append(f.name).append("=");
    const std::string value = escape_remote(f.value, k_value);
    if (value.empty() || value.find_first_of(" \"=") != std::string::npos)
      append_quoted(out, value);
    else
      out.append(value);
  }
  return out;
}

std::string format_line(Level level, Event event, std::initializer_list<Field> fields) {
  return g_format == Format::json ? as_json(level, event, fields) : as_text(level, event, fields);
}

}  // namespace

void start(Format format, Level least) {
  g_format = format;
  g_least = least;
  g_logger = std::make_shared<spdlog::logger>("amtsbote", std::make_shared<GatheringSink>());
}

void stop() {
  g_logger.reset();
  spdlog::shutdown();
}

void write(Level level, Event event, std::initializer_list<Field> fields) {
  if (level < g_least.load(std::memory_order_relaxed)) return;
  const std::string line = format_line(level, event, fields);
  if (g_logger)
    g_logger->log(level_of(level), line);
  else
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace base::log
