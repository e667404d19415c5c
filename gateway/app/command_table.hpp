// Promise: every command of the program is one row of one table; parsing, --help and docs/cli.md follow from it, so that none
// of them can tell of an option that another does not know. A command that has not landed has no row.
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

// Exit codes of every command.
inline constexpr int k_exit_good = 0;  // done, or the answer is yes
inline constexpr int k_exit_no = 1;    // the answer is no: invalid, refused, a test failed
inline constexpr int k_exit_error = 2; // wrong use, or it cannot be told

struct OptionSpec {
  std::string_view name;   // "--reason", or "ID" for an argument without a name
  std::string_view value;  // "TEXT"; "" for a flag
  std::string_view meaning;
  bool is_required = false, repeats = false;

  std::string_view key() const { return name.substr(0, name.find(',')); }  // of "--output,-o": "--output"
  bool is_positional() const { return !name.starts_with("--"); }
  bool is_flag() const { return !is_positional() && value.empty(); }
};

struct Command;

// What was typed after the command's name, and where it reads and writes.
struct Invocation {
  const Command* command = nullptr;
  std::map<std::string, std::vector<std::string>, std::less<>> values;  // by OptionSpec::key; a flag has an empty list
  std::istream& in;
  std::ostream& out;
  std::ostream& err;

  bool has(std::string_view name) const { return values.find(name) != values.end(); }
  std::vector<std::string> all(std::string_view name) const {
    const auto it = values.find(name);
    return it == values.end() ? std::vector<std::string>{} : it->second;
  }
  std::string one(std::string_view name, std::string fallback = {}) const {
    const auto it = values.find(name);
    return it == values.end() || it->second.empty() ? std::move(fallback) : it->second.front();
  }
  bool wants_json() const { return has("--json"); }
};

struct Command {
  std::string_view name;         // "queue release"
  std::string_view summary;      // one line, without a full stop
  std::string_view description;  // paragraphs
  std::vector<OptionSpec> options;
  std::string_view exits;        // what 0, 1 and 2 mean here, one a line
  std::string_view example;      // lines as typed
  int (*run)(const Invocation&) = nullptr;
};

const std::vector<Command>& commands();
const Command* find_command(std::string_view name);
// Words that begin a command but are none, such as "queue", with what they are about.
const std::vector<std::pair<std::string_view, std::string_view>>& command_groups();

std::string format_help();                          // of the program
std::string format_help(std::string_view group);    // of "queue"
std::string format_help(const Command& command);
std::string format_usage(const Command& command);   // "amtsbote queue release --reason TEXT ID"
std::string format_markdown();                      // docs/cli.md below its introduction

// Each group's rows stand in its own file.
std::vector<Command> setup_commands();
std::vector<Command> daemon_commands();
std::vector<Command> policy_commands();
std::vector<Command> keys_commands();
std::vector<Command> users_commands();
std::vector<Command> queue_commands();
std::vector<Command> receipts_commands();
std::vector<Command> store_commands();

}  // namespace app
