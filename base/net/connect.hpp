// Promise: a connected stream or a reason, within the time given.
#pragma once

#include <chrono>
#include <string>

#include "base/net/stream.hpp"

namespace base::net {

// `address`: an IP literal. k_connection, k_timeout.
Awaitable<Result<Stream>> connect(std::string address, std::uint16_t port, std::chrono::milliseconds deadline);
// A Unix socket by its path. k_connection, k_timeout; k_malformed for a path that is too long.
Awaitable<Result<Stream>> connect_local(std::string path, std::chrono::milliseconds deadline);

// Could a listener take this address now? Nothing is kept. k_malformed, k_connection.
Result<void> try_address(const std::string& address, std::uint16_t port);

// "host:port", "[2001:db8::1]:25". k_malformed.
struct HostPort {
  std::string host;
  std::uint16_t port = 0;
};
Result<HostPort> parse_host_port(std::string_view text);
bool is_loopback(std::string_view address);

}  // namespace base::net
