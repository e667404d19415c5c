#include "gateway/config/net_values.hpp"

#include <arpa/inet.h>
#include <charconv>

namespace config {
namespace {

template <class T>
bool parse_number(std::string_view text, T& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

bool is_loopback_ip(const std::string& bytes) {
  if (bytes.size() == 4) return bytes[0] == 127;
  return bytes == std::string(15, '\0') + '\x01';
}

}  // namespace

std::optional<std::string> parse_ip(const std::string& text) {
  unsigned char bytes[16];
  if (::inet_pton(AF_INET, text.c_str(), bytes) == 1) return std::string(reinterpret_cast<char*>(bytes), 4);
  if (::inet_pton(AF_INET6, text.c_str(), bytes) == 1) return std::string(reinterpret_cast<char*>(bytes), 16);
  return std::nullopt;
}

std::optional<HostPort> parse_host_port(std::string_view text) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  HostPort out;
  if (!parse_number(text.substr(colon + 1), out.port)) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (bracketed != (host.find(':') != std::string_view::npos)) return std::nullopt;  // IPv6, and only IPv6, in brackets
  out.host = host;
  if (const auto ip = parse_ip(out.host)) {
    out.is_ip = true;
    out.is_loopback = is_loopback_ip(*ip);
    return out;
  }
  if (bracketed) return std::nullopt;
  out.is_loopback = out.host == "localhost";
  auto name = mail::parse_domain(host);
  if (!name) return std::nullopt;
  out.host = *name;
  return out;
}

std::optional<Network> parse_network(std::string_view text) {
  const auto slash = text.find('/');
  const auto bytes = parse_ip(std::string(text.substr(0, slash)));
  if (!bytes) return std::nullopt;
  Network out{*bytes, std::string(text), static_cast<unsigned>(bytes->size() * 8)};
  if (slash != std::string_view::npos) {
    unsigned prefix = 0;
    if (!parse_number(text.substr(slash + 1), prefix) || prefix > out.prefix) return std::nullopt;
    out.prefix = prefix;
  }
  for (unsigned bit = out.prefix; bit < bytes->size() * 8; ++bit)
    if ((static_cast<unsigned char>((*bytes)[bit / 8]) >> (7 - bit % 8) & 1) != 0) return std::nullopt;
  return out;
}

}  // namespace config
