// Promise: message data on the wire, both ways (RFC 5321 section 4.5.2). Only CRLF.CRLF ends a message; a bare CR or LF
// anywhere is an error, never normalised, so that no two readers can disagree where a message ends.
#pragma once

#include <string>
#include <string_view>

#include "base/core/bytes.hpp"

namespace smtp {

// From the wire to the message.
class Unstuffer {
 public:
  static constexpr std::size_t k_max_line = 64 * 1024;  // RFC 5321 promises 1,000; signed mail of others has more

  enum class State { more, done, bare_newline, line_too_long };
  // Takes bytes from `in`, appends message bytes to `out`, and says how far it came. At `done` the rest of `in` from
  // `taken` on belongs to the next command. After an error the data still to come must be read away or the connection
  // closed.
  State feed(base::ByteView in, std::string& out, std::size_t& taken);

 private:
  enum class At { line_start, dot, in_line, cr, dot_cr };
  At m_at = At::line_start;
  std::size_t m_line = 0;
};

// From the message to the wire; the message has CRLF line ends only.
class Stuffer {
 public:
  explicit Stuffer(bool has_dot_lines) : m_search(has_dot_lines) {}  // false: no line begins with a dot, nothing to search
  void feed(base::ByteView in, std::string& out);
  // The end: a CRLF if the message lacks its last one, then the dot.
  void finish(std::string& out);

 private:
  bool m_search;
  bool m_line_start = true;
  char m_last = '\n', m_before = '\r';
};

}  // namespace smtp
