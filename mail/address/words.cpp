#include "mail/address/words.hpp"

#include <optional>

#include "base/core/bytes.hpp"
#include "mail/address/errors.hpp"

namespace mail {
namespace {

void append_code_point(std::string& out, unsigned code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

// 0x80 to 0x9f of Windows-1252; 0 where nothing is assigned
constexpr unsigned k_windows[32] = {0x20ac, 0,      0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
                                    0x2039, 0x0152, 0,      0x017d, 0,      0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
                                    0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0,      0x017e, 0x0178};

unsigned latin15(unsigned c) {
  switch (c) {
    case 0xa4: return 0x20ac;
    case 0xa6: return 0x160;
    case 0xa8: return 0x161;
    case 0xb4: return 0x17d;
    case 0xb8: return 0x17e;
    case 0xbc: return 0x152;
    case 0xbd: return 0x153;
    case 0xbe: return 0x178;
    default: return c;
  }
}

std::optional<std::string> decode_q(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_') {
      out += ' ';
    } else if (text[i] == '=') {
      const auto byte = base::parse_hex(text.substr(i + 1, 2));
      if (!byte || byte->size() != 1) return std::nullopt;
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Word {
  std::string charset, bytes;
  std::size_t length = 0;  // of the encoded form
};

// The encoded word at the start of `text`, if there is one: =?charset[*lang]?B|Q?text?=
std::optional<Word> word_at(std::string_view text) {
  // 75 octets is the standard's limit; some writers pass it, nobody needs a kilobyte. Cut here, nothing below looks at all the rest.
  text = text.substr(0, 1000);
  if (!text.starts_with("=?")) return std::nullopt;
  const auto first = text.find('?', 2);
  if (first == std::string_view::npos || first + 2 >= text.size() || text[first + 2] != '?') return std::nullopt;
  const auto end = text.find("?=", first + 3);
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view charset = text.substr(2, first - 2);
  charset = charset.substr(0, charset.find('*'));
  const std::string_view payload = text.substr(first + 3, end - first - 3);
  if (payload.find(' ') != std::string_view::npos) return std::nullopt;
  Word word{base::to_lower(charset), {}, end + 2};
  const char kind = text[first + 1];
  if (kind == 'B' || kind == 'b') {
    auto bytes = base::parse_base64(payload);
    if (!bytes) return std::nullopt;
    word.bytes = *std::move(bytes);
  } else if (kind == 'Q' || kind == 'q') {
    auto bytes = decode_q(payload);
    if (!bytes) return std::nullopt;
    word.bytes = *std::move(bytes);
  } else {
    return std::nullopt;
  }
  return word;
}

bool known_charset(std::string_view charset) {
  for (const char* name : {"utf-8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"})
    if (charset == name) return true;
  return false;
}

// Length of the UTF-8 character that starts with `lead`.
std::size_t character_length(char lead) {
  const auto c = static_cast<unsigned char>(lead);
  return c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc2 ? 2 : 1;
}

}  // namespace

std::string to_utf8(std::string_view bytes, std::string_view charset) {
  const std::string name = base::to_lower(charset);
  if (name == "utf-8" || name == "us-ascii" || name.empty()) return std::string(bytes);
  if (!known_charset(name)) return std::string(bytes);
  std::string out;
  for (const char b : bytes) {
    const auto c = static_cast<unsigned char>(b);
    if (name == "windows-1252" && c >= 0x80 && c < 0xa0)
      append_code_point(out, k_windows[c - 0x80] == 0 ? 0xfffd : k_windows[c - 0x80]);
    else
      append_code_point(out, name == "iso-8859-15" ? latin15(c) : c);
  }
  return out;
}

std::string decode_encoded_words(std::string_view value) {
  std::string out, pending;      // pending: bytes of neighbouring words of one charset, which may share a character
  std::string charset, blanks;   // blanks: between two words, dropped if both decode (RFC 2047 section 6.2)
  bool after_word = false;
  const auto flush = [&] {
    const std::string text = to_utf8(pending, charset);
    out += base::is_utf8(text) ? text : "\xef\xbf\xbd";
    pending.clear();
  };
  std::size_t i = 0;
  while (i < value.size()) {
    if (const auto word = word_at(value.substr(i)); word && known_charset(word->charset)) {
      if (after_word && word->charset != charset) flush();
      if (!after_word) out += blanks;
      blanks.clear();
      charset = word->charset;
      pending += word->bytes;
      after_word = true;
      i += word->length;
      continue;
    }
    if (value[i] == ' ' || value[i] == '\t') {
      blanks += value[i++];
      continue;
    }
    if (after_word) flush();
    after_word = false;
    out += blanks;
    blanks.clear();
    out += value[i++];
  }
  if (after_word) flush();
  return out + blanks;
}

base::Result<std::string> encode_header_text(std::string_view utf8, std::size_t column) {
  if (utf8.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos)
    return base::fail(k_malformed_header, "CR, LF or NUL in a header value");
  if (!base::is_utf8(utf8)) return base::fail(k_malformed_header, "not UTF-8");
  std::string out;
  constexpr std::size_t k_width = 76;
  if (base::is_ascii(utf8) && utf8.find("=?") == std::string_view::npos) {
    std::size_t at = column;
    while (!utf8.empty()) {  // fold at blanks only
      auto next = utf8.find(' ', 1);
      if (next == std::string_view::npos) next = utf8.size();
      if (at + next > k_width && utf8[0] == ' ' && next > 1) {  // a line of nothing but blanks ends the header for some readers
        out += "\r\n";
        at = 0;
      }
      out.append(utf8.substr(0, next));
      at += next;
      utf8.remove_prefix(next);
    }
    return out;
  }
  std::size_t room = column + 12 < 60 ? 60 - column : 24;  // encoded bytes of the first word
  while (!utf8.empty()) {
    std::size_t take = 0;
    while (take < utf8.size()) {
      const std::size_t n = character_length(utf8[take]);
      if ((take + n + 2) / 3 * 4 > room) break;
      take += n;
    }
    if (!out.empty()) out += "\r\n ";
    out += "=?UTF-8?B?" + base::to_base64(utf8.substr(0, take)) + "?=";
    utf8.remove_prefix(take);
    room = 60;
  }
  return out;
}

base::Result<std::string> format_phrase(std::string_view name, std::size_t column) {
  if (!base::is_ascii(name) || name.find("=?") != std::string_view::npos) return encode_header_text(name, column);
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return encode_header_text(quoted + '"', column);
}

std::string fold_case(std::string_view utf8) {
  std::string out = base::to_lower(utf8);
  for (std::size_t i = 0; i + 1 < out.size(); ++i) {
    const auto second = static_cast<unsigned char>(out[i + 1]);
    if (out[i] == '\xc3' && second >= 0x80 && second <= 0x9e && second != 0x97) out[i + 1] = static_cast<char>(second + 0x20);
  }
  return out;
}

}  // namespace mail
