#include "base/core/bytes.hpp"

#include <array>
#include <cstring>

#include "base/core/errors.hpp"

namespace base {
namespace {

constexpr std::string_view k_hex = "0123456789abcdef";
constexpr std::string_view k_std = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view k_url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Two digits for each twelve bits: half the steps of one digit at a time.
using Pairs = std::array<std::array<char, 2>, 4096>;

constexpr Pairs pairs_of(std::string_view alphabet) {
  Pairs out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = {alphabet[i >> 6], alphabet[i & 63]};
  return out;
}

constexpr Pairs k_std_pairs = pairs_of(k_std);
constexpr Pairs k_url_pairs = pairs_of(k_url);

std::string encode64(ByteView in, const Pairs& pairs, bool pad) {
  const std::size_t rest = in.size() % 3;
  std::string out(in.size() / 3 * 4 + (rest == 0 ? 0 : pad ? 4 : rest + 1), '=');
  const unsigned char* from = u8(in);
  char* to = out.data();
  const auto put = [&to](const std::array<char, 2>& pair) {
    std::memcpy(to, pair.data(), 2);
    to += 2;
  };
  for (const unsigned char* end = from + (in.size() - rest); from != end; from += 3) {
    const std::uint32_t v = (from[0] << 16) | (from[1] << 8) | from[2];
    put(pairs[v >> 12]);
    put(pairs[v & 4095]);
  }
  if (rest == 0) return out;
  const std::uint32_t v = (from[0] << 16) | (rest == 2 ? from[1] << 8 : 0);
  put(pairs[v >> 12]);
  if (rest == 2) *to = pairs[v & 4095][0];
  return out;
}

using Table = std::array<std::int8_t, 256>;

constexpr Table table_of(std::string_view alphabet) {
  Table t{};
  for (auto& v : t) v = -1;
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    t[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return t;
}

constexpr Table k_std_values = table_of(k_std);
constexpr Table k_url_values = table_of(k_url);

// `text` without padding; a single left-over digit or a non-zero spare bit is malformed
Result<Bytes> decode64(std::string_view text, const Table& values) {
  Bytes out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t acc = 0;
  int bits = 0;
  for (const char c : text) {
    const int v = values[static_cast<unsigned char>(c)];
    if (v < 0) return fail(k_malformed, "base64: a character outside the alphabet");
    acc = (acc << 6) | static_cast<std::uint32_t>(v);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out += static_cast<char>((acc >> bits) & 0xff);
      acc &= (1u << bits) - 1;
    }
  }
  if (text.size() % 4 == 1 || acc != 0) return fail(k_malformed, "base64: cut or with spare bits set");
  return out;
}

int hex_value(char c) {
  const auto at = k_hex.find(lower(c));
  return at == std::string_view::npos ? -1 : static_cast<int>(at);
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const char c : bytes) {
    const auto v = static_cast<unsigned char>(c);
    out += k_hex[v >> 4];
    out += k_hex[v & 15];
  }
  return out;
}

Result<Bytes> parse_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(k_malformed, "hex: odd length");
  Bytes out;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return fail(k_malformed, "hex: not a digit");
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

std::string to_base64(ByteView bytes) { return encode64(bytes, k_std_pairs, true); }
std::string to_base64url(ByteView bytes) { return encode64(bytes, k_url_pairs, false); }

Result<Bytes> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return fail(k_malformed, "base64: length is no multiple of four");
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode64(text, k_std_values);
}

Result<Bytes> parse_base64url(std::string_view text) { return decode64(text, k_url_values); }

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = lower(c);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (lower(a[i]) != lower(b[i])) return false;
  return true;
}

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && equal_ignoring_case(text.substr(0, prefix.size()), prefix);
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool is_ascii(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) > 127) return false;
  return true;
}

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead < 0x80) {
      ++i;
      continue;
    }
    const int more = lead >= 0xf0 && lead <= 0xf4 ? 3 : lead >= 0xe0 && lead < 0xf0 ? 2 : lead >= 0xc2 && lead < 0xe0 ? 1 : 0;
    if (more == 0 || i + static_cast<std::size_t>(more) >= text.size()) return false;
    std::uint32_t code = lead & (0x3f >> more);
    for (int k = 1; k <= more; ++k) {
      const auto next = static_cast<unsigned char>(text[i + static_cast<std::size_t>(k)]);
      if ((next & 0xc0) != 0x80) return false;
      code = (code << 6) | (next & 0x3f);
    }
    if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff))) return false;
    if (code >= 0xd800 && code <= 0xdfff) return false;
    i += static_cast<std::size_t>(more) + 1;
  }
  return true;
}

}  // namespace base
