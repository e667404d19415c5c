// Promise: one type for bytes in the whole house. Mail is octets that mostly look like text, so bytes are std::string and
// views of them std::string_view; nothing here knows a character set. Sizes that mean a quantity are ByteCount.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/core/result.hpp"

namespace base {

using Bytes = std::string;
using ByteView = std::string_view;

struct ByteCount {
  std::uint64_t value = 0;

  friend constexpr auto operator<=>(ByteCount, ByteCount) = default;
  friend constexpr ByteCount operator+(ByteCount a, ByteCount b) { return {a.value + b.value}; }
};

constexpr ByteCount kib(std::uint64_t n) { return {n << 10}; }
constexpr ByteCount mib(std::uint64_t n) { return {n << 20}; }

// The pointer types that C libraries want.
inline const unsigned char* u8(ByteView v) { return reinterpret_cast<const unsigned char*>(v.data()); }
inline unsigned char* u8(Bytes& v) { return reinterpret_cast<unsigned char*>(v.data()); }

std::string to_hex(ByteView bytes);                   // lower case
Result<Bytes> parse_hex(std::string_view text);       // either case; k_malformed

std::string to_base64(ByteView bytes);                // RFC 4648 section 4, padded, one line
Result<Bytes> parse_base64(std::string_view text);    // strict: no blanks, padding demanded, spare bits zero; k_malformed
std::string to_base64url(ByteView bytes);             // section 5, without padding
Result<Bytes> parse_base64url(std::string_view text);

// ASCII only, on purpose: protocol words and domain names, never human text.
std::string to_lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool starts_with_ignoring_case(std::string_view text, std::string_view prefix);
std::string_view trim(std::string_view text);         // blanks and tabs at both ends
bool is_ascii(std::string_view text);
bool is_utf8(std::string_view text);                  // well-formed, RFC 3629: no surrogates, no overlong forms

}  // namespace base
