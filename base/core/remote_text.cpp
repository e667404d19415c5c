#include "base/core/remote_text.hpp"

#include "base/core/bytes.hpp"

namespace base {
namespace {

// Length of the well-formed UTF-8 sequence at `at`, 0 if there is none.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  for (std::size_t n = 1; n <= 4 && at + n <= text.size(); ++n)
    if (is_utf8(text.substr(at, n))) return n;
  return 0;
}

// Characters that change how their neighbours are shown: C1 controls, bidirectional marks and overrides, line and
// paragraph separators, the byte order mark.
bool is_tricky(std::string_view c) {
  if (c.size() == 2) return c[0] == '\xc2' && static_cast<unsigned char>(c[1]) < 0xa0;
  if (c.size() != 3) return false;
  const unsigned code = (static_cast<unsigned>(c[0]) & 0x0f) << 12 | (static_cast<unsigned>(c[1]) & 0x3f) << 6 |
                        (static_cast<unsigned>(c[2]) & 0x3f);
  return (code >= 0x200b && code <= 0x200f) || (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
         code == 0xfeff;
}

}  // namespace

std::string escape_remote(std::string_view text, std::size_t cap) {
  std::string out;
  std::size_t i = 0;
  while (i < text.size()) {
    if (out.size() >= cap) return out + "...";
    const std::size_t n = sequence_at(text, i);
    const std::string_view c = text.substr(i, n == 0 ? 1 : n);
    const auto first = static_cast<unsigned char>(c[0]);
    if (n == 0 || first < 0x20 || first == 0x7f || is_tricky(c)) {
      for (const char b : c) out.append("\\x").append(to_hex({&b, 1}));
    } else {
      out.append(c);
    }
    i += c.size();
  }
  return out;
}

}  // namespace base
