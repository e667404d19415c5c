#include "bench/wire/arguments.hpp"

#include <arpa/inet.h>
#include <sys/resource.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <ctime>

namespace bench {

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "bench: %s\n", why.c_str());
  std::exit(2);
}

Arguments::Arguments(int argc, char** argv, std::set<std::string> flags, std::set<std::string> values) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string name = word.starts_with("--") ? word.substr(2) : "";
    if (flags.contains(name)) {
      m_values[name] = "";
    } else if (values.contains(name) && i + 1 < argc) {
      m_values[name] = argv[++i];
    } else {
      stop("what is " + word + "?");
    }
  }
}

std::string Arguments::text(const std::string& name, std::string otherwise) const {
  const auto found = m_values.find(name);
  return found == m_values.end() ? std::move(otherwise) : found->second;
}

double Arguments::real(const std::string& name, double otherwise) const {
  const auto found = m_values.find(name);
  if (found == m_values.end()) return otherwise;
  char* end = nullptr;
  const double value = std::strtod(found->second.c_str(), &end);
  if (end == found->second.c_str() || *end != '\0' || value < 0) stop("--" + name + " wants a number");
  return value;
}

std::uint64_t Arguments::number(const std::string& name, std::uint64_t otherwise) const {
  const auto found = m_values.find(name);
  if (found == m_values.end()) return otherwise;
  const std::string& text = found->second;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error != std::errc{} || (!rest.empty() && rest != "k" && rest != "m")) stop("--" + name + " wants a number");
  if (rest == "k") return value * 1024;
  return rest == "m" ? value * 1024 * 1024 : value;
}

std::uint16_t Arguments::port(const std::string& name) const {
  const std::uint64_t value = number(name, 0);
  if (value == 0 || value > 65535) stop("--" + name + " wants a port");
  return static_cast<std::uint16_t>(value);
}

std::uint32_t loopback_address(const std::string& text) {
  in_addr address{};
  if (inet_pton(AF_INET, text.c_str(), &address) != 1) stop("not an IPv4 address: " + text);
  if ((ntohl(address.s_addr) >> 24U) != 127) stop("only loopback addresses: " + text);
  return address.s_addr;
}

double monotonic_seconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::string json_text(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
  }
  return out + '"';
}

}  // namespace bench
