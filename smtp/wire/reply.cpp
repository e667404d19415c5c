#include "smtp/wire/reply.hpp"

#include "base/core/bytes.hpp"
#include "smtp/wire/errors.hpp"

namespace smtp {
namespace {

constexpr std::size_t k_width = 500;  // text of a line; with code, enhanced code and CRLF below 512 (RFC 5321 4.5.3.1.5)

// `text` cut at blanks into pieces of at most `width` bytes, never inside a UTF-8 character
std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> out;
  while (text.size() > width) {
    auto cut = text.rfind(' ', width);
    if (cut == std::string_view::npos || cut == 0) {
      cut = width;
      while (cut > 1 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80) --cut;
    }
    out.emplace_back(text.substr(0, cut));
    text.remove_prefix(cut);
    while (text.starts_with(' ')) text.remove_prefix(1);
  }
  out.emplace_back(text);
  return out;
}

std::string printable(std::string_view text, bool utf8) {
  std::string out = utf8 && base::is_utf8(text) ? std::string(text) : to_ascii(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = ' ';
  return out;
}

bool is_enhanced(std::string_view word) {
  int dots = 0;
  if (word.size() < 5 || word.size() > 9 || (word[0] != '2' && word[0] != '4' && word[0] != '5') || word[1] != '.') return false;
  for (const char c : word) {
    if (c == '.')
      ++dots;
    else if (c < '0' || c > '9')
      return false;
  }
  return dots == 2 && word.back() != '.';
}

}  // namespace

std::string to_ascii(std::string_view utf8) {
  std::string out;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto c = static_cast<unsigned char>(utf8[i]);
    if (c < 128) {
      out += utf8[i];
      continue;
    }
    if ((c & 0xc0) == 0x80) continue;  // inside a character already written
    const std::string_view two = utf8.substr(i, 2);
    if (two == "ä") out += "ae";
    else if (two == "ö") out += "oe";
    else if (two == "ü") out += "ue";
    else if (two == "Ä") out += "Ae";
    else if (two == "Ö") out += "Oe";
    else if (two == "Ü") out += "Ue";
    else if (two == "ß") out += "ss";
    else out += '?';
  }
  return out;
}

std::string format_reply(const Reply& reply, bool utf8) {
  std::vector<std::string> lines;
  for (const std::string& line : reply.lines)
    for (std::string& piece : wrap(printable(line, utf8), k_width)) lines.push_back(std::move(piece));
  if (lines.empty()) lines.emplace_back();
  std::string out;
  const std::string code = std::to_string(reply.code);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    out.append(code).append(i + 1 < lines.size() ? "-" : " ");
    if (!reply.enhanced.empty()) out.append(reply.enhanced).append(" ");
    out.append(lines[i]).append("\r\n");
  }
  return out;
}

base::Result<bool> ReplyReader::next(PeerReply& out) {
  while (true) {
    const auto lf = m_buffer.find('\n');
    if (lf == std::string::npos) {
      if (m_buffer.size() > k_max_line) return base::fail(k_line_too_long, "reply line");
      return false;
    }
    std::string line = m_buffer.substr(0, lf);
    m_buffer.erase(0, lf + 1);
    if (line.ends_with('\r')) line.pop_back();
    if (line.size() > k_max_line) return base::fail(k_line_too_long, "reply line");
    const bool digits = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && line[1] >= '0' && line[1] <= '9' && line[2] >= '0' && line[2] <= '9';
    if (!digits || (line.size() > 3 && line[3] != ' ' && line[3] != '-')) return base::fail(k_syntax, "reply: " + line.substr(0, 100));
    const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
    if (m_partial.code != 0 && m_partial.code != code) return base::fail(k_syntax, "reply lines with different codes");
    m_partial.code = code;
    const bool last = line.size() <= 3 || line[3] == ' ';
    std::string_view text = line.size() > 4 ? std::string_view(line).substr(4) : std::string_view{};
    const std::string_view word = text.substr(0, text.find(' '));
    m_partial.lines.emplace_back(text);
    if (is_enhanced(word) && word[0] == line[0]) {
      m_partial.enhanced = word;
      text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    std::string joined = m_partial.text.raw();
    if (!joined.empty() && !text.empty()) joined += ' ';
    m_partial.text = base::RemoteText(joined.append(text));
    if (m_partial.lines.size() > k_max_lines) return base::fail(k_syntax, "reply of too many lines");
    if (!last) continue;
    out = std::exchange(m_partial, {});
    return true;
  }
}

}  // namespace smtp
