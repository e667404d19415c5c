#include "base/core/id.hpp"

#include <algorithm>

#include "base/core/errors.hpp"
#include "base/core/random.hpp"

namespace base {
namespace {

constexpr std::string_view k_alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

}  // namespace

std::string RawId::text() const {
  // 128 bits in 26 digits of five bits: the first digit carries only three
  std::string out(26, '0');
  unsigned acc = 0;
  int bits = 2;  // two leading zero bits make 130
  std::size_t at = 0;
  for (const unsigned char b : bytes) {
    acc = (acc << 8) | b;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      out[at++] = k_alphabet[(acc >> bits) & 31];
    }
    acc &= (1u << bits) - 1;
  }
  return out;
}

RawId make_raw_id(Timestamp now) {
  RawId id;
  fill_random(id.bytes.data() + 6, 10);
  auto ms = static_cast<std::uint64_t>(now.time_since_epoch().count());
  for (int i = 5; i >= 0; --i, ms >>= 8) id.bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(ms & 0xff);
  return id;
}

Result<RawId> parse_raw_id(std::string_view text) {
  if (text.size() != 26) return fail(k_malformed, "id: length");
  RawId id;
  unsigned acc = 0;
  int bits = -2;
  std::size_t at = 0;
  for (const char c : text) {
    const char upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    const auto v = k_alphabet.find(upper);
    if (v == std::string_view::npos) return fail(k_malformed, "id: character");
    acc = (acc << 5) | static_cast<unsigned>(v);
    bits += 5;
    if (at == 0 && bits == 3 && v > 7) return fail(k_malformed, "id: out of range");
    if (bits >= 8) {
      bits -= 8;
      id.bytes[at++] = static_cast<unsigned char>(acc >> bits);
      acc &= (1u << bits) - 1;
    }
  }
  return id;
}

Result<RawId> raw_id_of(ByteView bytes) {
  if (bytes.size() != 16) return fail(k_malformed, "id: 16 bytes expected");
  RawId id;
  std::copy(u8(bytes), u8(bytes) + 16, id.bytes.begin());
  return id;
}

}  // namespace base
