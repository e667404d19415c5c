// Promise: the log is for the administrator at night: one line an event, from a closed list of events, with named fields,
// as JSON or text. Never message content, never a secret. Values may be hostile: they are escaped and capped here.
// Writing never blocks the caller for long: lines go through a bounded queue, and what does not fit is counted.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace base::log {

enum class Level { debug, info, warning, error };
enum class Format { text, json };

struct Field {
  std::string_view name;
  std::string value;

  Field(std::string_view n, std::string v) : name(n), value(std::move(v)) {}
  Field(std::string_view n, std::string_view v) : name(n), value(v) {}
  Field(std::string_view n, const char* v) : name(n), value(v) {}
  Field(std::string_view n, std::int64_t v) : name(n), value(std::to_string(v)) {}
  Field(std::string_view n, std::uint64_t v) : name(n), value(std::to_string(v)) {}
  Field(std::string_view n, int v) : name(n), value(std::to_string(v)) {}
};

// An event's name is a constant of the room that emits it; docs/operations.md lists them.
struct Event {
  const char* name;
};

// Before the first write; without it events of warning and above go to standard error as text.
void start(Format format, Level least);
void stop();  // writes what is queued

void write(Level level, Event event, std::initializer_list<Field> fields);
inline void debug(Event e, std::initializer_list<Field> f) { write(Level::debug, e, f); }
inline void info(Event e, std::initializer_list<Field> f) { write(Level::info, e, f); }
inline void warning(Event e, std::initializer_list<Field> f) { write(Level::warning, e, f); }
inline void error(Event e, std::initializer_list<Field> f) { write(Level::error, e, f); }

}  // namespace base::log
