// CLI11 stays in this file: the table becomes its parser.
#include "gateway/app/cli.hpp"

#include <algorithm>
#include <optional>
#include <ostream>

#include <CLI/CLI.hpp>

#include "base/core/remote_text.hpp"
#include "gateway/app/command_table.hpp"
#include "policies/lang/fault.hpp"

namespace app {
namespace {

// Our own texts, so that --help says what the table says.
class HelpText : public CLI::Formatter {
 public:
  explicit HelpText(std::string text) : m_text(std::move(text)) {}
  std::string make_help(const CLI::App* /*app*/, std::string /*name*/, CLI::AppFormatMode /*mode*/) const override { return m_text; }

 private:
  std::string m_text;
};

CLI::App* add_app(CLI::App& parent, std::string_view name, std::string help) {
  CLI::App* child = parent.add_subcommand(std::string(name), "");
  child->formatter(std::make_shared<HelpText>(std::move(help)));
  child->set_help_flag("--help,-h", "");
  return child;
}

void add_options(CLI::App& target, const Command& command) {
  for (const OptionSpec& spec : command.options) {
    const std::string name(spec.name);
    if (spec.is_flag()) {
      target.add_flag(name);
      continue;
    }
    CLI::Option* option = target.add_option(name, "");
    if (spec.is_required) option->required();
    // `--header A --header B` and not `--header A B`: what follows must stay free for arguments without a name, and only
    // those take any number in a row
    option->expected(1)->allow_extra_args(spec.repeats && spec.is_positional());
    if (spec.repeats)
      option->take_all();
    else
      option->take_last();
  }
}

void collect(const CLI::App& parsed, const Command& command, Invocation& invocation) {
  for (const OptionSpec& spec : command.options) {
    const CLI::Option* option = parsed.get_option(std::string(spec.key()));
    if (option->count() == 0) continue;
    invocation.values[std::string(spec.key())] = spec.is_flag() ? std::vector<std::string>{} : option->results();
  }
}

struct Parser {
  CLI::App top{"", "amtsbote"};
  std::vector<std::pair<const Command*, CLI::App*>> leaves;

  Parser() {
    top.formatter(std::make_shared<HelpText>(format_help()));
    top.set_help_flag("--help,-h", "");
    top.set_version_flag("--version", std::string("amtsbote ") + AMTSBOTE_VERSION);
    top.require_subcommand(1);
    std::map<std::string_view, CLI::App*> groups;
    for (const auto& [name, about] : command_groups()) {
      groups[name] = add_app(top, name, format_help(name));
      groups[name]->require_subcommand(1);
    }
    for (const Command& command : commands()) {
      const std::size_t blank = command.name.rfind(' ');
      CLI::App& parent = blank == std::string_view::npos ? top : group(command.name.substr(0, blank), groups);
      CLI::App* leaf = add_app(parent, blank == std::string_view::npos ? command.name : command.name.substr(blank + 1), format_help(command));
      add_options(*leaf, command);
      leaves.emplace_back(&command, leaf);
    }
  }

  // "users token" stands below "users".
  CLI::App& group(std::string_view name, std::map<std::string_view, CLI::App*>& groups) {
    const auto known = groups.find(name);
    if (known != groups.end()) return *known->second;
    const std::size_t blank = name.rfind(' ');
    CLI::App* made = add_app(group(name.substr(0, blank), groups), name.substr(blank + 1), format_help(name));
    made->require_subcommand(1);
    groups[name] = made;
    return *made;
  }
};

using Words = std::vector<std::string_view>;

bool holds(const Words& words, std::string_view word) { return std::find(words.begin(), words.end(), word) != words.end(); }

// The words that may follow "", "users" or "users token".
Words words_after(std::string_view begun) {
  Words out;
  for (const Command& command : commands()) {
    std::string_view rest = command.name;
    if (!begun.empty()) {
      if (!rest.starts_with(std::string(begun) + " ")) continue;
      rest.remove_prefix(begun.size() + 1);
    }
    const auto word = rest.substr(0, rest.find(' '));
    if (!holds(out, word)) out.push_back(word);
  }
  return out;
}

std::optional<std::string> wrong_option(const Command& command, const std::vector<std::string>& arguments, std::size_t at) {
  Words known{"--help"};
  for (const OptionSpec& option : command.options)
    if (!option.is_positional()) known.push_back(option.key());
  for (; at < arguments.size() && arguments[at] != "--"; ++at) {
    const std::string name = arguments[at].substr(0, arguments[at].find('='));
    if (name.starts_with("--") && !holds(known, name)) return policies::unknown_word("option", name, known);
  }
  return std::nullopt;
}

// CLI11 says of a misspelt word only that something is missing or surplus; whoever typed it wants to know what it should be.
std::optional<std::string> wrong_word(const std::vector<std::string>& arguments, std::string& begun) {
  for (std::size_t at = 0;; ++at) {
    if (const Command* command = find_command(begun)) return wrong_option(*command, arguments, at);
    const Words known = words_after(begun);
    const std::string what = begun.empty() ? "command" : "\"" + begun + "\" command";
    if (at == arguments.size()) {
      std::string list;
      for (const auto word : known) list.append(list.empty() ? "" : ", ").append(word);
      return "a " + what + " is missing: " + list;
    }
    const std::string& word = arguments[at];
    if (word == "--help" || word == "-h" || (begun.empty() && word == "--version")) return std::nullopt;
    if (word.starts_with("-")) return "options stand behind the command: amtsbote " + (begun.empty() ? "" : begun + " ") + "COMMAND " + base::escape_remote(word, 64);
    if (!holds(known, word)) return policies::unknown_word(what, word, known);
    begun += (begun.empty() ? "" : " ") + word;
  }
}

}  // namespace

int run_command_line(const std::vector<std::string>& arguments, std::istream& in, std::ostream& out, std::ostream& err) {
  std::string begun;
  if (const auto wrong = wrong_word(arguments, begun)) {
    err << "amtsbote: " << *wrong << "\nSee amtsbote " << (begun.empty() ? "" : begun + " ") << "--help.\n";
    return k_exit_error;
  }
  Parser parser;
  try {
    // CLI11 takes them from the back
    parser.top.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {
    parser.top.exit(asked, out, err);
    return k_exit_good;
  } catch (const CLI::ParseError& wrong) {
    err << "amtsbote: " << wrong.what() << "\nSee amtsbote " << begun << " --help.\n";
    return k_exit_error;
  }
  for (const auto& [command, leaf] : parser.leaves) {
    if (!leaf->parsed()) continue;
    Invocation invocation{command, {}, in, out, err};
    collect(*leaf, *command, invocation);
    return command->run(invocation);
  }
  err << "amtsbote: no command\n";
  return k_exit_error;
}

}  // namespace app
