// The first set-up: asks, writes, says what to do next.
#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "base/core/random.hpp"
#include "gateway/app/command_password.hpp"
#include "gateway/app/command_setup.hpp"
#include "gateway/app/control.hpp"
#include "gateway/app/init.hpp"

namespace app {
namespace {

// 32 of them, none of which is mistaken for another: five bits each.
constexpr std::string_view k_letters = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(k_letters.size() == 32);

// A hundred bits, in groups that can be typed from paper.
base::SecretBytes make_password() {
  base::Bytes random = base::random_bytes(20);
  std::string text;
  for (std::size_t i = 0; i < random.size(); ++i) {
    if (i > 0 && i % 5 == 0) text += '-';
    text += k_letters[static_cast<unsigned char>(random[i]) % k_letters.size()];
  }
  base::wipe(random);
  auto out = base::SecretBytes::copy_of(text);
  base::wipe(text);
  return out;
}

class Questions {
 public:
  explicit Questions(const Invocation& i) : m_i(i), m_is_terminal(&i.in == &std::cin && ::isatty(STDIN_FILENO) != 0) {}

  // What the flag said, else what is typed; Enter takes the fallback. Without a terminal the fallback is taken, and where there
  // is none the flag is missing.
  std::string ask(std::string_view flag, const std::string& question, const std::string& fallback, bool is_needed) {
    std::string answer = m_i.one(flag);
    if (!answer.empty()) return answer;
    while (m_is_terminal && m_i.in) {
      m_i.out << question << (fallback.empty() ? "" : " [" + fallback + "]") << ": " << std::flush;
      std::getline(m_i.in, answer);
      answer = std::string(base::trim(answer));
      if (answer.empty()) answer = fallback;
      if (!answer.empty() || !is_needed) return answer;
    }
    if (fallback.empty() && is_needed) m_missing.emplace_back(flag);
    return fallback;
  }
  const std::vector<std::string>& missing() const { return m_missing; }

 private:
  const Invocation& m_i;
  bool m_is_terminal;
  std::vector<std::string> m_missing;
};

InitAnswers ask_all(const Invocation& i, Questions& questions) {
  InitAnswers a;
  std::error_code error;
  // absolute first: of a relative path whose first part is not there nothing is canonical
  a.directory = std::filesystem::weakly_canonical(std::filesystem::absolute(i.one("--into", k_system_directory), error), error);
  if (a.directory.empty()) a.directory = i.one("--into", k_system_directory);
  a.domain = questions.ask("--domain", "Your mail domain, such as stadt.example", "", true);
  a.next_hop = questions.ask("--next-hop", "The server that carries mail to the Internet (host:port)", "", true);
  a.mailserver = questions.ask("--mailserver", "Your own mail server, for mail that comes in (host:port; empty: none yet)", "", false);
  a.department = questions.ask("--department", "A first department (a short name)", "poststelle", true);
  a.address = questions.ask("--address", "Its mail address", a.department + "@" + a.domain, true);
  a.hostname = i.one("--hostname");
  a.account = i.one("--account");
  a.listen = i.all("--listen");
  a.has_identity = !i.has("--no-identity");
  return a;
}

// Ports below 1024 are systemd's to open; the package has a unit for each that mail and the API use.
std::string sockets_to_enable(const InitAnswers& a) {
  std::string units;
  for (const std::string& listener : a.listen)
    for (const auto& [address, unit] : {std::pair{"[::]:25", "smtp"}, {"[::]:587", "submission"}, {"[::]:465", "submissions"}, {"[::]:443", "https"}})
      if (listener.substr(listener.find('=') + 1) == address) units += std::string(" amtsbote-") + unit + ".socket";
  return units.empty() ? "" : "  systemctl enable --now" + units + "\n";
}

void tell(const Invocation& i, const InitAnswers& a, const InitDone& done, const base::SecretBytes* shown_password) {
  for (const auto& file : done.files) i.out << "wrote " << file.string() << "\n";
  if (!done.service_user.empty()) i.out << "the daemon runs as the user " << done.service_user << ", who may read the configuration; the secrets reach it through systemd\n";
  i.out << "\naccount   " << a.account << ", may send as " << a.address << "\n";
  if (shown_password != nullptr) i.out << "password  " << shown_password->view() << "   (shown this once; `amtsbote users passwd " << a.account << "` sets another)\n";
  i.out << "\nFor trials only, until you replace it:\n  tls/gw.pem, secrets/tls.key: a self-signed TLS certificate for " << a.hostname << "\n";
  if (!done.identity.empty())
    i.out << "  S/MIME identity " << done.identity.substr(0, 16) << " of " << a.address
          << ", self-signed: partners cannot verify it. Import one that an authority issued\n  (amtsbote keys import --own FILE.p12), then remove this one (amtsbote keys remove "
          << done.identity.substr(0, 16) << ")\n";
  i.out << "\nKeep a copy of " << (a.directory / "secrets").string() << " in a safe place, apart from any backup of " << a.state_directory().string()
        << ": without it nothing stored can be read.\n\nNext:\n";
  const std::string config = a.is_system() ? "" : " --config " + (a.directory / "amtsbote.toml").string();
  i.out << "  amtsbote check" << config << "\n";
  if (a.is_system())
    i.out << sockets_to_enable(a) << "  systemctl start amtsbote\n";
  else
    i.out << "  amtsbote serve" << config << "\n";
  i.out << "  amtsbote keys import --trusted PARTNER.pem" << config << "\n  amtsbote send --account " << a.account << " --from " << a.address << " --to PARTNER --subject Probe FILE" << config << "\n";
}

int run_init(const Invocation& i) {
  Questions questions(i);
  const InitAnswers asked = ask_all(i, questions);
  if (!questions.missing().empty()) {
    for (const std::string& flag : questions.missing()) i.err << "amtsbote: " << flag << " is missing, and there is no terminal to ask\n";
    return k_exit_error;
  }
  const auto answers = complete_answers(asked);
  if (!answers) return i.err << "amtsbote: " << shown(answers.error().detail) << "\n", k_exit_error;
  const bool is_typed = i.has(k_password_stdin_option.name);
  auto password = is_typed ? read_password(i, "", false) : base::Result<base::SecretBytes>(make_password());
  if (!password) return i.err << "amtsbote: " << password.error().detail << "\n", k_exit_error;
  const auto done = init_site(*answers, *password);
  if (!done) return i.err << "amtsbote: " << shown(done.error().detail, 4000) << "\n", k_exit_error;
  tell(i, *answers, *done, is_typed ? nullptr : &*password);
  return k_exit_good;
}

}  // namespace

Command init_command() {
  return {"init", "Writes a first set-up that works",
          "A commented configuration, a first policy with its cases, an account for submission, the gateway's keys, and certificates for trials. Asks on the "
          "terminal for what the options leave open. Nothing that exists is changed: whatever is in the way is named, and nothing is written. Without --into the set-up is the "
          "package's, for systemd (ports 587 and, with a mail server, 25); with it the directory holds everything, on loopback, for trials. The password of the account is "
          "made and shown once, or read from standard input.",
          {{"--domain", "DOMAIN", "Your mail domain"},
           {"--next-hop", "HOST:PORT", "The server that carries mail to the Internet"},
           {"--mailserver", "HOST:PORT", "Your own mail server, for mail that comes in; lmtp:HOST:PORT or lmtp:unix:/PATH for LMTP"},
           {"--into", "DIR", "Where to write; without it /etc/amtsbote"},
           {"--hostname", "NAME", "The gateway's own name; without it gw.DOMAIN"},
           {"--department", "ID", "A first department; without it poststelle"},
           {"--address", "ADDRESS", "Its mail address; without it ID@DOMAIN"},
           {"--account", "NAME", "The account for submission; without it named as the department"},
           {"--listen", "ROLE=IP:PORT", "A listener: submission, mx, https, or relay on loopback; repeatable, replaces those of the set-up", false, true},
           {"--no-identity", "", "Make no S/MIME certificate for trials; mail then leaves encrypted and unsigned until you import one"},
           k_password_stdin_option},
          "0  written; it passes amtsbote check\n2  wrong answers, something is in the way, or it could not be written: nothing is there", "amtsbote init --domain stadt.example --next-hop relay.example.net:587",
          &run_init};
}

}  // namespace app
