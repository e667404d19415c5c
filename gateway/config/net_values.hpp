// Internal to gateway/config: addresses as they stand in config files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gateway/options/options.hpp"

namespace config {

struct HostPort {
  std::string host;  // without brackets
  std::uint16_t port = 0;
  bool is_ip = false, is_loopback = false;
};

// "host:port", "127.0.0.1:25", "[::1]:25". Names are checked as domains; "localhost" counts as loopback.
std::optional<HostPort> parse_host_port(std::string_view text);
// "10.0.0.0/8", "2001:db8::/32", a single address; bits beyond the prefix must be zero.
std::optional<Network> parse_network(std::string_view text);
// Four or sixteen bytes.
std::optional<std::string> parse_ip(const std::string& text);

}  // namespace config
