// Promise: everything that is wrong in the files of an administrator is said at once, each with file, line and column in
// the form that editors jump to, and with the nearest word that would have been right.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace policies {

struct Position {
  int line = 1, column = 1;  // from 1; columns count bytes
  friend bool operator==(const Position&, const Position&) = default;
};

enum class Severity { error, warning };

struct Fault {
  std::string file;
  Position at;
  std::string message;
  Severity severity = Severity::error;
};

// "file:line:column: message", "file:line:column: warning: message".
std::string format_fault(const Fault& fault);

class Faults {
 public:
  void error(std::string_view file, Position at, std::string message);
  void warning(std::string_view file, Position at, std::string message);
  bool has_errors() const { return m_errors != 0; }
  // By file and position; at most k_max_faults, the rest is counted in a last line.
  std::vector<Fault> take();

 private:
  void add(Fault fault);
  std::vector<Fault> m_all;
  std::size_t m_errors = 0, m_dropped = 0;
};
inline constexpr std::size_t k_max_faults = 200;

// The word of `known` that needs the fewest changes (insert, remove, replace, swap neighbours), if few enough that it may
// be what was meant; else "".
std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known);

// ` "smme"; did you mean "smime"?` or, where nothing is near and the words are few, `… (known: a, b, c)`.
std::string unknown_word(std::string_view what, std::string_view word, std::span<const std::string_view> known);

}  // namespace policies
