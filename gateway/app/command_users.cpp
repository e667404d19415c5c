#include <charconv>
#include <ostream>

#include <boost/json/array.hpp>

#include "crypto/seal/seal.hpp"
#include "gateway/app/command_password.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/app/render.hpp"

namespace app {
namespace {

void render_list(std::ostream& out, const json::object& answer) {
  Columns columns({"NAME", "SINCE", "MAY SEND AS"});
  for (const json::value& item : array_of(answer, "users")) {
    const json::object& user = item.get_object();
    columns.add({shown(text_of(user, "name")), local_time(text_of(user, "created")), joined(texts_of(user, "addresses"))});
  }
  if (columns.empty())
    out << "no accounts\n";
  else
    columns.print(out);
}

// Asks for a password and puts its hash into the request.
bool add_hash(const Invocation& i, json::object& request) {
  const auto password = read_password(i, "Password: ", true);
  const auto hash = password ? crypto::seal::hash_password(password->view()) : base::Result<std::string>(password.error());
  if (!hash) {
    i.err << "amtsbote: " << hash.error().detail << "\n";
    return false;
  }
  request["hash"] = *hash;
  return true;
}

int run_list(const Invocation& i) { return run_live(i, {{"command", "users.list"}}, render_list); }

int run_add(const Invocation& i) {
  json::object request{{"command", "users.add"}, {"name", i.one("NAME")}};
  json::array addresses;
  for (const std::string& address : i.all("ADDRESS")) addresses.emplace_back(address);
  request["addresses"] = std::move(addresses);
  if (!add_hash(i, request)) return k_exit_error;
  return run_live(i, std::move(request), nullptr);
}

int run_passwd(const Invocation& i) {
  json::object request{{"command", "users.passwd"}, {"name", i.one("NAME")}};
  if (!add_hash(i, request)) return k_exit_error;
  return run_live(i, std::move(request), nullptr);
}

int run_remove(const Invocation& i) { return run_live(i, {{"command", "users.remove"}, {"name", i.one("NAME")}}, nullptr); }

void render_tokens(std::ostream& out, const json::object& answer) {
  Columns columns({"ID", "ACCOUNT", "FOR", "UNTIL", "LAST USED"});
  for (const json::value& item : array_of(answer, "tokens")) {
    const json::object& t = item.get_object();
    const std::string used = text_of(t, "last_used");
    columns.add({text_of(t, "id"), shown(text_of(t, "account")), text_of(t, "scope"), local_time(text_of(t, "expires")) + (flag_of(t, "expired") ? " (over)" : ""),
                 used.empty() ? "never" : local_time(used)});
  }
  if (columns.empty())
    out << "no tokens\n";
  else
    columns.print(out);
}

void render_new_token(std::ostream& out, const json::object& answer) {
  out << text_of(answer, "token") << "\n";
  out << "token " << text_of(answer, "id") << ", valid until " << local_time(text_of(answer, "expires")) << "; it is shown this once\n";
}

int run_token_add(const Invocation& i) {
  json::object request{{"command", "tokens.add"}, {"name", i.one("NAME")}, {"scope", i.one("--scope", "submit read")}};
  const std::string days = i.one("--days", "90");
  std::int64_t number = 0;
  const auto [end, ec] = std::from_chars(days.data(), days.data() + days.size(), number);
  if (ec != std::errc() || end != days.data() + days.size()) return i.err << "amtsbote: --days is no number\n", k_exit_error;
  request["days"] = number;
  return run_live(i, std::move(request), render_new_token);
}

int run_token_list(const Invocation& i) { return run_live(i, {{"command", "tokens.list"}, {"name", i.one("NAME")}}, render_tokens); }

int run_token_revoke(const Invocation& i) { return run_live(i, {{"command", "tokens.revoke"}, {"id", i.one("ID")}}, nullptr); }

}  // namespace

std::vector<Command> users_commands() {
  const OptionSpec name{"NAME", "", "The name that the mail client logs in with", true};
  return {
      {"users list", "Lists the accounts that may submit mail", "Names, addresses and since when; no passwords.", {k_config_option, k_json_option},
       "0  listed, be it empty\n2  the accounts could not be read", "amtsbote users list --json", run_list},
      {"users add", "Adds an account that may submit mail",
       "The account may send as the addresses given and as nobody else, both in From and as reverse path. The password is asked for on the "
       "terminal and stored as an Argon2id hash.",
       {name, {"ADDRESS", "", "An address, or *@domain for all of a domain", true, true}, k_password_stdin_option, k_config_option, k_json_option},
       "0  added\n1  the name is taken\n2  a name or address is malformed, no password came, or it could not be stored",
       "amtsbote users add amt53 amt53@stadt.example '*@gesundheit.stadt.example'", run_add},
      {"users passwd", "Sets a new password", "The old one ends at once; sessions that are logged in go on.", {name, k_password_stdin_option, k_config_option, k_json_option},
       "0  set\n1  there is no such account\n2  no password came, or it could not be stored", "amtsbote users passwd amt53", run_passwd},
      {"users remove", "Removes an account", "It can log in no more from now on. Its messages and receipts stay.", {name, k_config_option, k_json_option},
       "0  removed\n1  there is no such account\n2  it could not be done", "amtsbote users remove amt53", run_remove},
      {"users token add", "Makes a token with which a program may use the API as this account",
       "The token is printed once and stored as a hash. It may send as the account's addresses and see what the account sent, within its scope.",
       {name, {"--scope", "WORDS", "submit, read, or \"submit read\" (the default)"}, {"--days", "N", "How long it is valid: 1 to 366, by default 90"}, k_config_option, k_json_option},
       "0  made and printed\n1  there is no such account\n2  a value is wrong, or it could not be stored",
       "amtsbote users token add fachverfahren --scope submit --days 180", run_token_add},
      {"users token list", "Lists the tokens", "Id, account, scope, end and last use; never the token itself.",
       {{"NAME", "", "Only the tokens of this account"}, k_config_option, k_json_option}, "0  listed, be it empty\n2  the tokens could not be read",
       "amtsbote users token list", run_token_list},
      {"users token revoke", "Ends a token", "From now on it is nobody's.", {{"ID", "", "The id that the list shows", true}, k_config_option, k_json_option},
       "0  ended\n1  there is no such token\n2  it could not be done", "amtsbote users token revoke 3f9a0c1d2e4b", run_token_revoke},
  };
}

}  // namespace app
