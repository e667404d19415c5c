#include <ostream>

#include <boost/json/array.hpp>

#include "base/core/file.hpp"
#include "gateway/app/command_password.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/app/render.hpp"

namespace app {
namespace {

constexpr base::ByteCount k_max_key_file = base::kib(700);  // its base64 fits a request

void add_row(Columns& columns, const json::object& key) {
  std::string notes = flag_of(key, "private") ? "private" : "";
  for (const char* flag : {"trusted", "gcm"})
    if (flag_of(key, flag)) notes += (notes.empty() ? "" : " ") + std::string(flag);
  columns.add({text_of(key, "fingerprint").substr(0, 16), text_of(key, "method"), text_of(key, "role"), text_of(key, "algorithm"),
               text_of(key, "not_after").substr(0, 10), notes, joined(texts_of(key, "addresses")) + " " + shown(text_of(key, "subject"), 80)});
}

void render_list(std::ostream& out, const json::object& answer) {
  Columns columns({"KEY", "METHOD", "ROLE", "ALGORITHM", "UNTIL", "NOTES", "WHOSE"});
  for (const json::value& item : array_of(answer, "keys")) add_row(columns, item.get_object());
  if (columns.empty())
    out << "no keys\n";
  else
    columns.print(out);
  for (const std::string& text : texts_of(answer, "unreadable")) out << "UNREADABLE: " << shown(text) << "\n";
}

void render_show(std::ostream& out, const json::object& answer) {
  const json::object& key = object_of(answer, "key");
  for (const char* name : {"fingerprint", "method", "role", "subject", "issuer", "algorithm", "not_before", "not_after"})
    out << name << std::string(14 - std::string_view(name).size(), ' ') << shown(text_of(key, name)) << "\n";
  out << "addresses     " << joined(texts_of(key, "addresses")) << "\n";
  for (const char* name : {"private", "trusted", "confirmed", "gcm"}) out << name << std::string(14 - std::string_view(name).size(), ' ') << (flag_of(key, name) ? "yes" : "no") << "\n";
}

void render_import(std::ostream& out, const json::object& answer) {
  for (const std::string& key : texts_of(answer, "imported")) out << "imported " << key << "\n";
  if (!text_of(answer, "warning").empty()) out << shown(text_of(answer, "warning")) << "\n";
}

void render_text(std::ostream& out, const json::object& answer) { out << text_of(answer, "text"); }

void render_explain(std::ostream& out, const json::object& answer) {
  if (array_of(answer, "candidates").empty()) out << "no key is known for this address\n";
  for (const json::value& item : array_of(answer, "candidates")) {
    const json::object& key = item.get_object();
    out << (flag_of(key, "chosen") ? "USED      " : "not used  ") << text_of(key, "method") << " " << text_of(key, "fingerprint").substr(0, 16) << " "
        << text_of(key, "algorithm") << " " << shown(text_of(key, "subject"), 80);
    const auto findings = texts_of(key, "findings");
    out << (findings.empty() ? "" : ": " + joined(findings)) << "\n";
  }
  if (!answer.contains("own")) return;
  const json::object& own = object_of(answer, "own");
  out << "an address of ours; its keys are those that " << (text_of(own, "by") == "identity" ? "an [[identity]] lists" : "were imported for it") << "\n";
  for (const auto& [key, what] : {std::pair{"signs", "signs     "}, {"opens", "opens     "}})
    for (const std::string& fingerprint : texts_of(own, key)) out << what << fingerprint.substr(0, 16) << "\n";
  for (const std::string& trouble : texts_of(own, "troubles")) out << "          " << shown(trouble) << "\n";
}

int run_list(const Invocation& i) { return run_live(i, {{"command", "keys.list"}}, render_list); }
int run_show(const Invocation& i) { return run_live(i, {{"command", "keys.show"}, {"key", i.one("KEY")}}, render_show); }
int run_export(const Invocation& i) { return run_live(i, {{"command", "keys.export"}, {"key", i.one("KEY")}}, render_text); }
int run_remove(const Invocation& i) { return run_live(i, {{"command", "keys.remove"}, {"key", i.one("KEY")}}, nullptr); }
int run_explain(const Invocation& i) { return run_live(i, {{"command", "keys.explain"}, {"address", i.one("ADDRESS")}}, render_explain); }

int run_trust(const Invocation& i) {
  return run_live(i, {{"command", "keys.trust"}, {"key", i.one("KEY")}, {"revoke", i.has("--revoke")}}, nullptr);
}

int run_generate(const Invocation& i) {
  return run_live(i, {{"command", "keys.generate"}, {"address", i.one("ADDRESS")}, {"name", i.one("--name")}}, render_import);
}

int run_import(const Invocation& i) {
  const int roles = (i.has("--own") ? 1 : 0) + (i.has("--partner") ? 1 : 0) + (i.has("--authority") ? 1 : 0);
  if (roles > 1) return i.err << "amtsbote: one of --own, --partner, --authority\n", k_exit_error;
  auto bytes = base::read_file(i.one("FILE"), k_max_key_file);
  if (!bytes) return i.err << "amtsbote: " << shown(bytes.error().detail) << "\n", k_exit_error;
  json::object request{{"command", "keys.import"},
                       {"file", base::to_base64(*bytes)},
                       {"role", i.has("--own") ? "own" : i.has("--authority") ? "authority" : "partner"},
                       {"trusted", i.has("--trusted")},
                       {"gcm", i.has("--gcm")},
                       {"oaep", i.has("--oaep")}};
  base::wipe(*bytes);
  json::array addresses;
  for (const std::string& address : i.all("--address")) addresses.emplace_back(address);
  request["addresses"] = std::move(addresses);
  if (i.has("--password-stdin")) {
    const auto password = read_password(i, "Password of the key file: ", false);
    if (!password) return i.err << "amtsbote: " << password.error().detail << "\n", k_exit_error;
    request["password"] = password->view();
  }
  return run_live(i, std::move(request), render_import);
}

}  // namespace

std::vector<Command> keys_commands() {
  const OptionSpec key{"KEY", "", "Its fingerprint, or at least eight digits of its beginning", true};
  const OptionSpec address{"ADDRESS", "", "A mail address", true};
  const char* const exits = "0  done\n1  there is no such key\n2  it could not be done, or several keys begin so";
  return {
      {"keys list", "Lists certificates and keys", "Ours, the partners' and the authorities', S/MIME and OpenPGP. Files that cannot be read are told: lookups that they could concern are unknown.",
       {k_config_option, k_json_option}, "0  listed, be it empty\n2  the keys could not be read", "amtsbote keys list", run_list},
      {"keys show", "Shows one key", "All that is known of it, and the notes that were made when it came.", {key, k_config_option, k_json_option}, exits,
       "amtsbote keys show 3F2A77C1", run_show},
      {"keys import", "Takes in certificates and keys from a file",
       "PEM, DER, PKCS#7, PKCS#12 or OpenPGP, armoured or not. A partner's key is used for the addresses that it names, or for those given that it names. Our own keys come with "
       "their private half, which is sealed under the root key. An authority counts only once it is trusted. Who imports a key by hand has compared it.",
       {{"FILE", "", "The key file", true},
        {"--own", "", "An identity of ours: sign with it, and read what comes for its addresses"},
        {"--partner", "", "Somebody to encrypt to (this is the default)"},
        {"--authority", "", "A certificate authority"},
        {"--trusted", "", "Trust it: as an anchor, or a partner's certificate without a path"},
        {"--gcm", "", "The partner reads AES-256-GCM"},
        {"--oaep", "", "The partner's key demands RSAES-OAEP"},
        {"--address", "ADDRESS", "Only for this address; repeatable", false, true},
        k_password_stdin_option, k_config_option, k_json_option},
       "0  taken in\n2  the file cannot be read, or does not fit what was asked", "amtsbote keys import --own --password-stdin amt53.p12 < password", run_import},
      {"keys export", "Prints the public half of a key", "PEM for S/MIME, armoured for OpenPGP. Private halves never leave.", {key, k_config_option, k_json_option}, exits,
       "amtsbote keys export 3F2A77C1 > amt53.pem", run_export},
      {"keys generate", "Makes an OpenPGP key for an address of ours", "Ed25519 with Cv25519. For S/MIME an authority issues the certificate: import it.",
       {address, {"--name", "NAME", "The name that stands before the address"}, k_config_option, k_json_option}, "0  made\n2  it could not be made",
       "amtsbote keys generate amt53@stadt.example --name 'Gesundheitsamt'", run_generate},
      {"keys remove", "Removes a key", "Mail that was decided for it and has not left is held. Old mail for an identity of ours cannot be read any more: expired keys better stay.",
       {key, k_config_option, k_json_option}, exits, "amtsbote keys remove 3F2A77C1", run_remove},
      {"keys trust", "Trusts a certificate, or trusts it no more", "An authority becomes an anchor; a partner's certificate counts without a path.",
       {key, {"--revoke", "", "Trust it no more"}, k_config_option, k_json_option}, exits, "amtsbote keys trust 9B0C1D22", run_trust},
      {"keys explain", "Tells which key would be used for an address, and why not the others", "Every candidate in the order in which it was weighed, with its findings; for an address of ours also what signs for it and what opens its mail.",
       {address, k_config_option, k_json_option}, "0  a key would be used\n1  none would\n2  it cannot be told", "amtsbote keys explain praxis@aerzte.example", run_explain},
  };
}

}  // namespace app
