#include "gateway/app/command_table.hpp"

#include <algorithm>

namespace app {
namespace {

constexpr std::size_t k_width = 96;  // of running text in --help

std::string usage_of(const OptionSpec& option) {
  std::string out(option.key());
  if (!option.value.empty()) out.append(" ").append(option.value);
  if (option.repeats) out += "...";
  return option.is_required ? out : "[" + out + "]";
}

// Breaks each paragraph at blanks.
std::string wrap(std::string_view text, std::size_t indent) {
  std::string out;
  const std::string margin(indent, ' ');
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    std::string_view rest = line;
    do {
      std::size_t cut = rest.size();
      if (rest.size() > k_width - indent) {
        cut = rest.rfind(' ', k_width - indent);
        if (cut == std::string_view::npos) cut = std::min(rest.find(' '), rest.size());
      }
      if (cut > 0) out.append(margin).append(rest.substr(0, cut));
      out += '\n';
      rest.remove_prefix(std::min(cut + 1, rest.size()));
    } while (!rest.empty());
  }
  return out;
}

std::string table(const std::vector<std::pair<std::string, std::string_view>>& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : rows) {
    std::string text = wrap(right, width + 4);
    out.append("  ").append(left).append(text.size() > left.size() + 2 ? text.substr(left.size() + 2) : "\n");
  }
  return out;
}

std::vector<std::pair<std::string, std::string_view>> option_rows(const Command& command) {
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const OptionSpec& o : command.options) {
    std::string left(o.name);
    if (!o.value.empty()) left.append(" ").append(o.value);
    rows.emplace_back(std::move(left), o.meaning);
  }
  return rows;
}

}  // namespace

const std::vector<Command>& commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> out;
    for (const auto& rows : {setup_commands(), daemon_commands(), policy_commands(), keys_commands(), users_commands(), queue_commands(), receipts_commands(), store_commands()})
      out.insert(out.end(), rows.begin(), rows.end());
    return out;
  }();
  return all;
}

const Command* find_command(std::string_view name) {
  for (const Command& command : commands())
    if (command.name == name) return &command;
  return nullptr;
}

const std::vector<std::pair<std::string_view, std::string_view>>& command_groups() {
  static const std::vector<std::pair<std::string_view, std::string_view>> all = {
      {"policy", "What the rules would do, and whether they do what they shall"},
      {"keys", "Certificates and keys, S/MIME and OpenPGP in one list"},
      {"users", "Accounts that may submit mail"},
      {"queue", "Messages that are under way"},
      {"receipts", "The evidence log"},
      {"store", "Where messages and receipts are kept"},
  };
  return all;
}

std::string format_usage(const Command& command) {
  std::string out = "amtsbote " + std::string(command.name);
  for (const OptionSpec& o : command.options)
    if (!o.is_positional()) out.append(" ").append(usage_of(o));
  for (const OptionSpec& o : command.options)
    if (o.is_positional()) out.append(" ").append(usage_of(o));
  return out;
}

std::string format_help() {
  std::string out =
      "amtsbote: a secure mail gateway that encrypts by policy and keeps receipts.\n\n"
      "Usage: amtsbote COMMAND [OPTIONS]\n\nCommands:\n";
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const Command& command : commands()) rows.emplace_back(command.name, command.summary);
  out += table(rows);
  out +=
      "\nOptions:\n"
      "  --help     this text; after a command: what it does, its arguments, exit codes and an example\n"
      "  --version  the version\n"
      "\nExit codes: 0 good, 1 the answer is no, 2 wrong use or it cannot be told.\n";
  return out;
}

std::string format_help(std::string_view group) {
  std::string out = "amtsbote " + std::string(group) + ": ";
  for (const auto& [name, about] : command_groups())
    if (name == group) out.append(about).append(".\n\nCommands:\n");
  std::vector<std::pair<std::string, std::string_view>> rows;
  for (const Command& command : commands())
    if (command.name.starts_with(std::string(group) + " ")) rows.emplace_back(command.name, command.summary);
  return out + table(rows) + "\nMore about each: amtsbote " + std::string(group) + " COMMAND --help\n";
}

std::string format_help(const Command& command) {
  std::string out = "amtsbote " + std::string(command.name) + ": " + std::string(command.summary) + ".\n\nUsage: " + format_usage(command) + "\n\n";
  out += wrap(command.description, 0);
  if (!command.options.empty()) out += "\nArguments:\n" + table(option_rows(command));
  out += "\nExit codes:\n" + wrap(command.exits, 2);
  return out + "\nExample:\n" + wrap(command.example, 2);
}

std::string format_markdown() {
  std::string out;
  for (const Command& command : commands()) {
    out += "\n## amtsbote " + std::string(command.name) + "\n\n" + std::string(command.summary) + ".\n\n```\n" + format_usage(command) + "\n```\n\n";
    out += std::string(command.description) + "\n\n";
    if (!command.options.empty()) out += "| argument | meaning |\n|---|---|\n";
    for (const auto& [left, right] : option_rows(command)) out += "| `" + left + "` | " + std::string(right) + " |\n";
    out += "\nExit codes:\n\n```\n" + std::string(command.exits) + "\n```\n\nExample:\n\n```\n" + std::string(command.example) + "\n```\n";
  }
  return out;
}

}  // namespace app
