// Promise: whom a proxy in front of us carries, out of the header that it sends before the connection's own first byte
// (PROXY protocol version 2, haproxy.org "proxy-protocol.txt", section 2.2; version 1 is not spoken). Exactly the header is
// read: what follows belongs to TLS or to the protocol. Whoever may send one names the peer as he likes: the caller asks only
// proxies that the administrator listed. A header without an address that we can use is an error, never "the proxy itself".
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"
#include "base/net/stream.hpp"

namespace base::net {

inline constexpr std::size_t k_proxy_fixed = 16;        // signature, command, family, length
inline constexpr std::size_t k_proxy_max_rest = 4096;   // addresses and TLVs: a client certificate's name has room, no more
inline constexpr std::size_t k_proxy_max_tlvs = 32;

struct ProxiedPeer {
  std::string address;                                  // as Stream::peer_address() writes it
  std::uint16_t port = 0;
};

// How many bytes follow these first sixteen. k_malformed, k_too_large.
Result<std::size_t> proxy_rest_length(ByteView fixed);
// The whole header. Nothing for LOCAL: the proxy speaks for itself, to see whether we live. k_malformed, k_too_large.
Result<std::optional<ProxiedPeer>> parse_proxy_header(ByteView header);

// Reads it under the deadline that the stream has. As above, and what read_some() says; `heard` tells whether anything came.
Awaitable<Result<std::optional<ProxiedPeer>>> read_proxy_header(Stream& stream, bool& heard);

}  // namespace base::net
