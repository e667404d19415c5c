// One message through a listener of this machine, as a mail program would send it: for first trials and for looking at a rule
// with one's own eyes.
#include <algorithm>
#include <ostream>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/net/connect.hpp"
#include "gateway/app/command_password.hpp"
#include "gateway/app/command_setup.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/config/load.hpp"
#include "mail/message/edit.hpp"
#include "smtp/client/connection.hpp"

namespace app {
namespace {

namespace client = smtp::client;

constexpr base::ByteCount k_max_message = base::mib(200);
constexpr std::chrono::seconds k_connect_time{10}, k_command_time{60};

struct Letter {
  mail::Address from;
  std::vector<mail::Address> to;
  std::string content;  // with CR LF
};

// Every kind of line end becomes CR LF: that is what a mail program would send.
std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    if (text[i] == '\n' || text[i] == '\r')
      out += "\r\n";
    else
      out += text[i];
  }
  if (!out.ends_with("\r\n")) out += "\r\n";
  return out;
}

bool begins_with_header(std::string_view text) {
  const std::string_view line = text.substr(0, text.find_first_of("\r\n"));
  const auto colon = line.find(':');
  return colon != std::string_view::npos && colon > 0 && line.substr(0, colon).find_first_of(" \t") == std::string_view::npos;
}

base::Result<std::string> header_for(const Letter& letter, const std::string& subject) {
  std::string names, out;
  for (const mail::Address& to : letter.to) names += (names.empty() ? "" : ", ") + to.text();
  for (const auto& [name, value] : {std::pair<const char*, std::string>{"From", letter.from.text()}, {"To", names}, {"Subject", subject}, {"MIME-Version", "1.0"},
                                    {"Content-Type", "text/plain; charset=utf-8"}, {"Content-Transfer-Encoding", "8bit"}}) {
    auto field = mail::format_field(name, value);
    if (!field) return field;
    out += *field;
  }
  return out + "\r\n";
}

base::Result<std::string> read_text(const Invocation& i) {
  if (i.has("FILE") && i.one("FILE") != "-") return base::read_file(i.one("FILE"), k_max_message);
  std::string text;
  char buffer[64 * 1024];
  while (i.in.read(buffer, sizeof buffer) || i.in.gcount() > 0) {
    text.append(buffer, static_cast<std::size_t>(i.in.gcount()));
    if (text.size() > k_max_message.value) return base::fail(base::k_too_large, "the message is larger than 200 MiB");
  }
  return text;
}

base::Result<Letter> read_letter(const Invocation& i) {
  const auto from = mail::Address::parse(i.one("--from"));
  if (!from) return base::fail(base::k_malformed, "--from: \"" + i.one("--from") + "\" is no address");
  Letter letter{*from, {}, {}};
  for (const std::string& text : i.all("--to")) {
    auto to = mail::Address::parse(text);
    if (!to) return base::fail(base::k_malformed, "--to: \"" + text + "\" is no address");
    letter.to.push_back(*std::move(to));
  }
  const auto text = read_text(i);
  if (!text) return text.error();
  if (!i.has("--subject")) {
    if (!begins_with_header(*text)) return base::fail(base::k_malformed, "the message does not begin with a header: give --subject for a mere text");
    letter.content = with_crlf(*text);
    return letter;
  }
  const auto header = header_for(letter, i.one("--subject"));
  if (!header) return header.error();
  letter.content = *header + with_crlf(*text);
  return letter;
}

// Submission for whoever names an account, else a relay that takes mail from this machine.
const config::ListenerOptions* find_listener(const config::Options& options, bool has_account) {
  const auto wanted = has_account ? config::ListenerRole::submission : config::ListenerRole::relay;
  for (const config::ListenerOptions& listener : options.listeners)
    if (listener.role == wanted && (has_account || listener.is_local())) return &listener;
  return nullptr;
}

// Listening everywhere includes the loopback address, which needs no route.
std::string address_of(const config::ListenerOptions& listener) {
  if (listener.host == "0.0.0.0") return "127.0.0.1";
  return listener.host == "::" ? "::1" : listener.host;
}

struct Sending {
  const config::ListenerOptions& listener;
  client::Options options;
  base::net::TlsClientPtr tls;
  std::string host;
  const Letter& letter;
  base::Result<std::vector<client::Outcome>> outcomes = base::fail(base::k_connection);
};

client::Transaction transaction_of(const Letter& letter) {
  client::Transaction t;
  t.reverse_path = letter.from;
  t.parameters.size = letter.content.size();
  t.eight_bit = std::any_of(letter.content.begin(), letter.content.end(), [](char c) { return (c & 0x80) != 0; });
  for (const mail::Address& to : letter.to) t.recipients.push_back({to, {}});
  return t;
}

base::net::Awaitable<void> talk(Sending& sending) {
  auto stream = co_await base::net::connect(address_of(sending.listener), sending.listener.port, k_connect_time);
  if (!stream) {
    sending.outcomes = base::fail(base::k_connection, sending.listener.address + ": " + stream.error().detail);
    co_return;
  }
  auto opened = co_await client::Connection::open(*std::move(stream), sending.options, sending.tls, sending.host);
  if (const auto* failure = std::get_if<client::Outcome>(&opened)) {
    sending.outcomes = std::vector<client::Outcome>(sending.letter.to.size(), *failure);
    co_return;
  }
  auto& connection = *std::get<std::unique_ptr<client::Connection>>(opened);
  auto transaction = transaction_of(sending.letter);
  auto content = base::make_content(sending.letter.content);
  auto outcomes = co_await connection.send(std::move(transaction), std::move(content), true);
  sending.outcomes = std::move(outcomes);
  co_await connection.quit();
}

int print_outcomes(const Invocation& i, const Letter& letter, const std::vector<client::Outcome>& outcomes) {
  int code = k_exit_good;
  for (std::size_t n = 0; n < letter.to.size() && n < outcomes.size(); ++n) {
    const client::Outcome& outcome = outcomes[n];
    i.out << letter.to[n].text() << ": ";
    if (outcome.reply.code != 0) i.out << outcome.reply.code << " ";
    if (!outcome.reply.enhanced.empty()) i.out << outcome.reply.enhanced << " ";
    i.out << shown(outcome.reply.text.printable(2000), 4000) << "\n";
    if (outcome.kind == client::OutcomeKind::unknown) return k_exit_error;
    if (outcome.kind != client::OutcomeKind::ok) code = outcome.reply.code == 0 ? k_exit_error : std::max(code, k_exit_no);
  }
  return code;
}

int tell(const Invocation& i, const std::string& text) { return i.err << "amtsbote: " << shown(text, 4000) << "\n", k_exit_error; }

int run_send(const Invocation& i) {
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  const config::Options& options = *loaded.draft;
  const std::string account = i.one("--account");
  const config::ListenerOptions* listener = find_listener(options, !account.empty());
  if (listener == nullptr)
    return tell(i, account.empty() ? "the configuration has no relay on loopback: name an --account for submission" : "the configuration has no listener for submission");
  base::SecretBytes secret;
  if (!account.empty()) {
    auto password = read_password(i, "Password: ", false);
    if (!password) return tell(i, password.error().detail);
    secret = *std::move(password);
  }
  const auto letter = read_letter(i);
  if (!letter) return tell(i, letter.error().detail);
  Sending sending{*listener, {}, {}, options.site.hostname, *letter};
  sending.options.helo = "localhost";
  sending.options.implicit_tls = listener->implicit_tls;
  sending.options.command_time = sending.options.final_time = k_command_time;
  if (const config::TlsOptions* tls = options.find_tls(listener->tls)) {
    // the password goes to the program that has our certificate's key, and to nobody else who took the port
    auto made = base::net::make_pinned_tls_client(tls->certificate);
    if (!made) return tell(i, tls->certificate.string() + ": " + made.error().detail);
    sending.tls = *std::move(made);
    sending.options.floor = client::TlsFloor::verified;
  } else {
    sending.options.can_tls = false;
  }
  sending.options.user = account;
  sending.options.password = account.empty() ? nullptr : &secret;
  boost::asio::io_context io{1};
  boost::asio::co_spawn(io, talk(sending), [](std::exception_ptr) {});
  io.run();
  if (!sending.outcomes) return tell(i, sending.outcomes.error().detail);
  return print_outcomes(i, *letter, *sending.outcomes);
}

}  // namespace

Command send_command() {
  return {"send", "Sends one message through a listener of this machine, for first trials",
          "Takes a whole message, or with --subject a mere text, and gives it to the daemon as a mail program would: with --account through the submission listener, over TLS and with "
          "the account's password; without it through a relay on loopback. Prints the reply for each recipient. With --password-stdin the first line is the password, "
          "and the message follows unless a file is named.",
          {{"FILE", "", "The message; without it, or with -, standard input"},
           {"--from", "ADDRESS", "The sender", true},
           {"--to", "ADDRESS", "A recipient; repeatable", true, true},
           {"--subject", "TEXT", "Make a message with this subject out of the text"},
           {"--account", "NAME", "Log in as this account"},
           k_password_stdin_option,
           k_config_option},
          "0  accepted for every recipient\n1  refused or put off for at least one; the reply says why\n2  it could not be sent, or nobody knows whether it was",
          "amtsbote send --account amt53 --from amt53@stadt.example --to praxis@aerzte.example --subject Befund befund.txt", &run_send};
}

std::vector<Command> setup_commands() { return {init_command(), send_command()}; }

}  // namespace app
