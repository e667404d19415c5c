#include "gateway/app/manual.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "gateway/app/command_table.hpp"
#include "gateway/config/schema.hpp"

namespace app {
namespace {

// roff reads a backslash anywhere, a full stop or an apostrophe at the start of a line, and takes "-" for a hyphen.
std::string roff(std::string_view text) {
  std::string out;
  bool at_start = true;
  for (const char c : text) {
    if (at_start && (c == '.' || c == '\'')) out += "\\&";
    at_start = c == '\n';
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

// Backquotes mark what is typed.
std::string prose(std::string_view text) {
  std::string out;
  bool is_open = false;
  for (const char c : roff(text)) {
    if (c != '`') {
      out += c;
      continue;
    }
    out += is_open ? "\\fR" : "\\fB";
    is_open = !is_open;
  }
  return out;
}

std::string header(std::string_view name, std::string_view section, std::string_view date, std::string_view summary) {
  return ".TH \"" + std::string(name) + "\" \"" + std::string(section) + "\" \"" + std::string(date) + "\" \"amtsbote " AMTSBOTE_VERSION "\" \"Amtsbote\"\n" +
         ".SH NAME\n" + roff(name) + " \\- " + roff(summary) + "\n";
}

std::string literal(std::string_view text) { return ".PP\n.nf\n.RS\n" + roff(text) + "\n.RE\n.fi\n"; }

std::string options_of(const Command& command) {
  std::string out;
  for (const OptionSpec& o : command.options) {
    out += ".TP\n\\fB" + roff(o.name) + "\\fR";
    if (!o.value.empty()) out += " \\fI" + roff(o.value) + "\\fR";
    out += "\n" + prose(o.meaning) + ".\n";
  }
  return out;
}

std::string usage_of(const Command& command) { return ".PP\n" + roff(format_usage(command)) + "\n"; }

std::string section_of(const Command& command) {
  return ".SS " + roff("amtsbote " + std::string(command.name)) + "\n" + prose(command.summary) + ".\n" + usage_of(command) + ".PP\n" + prose(command.description) + "\n" +
         options_of(command) + ".PP\nExit codes:\n" + literal(command.exits) + ".PP\nExample:\n" + literal(command.example);
}

std::string files() {
  return ".SH FILES\n.TP\n\\fI/etc/amtsbote/amtsbote.toml\\fR\nThe configuration, \\fBamtsbote.toml\\fR(5).\n"
         ".TP\n\\fI/etc/amtsbote/policies/*.toml\\fR, \\fI/etc/amtsbote/policies/tests/*.toml\\fR\nThe policies and their cases.\n"
         ".TP\n\\fI/etc/amtsbote/secrets/\\fR\nWhat systemd hands to the daemon as credentials. Keep a copy apart from any backup of the state directory.\n"
         ".TP\n\\fI/var/lib/amtsbote/\\fR\nQueue, receipts and keys.\n"
         ".TP\n\\fI/run/amtsbote/control\\fR, \\fI/run/amtsbote/auditors/socket\\fR\nSockets of the administrators and of the auditors.\n"
         ".TP\n\\fI/usr/share/doc/amtsbote/docs/\\fR\nThe documentation; first\\-message.md takes ten minutes.\n";
}

std::string joined_names(const std::vector<OptionSpec>& options) {
  std::string out;
  for (const OptionSpec& o : options)
    if (!o.is_positional()) out += (out.empty() ? "" : " ") + std::string(o.key());
  return out;
}


}  // namespace

std::string format_man_program(std::string_view date) {
  std::string out = header("amtsbote", "1", date, "a secure mail gateway that encrypts by policy and keeps receipts");
  out += ".SH SYNOPSIS\n.B amtsbote\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n"
         "One program is both the daemon and its command line. Commands that read or change live state ask the daemon over its socket; where none runs they open "
         "the store themselves, under its lock.\n.SH COMMANDS\n";
  for (const Command& command : commands()) out += section_of(command);
  out += ".SH \"EXIT STATUS\"\n0 good, 1 the answer is no, 2 wrong use or it cannot be told.\n" + files();
  return out + ".SH \"SEE ALSO\"\n\\fBamtsbote.toml\\fR(5), \\fBamtsbote\\-serve\\fR(8)\n";
}

std::string format_man_serve(std::string_view date) {
  const Command& serve = *find_command("serve");
  std::string out = header("amtsbote-serve", "8", date, "the daemon of the mail gateway");
  out += ".SH SYNOPSIS\n" + roff(format_usage(serve)) + "\n.SH DESCRIPTION\n" + prose(serve.description) + "\n";
  out += ".PP\nUnder systemd the unit \\fIamtsbote.service\\fR starts it, with its secrets as credentials and its privileged ports from \\fIamtsbote\\-*.socket\\fR. It says "
         "when it is ready, reloading and stopping, and feeds the watchdog from the loop that serves the mail.\n.SH OPTIONS\n";
  out += options_of(serve) + ".SH \"EXIT STATUS\"\n" + literal(serve.exits);
  out += ".SH SIGNALS\n.TP\nHUP\nReads configuration, policies and keys anew, all or nothing.\n.TP\nTERM, INT\nAccepts nothing more, lets what is under way end, and stops.\n";
  out += ".SH ENVIRONMENT\n.TP\nCREDENTIALS_DIRECTORY\nWhere systemd laid the credentials.\n.TP\nLISTEN_FDS, LISTEN_PID\nListening sockets that systemd opened; each is used for the "
         "listener with its address.\n.TP\nNOTIFY_SOCKET, WATCHDOG_USEC\nWhere and how often systemd wants to hear from the daemon.\n";
  return out + files() + ".SH \"SEE ALSO\"\n\\fBamtsbote\\fR(1), \\fBamtsbote.toml\\fR(5)\n";
}

std::string format_man_config(std::string_view date) {
  std::string out = header("amtsbote.toml", "5", date, "configuration of the mail gateway");
  out += ".SH DESCRIPTION\nTOML. Unknown keys are errors; \\fBamtsbote check\\fR tells every fault at once, and \\fBamtsbote init\\fR writes a first file with comments. Durations are "
         "\"4h\", sizes \"20MiB\", addresses host:port. Secrets never stand in it. The file must belong to root or to the daemon's user, and nobody else may write it.\n";
  for (const auto& [heading, keys] : config::schema::tables()) {
    out += ".SH \"" + roff(heading) + "\"\n";
    for (const auto& key : keys) {
      out += ".TP\n\\fB" + roff(key.key) + "\\fR (" + roff(key.type) + ")\n" + prose(key.meaning) + ".\n";
      if (!key.fallback.empty()) out += "Without it: " + prose(key.fallback) + ".\n";
      if (!key.range.empty()) out += "Range: " + prose(key.range) + ".\n";
    }
  }
  return out + files() + ".SH \"SEE ALSO\"\n\\fBamtsbote\\fR(1), \\fBamtsbote\\-serve\\fR(8)\n";
}

std::string format_completion() {
  // after each name that begins commands, what may follow; "" is the program itself
  std::map<std::string, std::set<std::string>> next;
  for (const Command& command : commands()) {
    std::string before;
    for (std::string_view rest = command.name; !rest.empty();) {
      const std::string word(rest.substr(0, rest.find(' ')));
      rest.remove_prefix(std::min(word.size() + 1, rest.size()));
      next[before].insert(word);
      before += (before.empty() ? "" : " ") + word;
    }
  }
  std::string out =
      "# bash completion for amtsbote, made from the table behind --help\n_amtsbote() {\n  local cur=${COMP_WORDS[COMP_CWORD]} name= at=1 words=\n  COMPREPLY=()\n"
      "  while [ \"$at\" -lt \"$COMP_CWORD\" ]; do\n    case \"${name:+$name }${COMP_WORDS[at]}\" in\n";
  std::string known;
  for (const auto& [before, words] : next)
    if (!before.empty()) known += (known.empty() ? "'" : "|'") + before + "'";
  for (const Command& command : commands()) known += "|'" + std::string(command.name) + "'";
  out += "      " + known + ") name=${name:+$name }${COMP_WORDS[at]}; at=$((at + 1)) ;;\n      *) break ;;\n    esac\n  done\n  case $name in\n";
  for (const auto& [before, words] : next) {
    std::string list;
    for (const std::string& word : words) list += word + " ";
    out += "    '" + before + "') words='" + list + "--help" + (before.empty() ? " --version" : "") + "' ;;\n";
  }
  for (const Command& command : commands()) out += "    '" + std::string(command.name) + "') words='" + joined_names(command.options) + " --help'; at=0 ;;\n";
  // behind a whole command files may follow; elsewhere only what the table has
  return out + "  esac\n  if [ \"$at\" = 0 ] && [ \"${cur#-}\" = \"$cur\" ]; then\n    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n  else\n"
               "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n  fi\n}\ncomplete -o filenames -F _amtsbote amtsbote\n";
}

}  // namespace app
