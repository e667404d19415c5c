#include "base/core/log.hpp"

#include <atomic>
#include <cstdio>
#include <memory>

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "base/core/clock.hpp"
#include "base/core/remote_text.hpp"

namespace base::log {
namespace {

constexpr std::size_t k_queue = 8192;  // lines; a burst beyond it loses the oldest, never time
constexpr std::size_t k_value = 1024;  // bytes of one value

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
  std::string out = "{\"t\":\"" + format_utc(system_clock().now()) + "\",\"level\":\"" + name_of(level) + "\",\"event\":\"" +
                    event.name + "\"";
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

}  // namespace

void start(Format format, Level least) {
  g_format = format;
  g_least = least;
  spdlog::init_thread_pool(k_queue, 1);
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  g_logger = std::make_shared<spdlog::async_logger>("amtsbote", sink, spdlog::thread_pool(),
                                                    spdlog::async_overflow_policy::overrun_oldest);
  g_logger->set_pattern("%v");
  g_logger->set_level(spdlog::level::trace);
  g_logger->flush_on(spdlog::level::trace);
}

void stop() {
  g_logger.reset();
  spdlog::shutdown();
}

void write(Level level, Event event, std::initializer_list<Field> fields) {
  if (level < g_least.load(std::memory_order_relaxed)) return;
  const std::string line = g_format == Format::json ? as_json(level, event, fields) : as_text(level, event, fields);
  if (g_logger)
    g_logger->info("{}", line);
  else
    std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace base::log
