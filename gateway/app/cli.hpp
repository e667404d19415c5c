// Promise: what was typed becomes one command of the table, or an explanation and exit code 2; nothing is guessed.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

namespace app {

// `arguments` without the program's name. The exit code.
int run_command_line(const std::vector<std::string>& arguments, std::istream& in, std::ostream& out, std::ostream& err);

}  // namespace app
