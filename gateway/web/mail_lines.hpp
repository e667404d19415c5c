// Promise: an uploaded message gets the line ends of mail (CRLF, RFC 5322 section 2.1) or is refused. A file that has bare LF
// throughout is converted: no other reader has seen it yet, and what signatures cover is the CRLF form anyway. One that mixes
// both is refused, and so is a bare CR: two readers could see two messages.
#pragma once

#include "base/core/bytes.hpp"

namespace web {

class MailLines {
 public:
  static constexpr std::size_t k_max_line = 64 * 1024;  // as by SMTP

  // Appends to `out`; the reason if the bytes are no message.
  const char* feed(base::ByteView in, base::Bytes& out);
  // The end: the last line gets its CRLF.
  const char* finish(base::Bytes& out);

 private:
  enum class Ends { unknown, crlf, lf };
  Ends m_ends = Ends::unknown;
  bool m_cr = false;           // the last byte was a CR that waits for its LF
  std::size_t m_line = 0;
};

}  // namespace web
