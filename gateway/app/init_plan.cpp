#include "gateway/app/init_plan.hpp"

#include <algorithm>
#include <map>

#include "base/core/errors.hpp"
#include "gateway/config/net_values.hpp"
#include "mail/address/address.hpp"

namespace app {
namespace {

constexpr std::string_view k_site = R"(# Amtsbote: how mail comes in, whose it is, and where it goes. What may leave, and how it is protected, stands in policies/.
# `amtsbote check` reads all of it as a start would; `amtsbote reload` puts a change in force. Every key: amtsbote.toml(5).

[site]
# in greetings and Received; the TLS certificate should hold this name
hostname = "{hostname}"
timezone = "Europe/Berlin"
# of refusals and notices, where no department has its own
language = "de"
# queue, receipts and keys: back it up, and keep secrets/ in another place
state_directory = "{state}"
policies = "policies"
{sockets}
[store]
# with less free disk than this, new mail waits at its sender
free_space = "{space}"

# Each secret has two names: the credential that systemd hands to the daemon (see amtsbote.service), and the file for commands
# and starts without systemd. Whoever loses seal.key cannot read what is stored: copy secrets/ to a safe place now.
[secrets]
seal = { credential = "amtsbote.seal", file = "secrets/seal.key" }
log = { credential = "amtsbote.log", file = "secrets/log.key" }
openpgp = { credential = "amtsbote.openpgp", file = "secrets/openpgp.key" }

# FOR TRIALS: a self-signed certificate. To replace it put the certificate with its chain into tls/gw.pem, its key into
# secrets/tls.key (mode 0400), then start anew: systemd reads credentials at a start only.
[tls.gw]
certificate = "tls/gw.pem"
key = { credential = "amtsbote.tls", file = "secrets/tls.key" }
)";

constexpr std::string_view k_submission = R"(
# People and systems that log in (accounts: `amtsbote users add`).
[[listener]]
role = "submission"
address = "{at}"
tls = "gw"{implicit}
)";
constexpr std::string_view k_mx = R"(
# Mail from the Internet.
[[listener]]
role = "mx"
address = "{at}"
tls = "gw"{implicit}
)";
constexpr std::string_view k_https = R"(
# Business systems that send over HTTPS (docs/api.md), with the accounts' tokens: `amtsbote users token add`.
[[listener]]
role = "https"
address = "{at}"
tls = "gw"
)";
constexpr std::string_view k_relay = R"(
# A mail server on this machine that sends without logging in, as the departments named here and nobody else.
[[listener]]
role = "relay"
address = "{at}"
networks = ["127.0.0.0/8", "::1"]
departments = ["{department}"]
)";

constexpr std::string_view k_people = R"(
[[domain]]
name = "{domain}"
route = "{own_route}"
# one address a line; mail for others is then refused in the dialogue:
# recipients = { file = "recipients.txt" }

[[department]]
id = "{department}"
# who sends as this department; "*@{domain}" is everybody
addresses = ["{address}"]
)";
constexpr std::string_view k_mailserver = R"(
# Where mail for our own people goes: the mail server that holds the mailboxes.
[[route]]
name = "mailserver"
to = ["{domain}"]
{hop}
)";
constexpr std::string_view k_internet = R"(
# Where everything else goes{floor}
[[route]]
name = "internet"
to = ["*"]
smtp = "{hop}"{transport}
# where the next hop wants a login:
# account = "gateway"
# password = { credential = "amtsbote.internet", file = "secrets/internet.key" }
)";

constexpr std::string_view k_policy = R"(# The first policy: what goes out is encrypted, or it does not go. Rules are read from top to bottom; the first one that says
# something about a matter decides it. After a change: `amtsbote policy test`, `amtsbote policy prove`, then `amtsbote reload`.
# What would happen to a message, and why: amtsbote policy explain --from {address} --to somebody@example.org

[[rule]]
name = "Nach aussen nur verschluesselt"
when = { direction = "outbound" }
then = { {sign}encrypt = ["smime", "openpgp"], otherwise = "refuse" }

# `otherwise = "clear"` is the only way to let a message leave unencrypted. A rule for it, above the one before, names whom
# and over which transport; its cases belong into tests/:
#
# [[rule]]
# name = "Presse offen"
# when = { direction = "outbound", recipient_domain = ["zeitung.example"] }
# then = { sign = "smime", otherwise = "clear", transport = "verified" }

[[rule]]
name = "Von aussen"
when = { direction = "inbound" }
then = { mark = { subject = "[extern]" } }
)";

constexpr std::string_view k_cases = R"(# What the rules must do. `amtsbote check` and every reload run these cases, and a policy that fails one never comes in force.

[[case]]
name = "Partner mit Zertifikat: verschluesselt"
message = { from = "{address}", to = "praxis@partner.example", subject = "Befund" }
keys = { "praxis@partner.example" = ["smime"] }
expect = { encrypt = "smime", clear = false, rule = "Nach aussen nur verschluesselt" }

[[case]]
name = "Partner ohne Schluessel: abgelehnt, nicht offen"
message = { from = "{address}", to = "buerger@partner.example", subject = "Befund" }
expect = { outcome = "refuse", reason = "no_key" }

[[case]]
name = "Schluessel nicht zu ermitteln: warten, nicht offen"
message = { from = "{address}", to = "praxis@partner.example", subject = "Befund" }
unknown_keys = { "praxis@partner.example" = ["smime", "openpgp"] }
expect = { outcome = "later", reason = "lookup_unknown" }

[[case]]
name = "Post von aussen ist gekennzeichnet"
message = { from = "buerger@partner.example", to = "{address}", subject = "Antrag" }
expect = { mark = "[extern]" }

[[case]]
name = "Hauspost bleibt im Haus"
message = { from = "{address}", to = "kollegin@{domain}", subject = "Besprechung" }
expect = { outcome = "deliver" }
)";

using Words = std::map<std::string_view, std::string>;

// {name} becomes its word; other braces are TOML's.
std::string fill(std::string_view text, const Words& words) {
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('{'), close = text.find('}', open);
    if (open == std::string_view::npos || close == std::string_view::npos) break;
    const auto word = words.find(text.substr(open + 1, close - open - 1));
    out.append(text.substr(0, word == words.end() ? open + 1 : open));
    if (word != words.end()) out.append(word->second);
    text.remove_prefix(word == words.end() ? open + 1 : close + 1);
  }
  return out.append(text);
}

base::Error wrong(std::string text) { return base::fail(base::k_malformed, std::move(text)); }

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

// A host and a port that can stand between quotes: nothing but names and addresses.
base::Result<config::HostPort> host_port(const std::string& what, const std::string& text) {
  const auto parsed = config::parse_host_port(text);
  const bool is_plain = std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) != 0 || std::string_view(".-:[]_").find(static_cast<char>(c)) != std::string_view::npos; });
  if (!parsed || parsed->port == 0 || !is_plain) return wrong(what + ": \"" + text + "\" is not host:port");
  return *parsed;
}

base::Result<void> check_mailserver(const std::string& text) {
  constexpr std::string_view k_socket = "lmtp:unix:/";
  if (text.starts_with(k_socket)) {
    if (text.find_first_of("\"\\\n\r\t") == std::string::npos) return base::Done{};
    return wrong("--mailserver: \"" + text + "\" is no path of a socket");
  }
  const auto parsed = host_port("--mailserver", text.starts_with("lmtp:") ? text.substr(5) : text);
  if (!parsed) return parsed.error();
  return base::Done{};
}

base::Result<void> check_listen(const std::vector<std::string>& listen) {
  bool has_submission = false;
  for (const std::string& text : listen) {
    const std::size_t at = text.find('=');
    const std::string role = text.substr(0, at);
    if (at == std::string::npos || (role != "submission" && role != "mx" && role != "https" && role != "relay"))
      return wrong("--listen: \"" + text + "\" is not ROLE=HOST:PORT with the role submission, mx, https or relay");
    const auto address = host_port("--listen", text.substr(at + 1));
    if (!address) return address.error();
    if (!address->is_ip && address->host != "localhost") return wrong("--listen: \"" + text + "\" must have an IP address");
    if (role == "relay" && !address->is_loopback)
      return wrong("--listen: a relay is set up on loopback only; one for other networks is written by hand, with the networks that may use it");
    has_submission = has_submission || role == "submission";
  }
  if (!has_submission) return wrong("--listen: one listener must be for submission: the account that is made here uses it");
  return base::Done{};
}

// Under systemd the sockets lie where the unit makes room for them, which is the default.
std::string sockets_of(const InitAnswers& a) {
  return a.is_system() ? "" : "# sockets: of the administrators' commands, and of the auditors, who only read\ncontrol = \"control\"\naudit = \"audit\"\n";
}

std::string format_listener(const InitAnswers& a, const std::string& text) {
  const std::size_t at = text.find('=');
  const std::string role = text.substr(0, at), address = text.substr(at + 1);
  const bool is_implicit = address.ends_with(":465");
  return fill(role == "submission" ? k_submission : role == "mx" ? k_mx : role == "https" ? k_https : k_relay,
              {{"at", address}, {"department", a.department}, {"implicit", is_implicit ? "\nimplicit_tls = true" : ""}});
}

std::string format_mailserver(const InitAnswers& a) {
  if (a.mailserver.empty()) return {};
  const bool is_lmtp = a.mailserver.starts_with("lmtp:");
  const std::string hop = is_lmtp ? "lmtp = \"" + a.mailserver.substr(5) + "\"" : "smtp = \"" + a.mailserver + "\"";
  return fill(k_mailserver, {{"domain", a.domain}, {"hop", hop}});
}

std::string format_config(const InitAnswers& a) {
  const auto hop = config::parse_host_port(a.next_hop);
  std::string out = fill(k_site, {{"hostname", a.hostname},
                                  {"state", a.is_system() ? k_system_state : "state"},
                                  {"sockets", sockets_of(a)},
                                  {"space", a.is_system() ? "512MiB" : "64MiB"}});
  for (const std::string& listener : a.listen) out += format_listener(a, listener);
  const Words words = {{"domain", a.domain}, {"department", a.department}, {"address", a.address}, {"own_route", a.mailserver.empty() ? "internet" : "mailserver"}};
  out += fill(k_people, words) + format_mailserver(a);
  const bool is_near = hop && hop->is_loopback;
  const std::string transport = is_near ? "" : "\ntransport = \"verified\"";
  return out + fill(k_internet, {{"hop", a.next_hop},
                                 {"floor", is_near ? ": to a server on this machine, so that TLS is not demanded." : ": over TLS only, and only to a server whose certificate is for this name."},
                                 {"transport", transport + (hop && hop->port == 465 ? "\nimplicit_tls = true" : "")}});
}

}  // namespace

base::Result<InitAnswers> complete_answers(InitAnswers a) {
  auto domain = mail::parse_domain(a.domain);
  if (!domain) return wrong("--domain: \"" + a.domain + "\" is no domain");
  a.domain = *std::move(domain);
  if (const auto hop = host_port("--next-hop", a.next_hop); !hop) return hop.error();
  if (a.hostname.empty()) a.hostname = "gw." + a.domain;
  auto hostname = mail::parse_domain(a.hostname);
  if (!hostname) return wrong("--hostname: \"" + a.hostname + "\" is no host name");
  a.hostname = *std::move(hostname);
  if (a.department.empty()) a.department = "poststelle";
  if (!is_id(a.department)) return wrong("--department: \"" + a.department + "\": lower-case letters, digits, \"-\", \"_\" and \".\", at most 64");
  const auto address = mail::Address::parse(a.address.empty() ? a.department + "@" + a.domain : a.address);
  if (!address || address->folded().find_first_of("\"\\") != std::string::npos) return wrong("--address: \"" + a.address + "\" is no address");
  if (address->domain() != a.domain) return wrong("--address: \"" + a.address + "\" does not lie in " + a.domain);
  a.address = address->folded();
  if (a.account.empty()) a.account = a.department;
  if (!a.mailserver.empty())
    if (const auto checked = check_mailserver(a.mailserver); !checked) return checked.error();
  if (a.listen.empty()) {
    a.listen.push_back(a.is_system() ? "submission=[::]:587" : "submission=127.0.0.1:10587");
    // without a mail server of ours there is nobody to take mail from outside for
    if (!a.mailserver.empty()) a.listen.push_back(a.is_system() ? "mx=[::]:25" : "mx=127.0.0.1:10025");
  }
  if (const auto checked = check_listen(a.listen); !checked) return checked.error();
  return a;
}

std::vector<InitFile> plan_files(const InitAnswers& a) {
  const Words words = {{"domain", a.domain}, {"address", a.address}, {"sign", a.has_identity ? "sign = \"smime\", " : "sign = \"none\", "}};
  return {{"amtsbote.toml", format_config(a)}, {"policies/10-first.toml", fill(k_policy, words)}, {"policies/tests/10-first.toml", fill(k_cases, words)}};
}

}  // namespace app
