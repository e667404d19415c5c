// Promise: `--name value` and `--flag` arguments of the bench programs; a word that nobody asked for ends the program, so that
// a misspelt option cannot falsify a run. Exits with 2 on wrong use: these programs have no other caller than a script.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace bench {

class Arguments {
 public:
  Arguments(int argc, char** argv, std::set<std::string> flags, std::set<std::string> values);

  bool has(const std::string& flag) const { return m_values.contains(flag); }
  std::string text(const std::string& name, std::string otherwise) const;
  double real(const std::string& name, double otherwise) const;
  std::uint64_t number(const std::string& name, std::uint64_t otherwise) const;  // with suffix k or m: KiB, MiB
  std::uint16_t port(const std::string& name) const;

 private:
  std::map<std::string, std::string> m_values;
};

[[noreturn]] void stop(const std::string& why);

// All traffic stays on this machine: anything but 127.0.0.0/8 ends the program.
std::uint32_t loopback_address(const std::string& text);

double monotonic_seconds();  // one clock for all processes of a run
double cpu_seconds();        // of this process
std::string json_text(const std::string& text);

}  // namespace bench
