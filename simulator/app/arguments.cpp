#include "simulator/app/arguments.hpp"

#include <charconv>

#include "base/core/bytes.hpp"
#include "base/core/errors.hpp"

namespace simulator {
namespace {

using Set = base::Result<void> (*)(Arguments&, const std::string&);

struct Option {
  const char* name;
  const char* value;  // "" : none
  const char* meaning;
  Set set;
};

base::Error wrong(const std::string& why) { return base::fail(base::k_malformed, why); }

base::Result<std::uint64_t> number(std::string_view text, std::uint64_t most) {
  std::uint64_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size() || out > most)
    return wrong("a number up to " + std::to_string(most) + ": " + std::string(text));
  return out;
}

template <class T>
base::Result<void> set_number(T& into, const std::string& text, std::uint64_t most) {
  const auto parsed = number(text, most);
  if (!parsed) return parsed.error();
  into = static_cast<T>(*parsed);
  return base::Done{};
}

base::Result<void> set_port(Arguments& a, const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return wrong("NAME=PORT: " + text);
  const auto port = number(std::string_view(text).substr(equals + 1), 65535);
  if (!port) return port.error();
  const std::string name = text.substr(0, equals);
  for (const char* side : {"a-", "b-"})
    for (const char* door : {"submission", "submissions", "imaps", "pop3s"})
      if (name == side + std::string(door)) {
        a.ports[name] = static_cast<std::uint16_t>(*port);
        return base::Done{};
      }
  return wrong("no such port: " + name);
}

base::Result<void> add_account(Arguments& a, const std::string& text) {
  auto account = parse_account(text);
  if (!account) return account.error();
  for (const Account& other : a.accounts)
    if (other.name == account->name) return wrong("two accounts of the name " + other.name);
  a.accounts.push_back(*std::move(account));
  return base::Done{};
}

base::Result<void> add_suffix(Arguments& a, const std::string& text) {
  auto domain = mail::parse_domain(text);
  if (!domain) return domain.error();
  a.suffixes.push_back(*std::move(domain));
  return base::Done{};
}

base::Result<void> set_hash(Arguments& a, const std::string& text) {
  for (const auto& [name, hash] : {std::pair{"sha256", Hash::sha256}, {"sha384", Hash::sha384}, {"sha512", Hash::sha512}})
    if (text == name) {
      a.world.issue.hash = hash;
      return base::Done{};
    }
  return wrong("sha256, sha384 or sha512: " + text);
}

base::Result<void> set_scheme(Arguments& a, const std::string& text) {
  for (const auto& [name, scheme] :
       {std::pair{"rsa", Scheme::rsa}, {"ec-dsa", Scheme::ec_dsa}, {"rsassa-pss", Scheme::rsassa_pss}})
    if (text == name) {
      a.world.issue.scheme = scheme;
      return base::Done{};
    }
  return wrong("rsa, ec-dsa or rsassa-pss: " + text);
}

base::Result<void> set_target(Arguments& a, const std::string& text) {
  auto target = base::net::parse_host_port(text);
  if (!target) return target.error();
  a.push.target = *std::move(target);
  return base::Done{};
}

base::Result<void> set_word(bool& flag, const std::string& text, std::string_view no, std::string_view yes) {
  if (text != no && text != yes) return wrong(std::string(no) + " or " + std::string(yes) + ": " + text);
  flag = text == yes;
  return base::Done{};
}

base::Result<void> set_misbehaviour(Arguments& a, const std::string& text) {
  auto parsed = parse_misbehaviour(a.world.misbehaviour, text);
  if (!parsed) return parsed.error();
  a.world.misbehaviour = *std::move(parsed);
  return base::Done{};
}

base::Result<void> set_faults(Arguments& a, const std::string& text) {
  auto parsed = parse_faults(a.world.faults, text);
  if (!parsed) return parsed.error();
  a.world.faults = *std::move(parsed);
  return base::Done{};
}

base::Result<void> set_retry(Arguments& a, const std::string& text) {
  std::uint64_t milliseconds = 0;
  const auto done = set_number(milliseconds, text, 3'600'000);
  a.push.retry = std::chrono::milliseconds(std::max<std::uint64_t>(milliseconds, 1));
  return done;
}

constexpr Option k_options[] = {
    {"--directory", "DIR", "where the PKI, the journal and the control socket lie; made if it is not there. Needed",
     [](Arguments& a, const std::string& v) -> base::Result<void> {
       a.directory = v;
       return base::Done{};
     }},
    {"--address", "IP", "on which it listens; 127.0.0.1",
     [](Arguments& a, const std::string& v) -> base::Result<void> {
       a.address = v;
       return base::Done{};
     }},
    {"--port", "NAME=PORT",
     "a port of one's own choice: a-submission, a-submissions, a-imaps, a-pop3s and the same with b-; may stand several times",
     set_port},
    {"--account", "WORDS",
     "an account instead of the default ones; may stand several times: \"name=N side=a|b address=A [address=*@DOMAIN] password=P "
     "level=normal|high "
     "can-high=yes|no retrieve=yes|no push=yes|no closed=yes|no holder=REST OF THE LINE\"",
     add_account},
    {"--demail-domain", "DOMAIN", "which domains, with all below them, are De-Mail; de-mail.example; may stand several times",
     add_suffix},
    {"--hash", "NAME", "sha256 (default), sha384 or sha512", set_hash},
    {"--scheme", "NAME", "of signatures: rsassa-pss (default), rsa or ec-dsa", set_scheme},
    {"--sign-all", "", "signs ordinary messages too, not the authoritative ones alone",
     [](Arguments& a, const std::string&) -> base::Result<void> {
       a.world.sign_all = true;
       return base::Done{};
     }},
    {"--push", "IP:PORT", "where messages of accounts with push=yes go, by SMTP; without it they lie in their mailbox",
     set_target},
    {"--push-tls", "KIND", "starttls (default) or implicit",
     [](Arguments& a, const std::string& v) { return set_word(a.push.implicit_tls, v, "starttls", "implicit"); }},
    {"--push-anchors", "FILE", "PEM: the server there must have a certificate of one of these authorities",
     [](Arguments& a, const std::string& v) -> base::Result<void> {
       a.push.anchors = v;
       return base::Done{};
     }},
    {"--push-name", "HOST", "the name in that certificate; the address of --push",
     [](Arguments& a, const std::string& v) -> base::Result<void> {
       a.push.server_name = v;
       return base::Done{};
     }},
    {"--push-retry", "MS", "milliseconds before another attempt; 500", set_retry},
    {"--refuse-by", "KIND",
     "reply (default): a draft that may not go is refused in the dialogue; message: it is taken, and a notification says so",
     [](Arguments& a, const std::string& v) { return set_word(a.world.refuse_by_message, v, "reply", "message"); }},
    {"--messages-a-day", "N", "of an account at the level normal; 100",
     [](Arguments& a, const std::string& v) { return set_number(a.world.messages_a_day, v, 1'000'000); }},
    {"--recipients-a-day", "N", "likewise; 300",
     [](Arguments& a, const std::string& v) { return set_number(a.world.recipients_a_day, v, 1'000'000); }},
    {"--misbehave", "WORDS", "see MISBEHAVIOUR", set_misbehaviour},
    {"--smtp", "WORDS", "see MISBEHAVIOUR", set_faults},
    {"--help", "", "this text",
     [](Arguments& a, const std::string&) -> base::Result<void> {
       a.help = true;
       return base::Done{};
     }},
    {"--version", "", "the version",
     [](Arguments& a, const std::string&) -> base::Result<void> {
       a.version = true;
       return base::Done{};
     }},
};

constexpr const char* k_head = R"(amtsbote-demail-sim - two De-Mail providers for tests and demonstrations

SYNOPSIS
  amtsbote-demail-sim --directory DIR [OPTIONS]

DESCRIPTION
  Plays two De-Mail providers, A (anbieter-a.de-mail.example) and B (anbieter-b.de-mail.example), as BSI TR-01201 wants them: they take
  messages by SMTP under TLS, check who may send what, set their header fields, hash or sign, deliver into mailboxes or by SMTP to an
  account's own server, and issue confirmations and notifications. Nothing that it makes has any worth outside a test; its keys lie in
  clear.

  When it is ready it prints one line of JSON with its ports. It ends by SIGTERM, SIGINT or the command "stop". Its state, but for the PKI,
  is in memory.

OPTIONS
)";

constexpr const char* k_tail = R"(
MISBEHAVIOUR
  --misbehave takes words, "none" for none. Percentages say what becomes of confirmations, drawn from the seed one after another:
    late=P lost=P doubled=P          comes after the delay, never, twice
    wrong-hash=P wrong-signer=P altered-xml=P altered-mail=P unsigned=P wrapped=P wrong-private-id=P other-recipient=P expired=P
    unknown-version=P                is forged in that way
    forged=P                         spread over all forgeries
    spoofed=P                        a forged one comes, and the good one behind it
    delay=MS                         of what is late
    shuffle=N                        N are held back, then go in another order; "flush" lets them go earlier
    malware=P                        so many messages are found to hold malware; those with the EICAR string always are
    drop-private-id=P                of so many messages the confirmation of dispatch alone has the private-id
    seed=N                           1
  --smtp takes STEP=HOW[:TIMES] with the steps connect, mail, rcpt, data, dot. HOW is a code of three digits (4xx, 5xx), "close", "hang"
  (not at data), and at dot "close-taken" and "hang-taken": the message was taken, and no answer comes. Without TIMES it stays so.
  Both can be given again on the control socket.

CONTROL
  DIR/control is a Unix socket; a line is a command, a line of JSON the answer:
    misbehave WORDS, smtp WORDS      as above, onto what is set
    push IP:PORT, push off           where pushed accounts' messages go
    login ACCOUNT [normal]           a login to the mailbox, at the level high: confirmations of retrieve
    flush                            what is late or held back goes now
    close ACCOUNT, open ACCOUNT      blocks an account, and not
    renew ACCOUNT                    another UIDVALIDITY
    status                           what waits, is not pushed yet, lies where
    stop                             ends the program

FILES
  DIR/pki        PEM: tls-root, signature-root, foreign-root; client-ACCOUNT with its key; a-push, b-push, what the providers show
  DIR/journal    one line of JSON for everything that was taken, issued, stored, pushed, refused or made to fail
  DIR/control    the socket

EXIT STATUS
  0 after a stop, 2 for a wrong argument or where it cannot start
)";

const Option* find(std::string_view name) {
  for (const Option& option : k_options)
    if (option.name == name) return &option;
  return nullptr;
}

// A meaning in lines of at most 100 characters.
std::string wrap(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t end = text.size() <= 100 ? text.size() : text.rfind(' ', 100);
    if (end == std::string_view::npos || end == 0) end = text.size();
    out += "        " + std::string(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

}  // namespace

base::Result<Arguments> parse_arguments(const std::vector<std::string>& given) {
  Arguments out;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Option* option = find(given[i]);
    if (option == nullptr) return wrong("no such option: " + given[i]);
    const bool has_value = *option->value != '\0';
    if (has_value && i + 1 == given.size()) return wrong(given[i] + " needs " + option->value);
    const auto done = option->set(out, has_value ? given[++i] : std::string());
    if (!done) return wrong(std::string(option->name) + ": " + done.error().detail);
  }
  if (out.directory.empty() && !out.help && !out.version) return wrong("--directory is needed");
  if (out.accounts.empty()) out.accounts = default_accounts();
  if (out.suffixes.empty()) out.suffixes = {"de-mail.example"};
  return out;
}

std::string help_text() {
  std::string out = k_head;
  for (const Option& option : k_options) {
    out += std::string("  ") + option.name + (*option.value != '\0' ? " " : "") + option.value + "\n" + wrap(option.meaning);
  }
  return out + k_tail;
}

}  // namespace simulator
