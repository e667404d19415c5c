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

}  // namespace

base::Result<void> Base64Decoder::feed(base::ByteView text, std::string& out) {
  for (const char c : text) {
    if (c == '\r' || c == '\n' || c == ' ' || c == '\t') continue;
    if (c == '=') {
      if (m_count < 2 || ++m_padding + m_count > 4) return base::fail(k_not_protected, "base64: padding");
      continue;
    }
    const int value = k_values[static_cast<unsigned char>(c)];
    if (value < 0 || m_padding > 0) return base::fail(k_not_protected, "base64: foreign character");
    m_bits = (m_bits << 6) | static_cast<unsigned>(value);
    if (++m_count == 1) continue;
    // each digit after the first completes one byte
    out.push_back(static_cast<char>((m_bits >> (6 - 2 * (m_count - 1))) & 0xff));
    if (m_count == 4) m_bits = 0, m_count = 0;
  }
  return base::Done{};
}

base::Result<void> Base64Decoder::finish() const {
  if (m_padding > 0 ? m_count + m_padding != 4 : m_count != 0) return base::fail(k_not_protected, "base64: cut");
  return base::Done{};
}

}  // namespace crypto::smime
