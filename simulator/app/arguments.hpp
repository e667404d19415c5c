// Promise: the command line as values; --help is made of the same table that is read.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "simulator/doors/push.hpp"
#include "simulator/provider/world.hpp"

namespace simulator {

struct Arguments {
  base::fs::path directory;
  std::string address = "127.0.0.1";
  std::map<std::string, std::uint16_t> ports;  // by name, "a-submission"; the others are the kernel's choice
  std::vector<Account> accounts;               // the default ones where none is given
  std::vector<std::string> suffixes;
  PushOptions push;
  WorldSettings world;
  bool help = false, version = false;
};
// k_malformed says which argument is wrong.
base::Result<Arguments> parse_arguments(const std::vector<std::string>& given);
std::string help_text();

}  // namespace simulator
