// Promise: replies of SMTP as values, both ways (RFC 5321 section 4.2, RFC 2034). What we write is ASCII unless the client
// asked for SMTPUTF8, has no line above 510 octets and no CR, LF or NUL inside. What a peer writes is bounded and untrusted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/core/remote_text.hpp"
#include "base/core/result.hpp"

namespace smtp {

struct Reply {
  int code = 0;
  std::string enhanced;              // "5.7.1"; "" where none belongs (220, 334, 354, EHLO's 250)
  std::vector<std::string> lines;

  Reply() = default;
  Reply(int c, std::string e, std::string text) : code(c), enhanced(std::move(e)), lines{std::move(text)} {}
  Reply(int c, std::string e, std::vector<std::string> l) : code(c), enhanced(std::move(e)), lines(std::move(l)) {}
  bool positive() const { return code < 400; }
};

// Wire form. Long lines are cut at blanks into several; without `utf8`, umlauts become ae, oe, ue, ss and other characters
// beyond ASCII '?'; control characters become blanks.
std::string format_reply(const Reply& reply, bool utf8 = false);

// German text for a channel that carries only ASCII.
std::string to_ascii(std::string_view utf8);

struct PeerReply {
  int code = 0;
  std::string enhanced;              // "" if the peer gave none
  base::RemoteText text;             // lines joined by blanks
  std::vector<std::string> lines;    // raw text of each line, for EHLO keywords

  bool positive() const { return code >= 200 && code < 400; }
  bool temporary() const { return code >= 400 && code < 500; }
};

// Collects the bytes of a peer into replies.
class ReplyReader {
 public:
  static constexpr std::size_t k_max_line = 2000;   // RFC 5321 says 512; some say more
  static constexpr std::size_t k_max_lines = 100;

  void feed(std::string_view bytes) { m_buffer.append(bytes); }
  // True with a reply in `out`; false if more bytes are needed. k_syntax, k_line_too_long: close the connection.
  base::Result<bool> next(PeerReply& out);
  bool has_unread() const { return !m_buffer.empty(); }  // after STARTTLS nothing may be left

 private:
  std::string m_buffer;
  PeerReply m_partial;
};

}  // namespace smtp
