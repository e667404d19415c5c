#include "crypto/smime/base64.hpp"

#include <array>

#include "crypto/protect/errors.hpp"

namespace crypto::smime {
namespace {

constexpr std::array<signed char, 256> make_values() {
  std::array<signed char, 256> values{};
  for (auto& v : values) v = -1;
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < digits.size(); ++i) values[static_cast<unsigned char>(digits[i])] = static_cast<signed char>(i);
  return values;
}
constexpr auto k_values = make_values();

int value_of(char digit) { return k_values[static_cast<unsigned char>(digit)]; }  // negative: none

}  // namespace

base::Result<void> Base64Decoder::feed(base::ByteView text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    // the inside of a line, four digits at a time: this runs over every byte of every protected message
    const std::size_t begin = out.size();
    if (m_count == 0 && m_padding == 0 && text.size() - i >= 4) {
      out.resize(begin + (text.size() - i) / 4 * 3);
      char* to = out.data() + begin;
      for (; text.size() - i >= 4; i += 4, to += 3) {
        const int bits = value_of(text[i]) << 18 | value_of(text[i + 1]) << 12 | value_of(text[i + 2]) << 6 | value_of(text[i + 3]);
        if (bits < 0) break;
        to[0] = static_cast<char>(bits >> 16);
        to[1] = static_cast<char>(bits >> 8);
        to[2] = static_cast<char>(bits);
      }
      out.resize(static_cast<std::size_t>(to - out.data()));
      if (i == text.size()) break;
    }
    if (auto taken = take(text[i], out); !taken) return taken;
  }
  return base::Done{};
}

base::Result<void> Base64Decoder::take(char c, std::string& out) {
  if (c == '\r' || c == '\n' || c == ' ' || c == '\t') return base::Done{};
  if (c == '=') {
    if (m_count < 2 || ++m_padding + m_count > 4) return base::fail(k_not_protected, "base64: padding");
    return base::Done{};
  }
  const int value = value_of(c);
  if (value < 0 || m_padding > 0) return base::fail(k_not_protected, "base64: foreign character");
  m_bits = (m_bits << 6) | static_cast<unsigned>(value);
  if (++m_count == 1) return base::Done{};
  // each digit after the first completes one byte
  out.push_back(static_cast<char>((m_bits >> (6 - 2 * (m_count - 1))) & 0xff));
  if (m_count == 4) m_bits = 0, m_count = 0;
  return base::Done{};
}

base::Result<void> Base64Decoder::finish() const {
  if (m_padding > 0 ? m_count + m_padding != 4 : m_count != 0) return base::fail(k_not_protected, "base64: cut");
  return base::Done{};
}

}  // namespace crypto::smime
