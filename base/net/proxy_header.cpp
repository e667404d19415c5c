#include "base/net/proxy_header.hpp"

#include <algorithm>
#include <array>
#include <span>

#include <boost/asio/ip/address.hpp>

#include "base/core/errors.hpp"

namespace base::net {
namespace {

constexpr std::string_view k_signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr unsigned char k_local = 0x20, k_proxy = 0x21;       // version 2 in the upper half
constexpr unsigned char k_tcp4 = 0x11, k_tcp6 = 0x21;         // family and transport
constexpr unsigned char k_tlv_crc32c = 0x03;

unsigned char byte_at(ByteView bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }
std::uint16_t number_at(ByteView bytes, std::size_t at) { return static_cast<std::uint16_t>(byte_at(bytes, at) << 8 | byte_at(bytes, at + 1)); }

template <class Address>
std::string address_at(ByteView bytes, std::size_t at) {
  typename Address::bytes_type raw;
  std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), raw.size(), raw.begin());
  const Address address(raw);
  if constexpr (std::is_same_v<Address, asio::ip::address_v6>)
    if (address.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, address).to_string();
  return address.to_string();
}

// CRC-32C (Castagnoli), bit by bit: a header is short and comes once a connection.
std::uint32_t crc32c(ByteView bytes) {
  std::uint32_t crc = ~0u;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82F63B78u : 0);
  }
  return ~crc;
}

// Section 2.2.3: computed with the four bytes of the checksum itself as zeros.
bool checksum_holds(ByteView header, std::size_t at) {
  std::string blank(header);
  std::fill_n(blank.begin() + static_cast<std::ptrdiff_t>(at), 4, '\0');
  const std::uint32_t said = static_cast<std::uint32_t>(number_at(header, at)) << 16 | number_at(header, at + 2);
  return crc32c(blank) == said;
}

// Nobody here reads what the TLVs say, but a header whose parts do not add up is not believed in its address either.
Result<void> check_tlvs(ByteView header, std::size_t at) {
  for (std::size_t count = 0; at < header.size(); ++count) {
    if (count == k_proxy_max_tlvs) return fail(k_too_large, "PROXY header: too many TLVs");
    if (header.size() - at < 3) return fail(k_malformed, "PROXY header: half a TLV");
    const std::size_t length = number_at(header, at + 1), value = at + 3;
    if (header.size() - value < length) return fail(k_malformed, "PROXY header: a TLV ends beyond it");
    if (byte_at(header, at) == k_tlv_crc32c && (length != 4 || !checksum_holds(header, value)))
      return fail(k_malformed, "PROXY header: the checksum does not hold");
    at = value + length;
  }
  return Done{};
}

Awaitable<Result<void>> read_exactly(Stream& stream, std::span<char> into, bool& heard) {
  while (!into.empty()) {
    const auto got = co_await stream.read_some(into);
    if (!got) co_return got.error();
    heard = true;
    into = into.subspan(*got);
  }
  co_return Done{};
}

}  // namespace

Result<std::size_t> proxy_rest_length(ByteView fixed) {
  if (fixed.size() != k_proxy_fixed || !fixed.starts_with(k_signature)) return fail(k_malformed, "no PROXY header of version 2");
  const unsigned char command = byte_at(fixed, 12);
  if (command != k_local && command != k_proxy) return fail(k_malformed, "PROXY header: unknown version or command");
  const std::size_t rest = number_at(fixed, 14);
  if (rest > k_proxy_max_rest) return fail(k_too_large, "PROXY header: longer than " + std::to_string(k_proxy_max_rest));
  return rest;
}

Result<std::optional<ProxiedPeer>> parse_proxy_header(ByteView header) {
  const auto rest = proxy_rest_length(header.substr(0, k_proxy_fixed));
  if (!rest) return rest.error();
  if (header.size() != k_proxy_fixed + *rest) return fail(k_malformed, "PROXY header: not as long as it says");
  // section 2.2: of a LOCAL header everything but its length is ignored
  if (byte_at(header, 12) == k_local) return std::optional<ProxiedPeer>();
  ProxiedPeer peer;
  std::size_t addresses = 0;  // two addresses, two ports
  const unsigned char family = byte_at(header, 13);
  if (family == k_tcp4) {
    addresses = 12;
    if (*rest < addresses) return fail(k_malformed, "PROXY header: too short for its addresses");
    peer.address = address_at<asio::ip::address_v4>(header, k_proxy_fixed);
    peer.port = number_at(header, k_proxy_fixed + 8);
  } else if (family == k_tcp6) {
    addresses = 36;
    if (*rest < addresses) return fail(k_malformed, "PROXY header: too short for its addresses");
    peer.address = address_at<asio::ip::address_v6>(header, k_proxy_fixed);
    peer.port = number_at(header, k_proxy_fixed + 32);
  } else {
    return fail(k_malformed, "PROXY header: neither TCP over IPv4 nor over IPv6");
  }
  if (auto ok = check_tlvs(header, k_proxy_fixed + addresses); !ok) return ok.error();
  return std::optional(std::move(peer));
}

Awaitable<Result<std::optional<ProxiedPeer>>> read_proxy_header(Stream& stream, bool& heard) {
  std::string header(k_proxy_fixed, '\0');
  const auto fixed = co_await read_exactly(stream, header, heard);
  if (!fixed) co_return fixed.error();
  const auto rest = proxy_rest_length(header);
  if (!rest) co_return rest.error();
  header.resize(k_proxy_fixed + *rest);
  const std::span<char> tail = std::span<char>(header).subspan(k_proxy_fixed);
  const auto read = co_await read_exactly(stream, tail, heard);
  if (!read) co_return read.error();
  co_return parse_proxy_header(header);
}

}  // namespace base::net
