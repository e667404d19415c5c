// The daemon and what is asked of it as a whole: serve, check, status, reload.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ostream>

#include <boost/json/array.hpp>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "base/net/connect.hpp"
#include "base/net/tls.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/app/control_local.hpp"
#include "gateway/app/owner.hpp"
#include "gateway/app/render.hpp"
#include "gateway/app/serve.hpp"
#include "gateway/app/start.hpp"
#include "gateway/app/systemd.hpp"
#include "gateway/config/load.hpp"
#include "gateway/config/secret.hpp"

namespace app {
namespace {

int run_serve(const Invocation& i) {
  ServeOptions options;
  options.config = i.one("--config", k_default_config);
  const std::string format = i.one("--log-format", "text"), level = i.one("--log-level", "info");
  if (format != "json" && format != "text") return i.err << "amtsbote: --log-format is json or text\n", k_exit_error;
  options.log_format = format == "json" ? base::log::Format::json : base::log::Format::text;
  using base::log::Level;
  bool is_known = false;
  for (const auto& [word, value] : {std::pair{"debug", Level::debug}, {"info", Level::info}, {"warning", Level::warning}, {"error", Level::error}}) {
    if (level != word) continue;
    options.log_level = value;
    is_known = true;
  }
  if (!is_known) return i.err << "amtsbote: --log-level is debug, info, warning or error\n", k_exit_error;
  return serve(options);
}

constexpr std::uint16_t k_first_free_port = 1024;

// What a start would stumble over beyond the texts. Each fault is a line, as of a file.
class Surroundings {
 public:
  Surroundings(const config::Options& options, std::string file) : m_options(options), m_file(std::move(file)) {}

  std::vector<std::string> faults() {
    secrets();
    directories();
    if (!is_running()) ports();
    if (m_faults.empty()) keys();
    return std::move(m_faults);
  }

 private:
  void fault(const std::string& text) { m_faults.push_back(m_file + ":1:1: " + text); }

  // Its sockets are taken then, and by the right one.
  bool is_running() const {
    const auto answer = ask_daemon(m_options.site.control, {{"command", "status"}}, k_short_wait);
    return !answer || *answer;  // one that does not answer us is one, too
  }

  // What a start would do first: take each address. It is given back at once. Ports below 1024 are systemd's to open, so that
  // only root can try them, and one that systemd holds is in the right hands.
  void ports() {
    for (const config::ListenerOptions& listener : m_options.listeners) {
      if (listener.port != 0 && listener.port < k_first_free_port && (::geteuid() != 0 || is_held_by_systemd(listener.port))) continue;
      if (const auto taken = base::net::try_address(listener.host, listener.port); !taken)
        fault("listener " + listener.address + ": " + taken.error().detail);
    }
    for (const config::MetricsListenerOptions& listener : m_options.metrics_listeners)
      if (const auto taken = base::net::try_address(listener.host, listener.port); !taken)
        fault("listener " + listener.address + ": " + taken.error().detail);
  }

  void secret(const std::string& name, const config::SecretRef& ref) {
    if (ref.empty()) return;
    if (const auto loaded = config::load_secret(ref); !loaded)
      fault(name + ": " + std::string(loaded.error().code.name) + (loaded.error().detail.empty() ? "" : ": " + loaded.error().detail));
  }

  void secrets() {
    secret("secrets.seal", m_options.secrets.seal);
    secret("secrets.log", m_options.secrets.log);
    secret("secrets.openpgp", m_options.secrets.openpgp);
    for (const config::RouteOptions& route : m_options.routes) secret("route \"" + route.name + "\".password", route.password);
    for (const config::TlsOptions& tls : m_options.tls) certificate(tls);
    for (const config::RouteOptions& route : m_options.routes) {
      if (route.client_certificate.empty()) continue;
      if (const auto made = make_route_tls(m_options, route); !made) fault(made.error().detail);
    }
    for (const config::DeMailAccountOptions& account : m_options.demail.accounts)
      secret("demail_account \"" + account.name + "\".poll_password", account.poll.password);
    demail_anchors();
  }

  void demail_anchors() {
    if (m_options.demail.anchors.empty()) return;
    const auto pem = base::read_file(m_options.demail.anchors, base::mib(4));
    if (!pem) return fault("demail.anchors: " + pem.error().detail);
    if (const auto all = certificates_in(*pem); !all) fault("demail.anchors: " + m_options.demail.anchors.string() + ": " + all.error().detail);
  }

  void certificate(const config::TlsOptions& tls) {
    const auto key = config::load_secret(tls.key);
    const auto pem = base::read_file(tls.certificate, base::kib(256));
    if (!key) return fault("tls." + tls.name + ".key: " + std::string(key.error().code.name) + ": " + key.error().detail);
    if (!pem) return fault("tls." + tls.name + ".certificate: " + pem.error().detail);
    if (const auto made = base::net::make_tls_server(*pem, *key, tls.client_anchors.empty() ? std::nullopt : std::optional(tls.client_anchors)); !made) fault("tls." + tls.name + ": " + made.error().detail);
  }

  void directories() {
    const AsOwner as_owner(m_options.site.state_directory);
    std::error_code error;
    base::fs::path directory = m_options.site.state_directory;
    if (base::fs::exists(directory, error)) {
      if (::access(directory.c_str(), R_OK | W_OK | X_OK) != 0) fault("site.state_directory: " + directory.string() + " is not writable");
    } else if (::access(directory.parent_path().c_str(), W_OK | X_OK) != 0) {
      fault("site.state_directory: " + directory.string() + " does not exist and cannot be made");
    }
    for (const base::fs::path& socket : {m_options.site.control, m_options.site.audit}) {
      directory = socket.parent_path();
      // a missing one is made at the start
      if (!base::fs::exists(directory, error)) directory = directory.parent_path();
      if (::access(directory.c_str(), W_OK | X_OK) != 0) fault("the socket " + socket.string() + " cannot be made: its directory is missing or not writable");
    }
  }

  // Looks only where a store is: a check makes nothing.
  void keys() {
    std::error_code error;
    if (!base::fs::exists(m_options.site.state_directory / "keys", error)) return;
    const AsOwner as_owner(m_options.site.state_directory);
    auto root = load_root_key(m_options);
    if (!root) return fault("secrets.seal: " + root.error().detail);
    auto opened = Keys::open(m_options, *std::move(root));
    if (!opened) return fault("keys: " + opened.error().detail);
    const auto snapshot = (*opened)->store().snapshot();
    for (const certs::Unreadable& u : snapshot->unreadable) fault("keys: " + u.file + ": " + u.why);
    if (!snapshot->openpgp_error.empty()) fault("keys: " + snapshot->openpgp_error);
    for (const config::IdentityOptions& identity : m_options.identities())
      for (const auto* names : {&identity.smime, &identity.openpgp})
        for (const std::string& name : *names)
          if ((*opened)->store().own_keys({name}).empty()) fault("identity of " + identity.addresses.front() + ": no key of ours, or more than one, begins with " + name);
  }

  const config::Options& m_options;
  std::string m_file;
  std::vector<std::string> m_faults;
};

// What only the daemon's user may read is a fault for everybody else: he should know that before he mends it.
void tell_stranger(const Invocation& i, const base::fs::path& state_directory) {
  struct stat owner {};
  if (::geteuid() == 0 || ::stat(state_directory.c_str(), &owner) != 0 || owner.st_uid == ::geteuid()) return;
  i.err << "amtsbote: " << state_directory.string() << " belongs to another user: run it as root, or what only he may read looks like a fault\n";
}

int run_check(const Invocation& i) {
  const std::string path = i.one("--config", k_default_config);
  const auto loaded = config::load_config(path);
  std::vector<std::string> errors, warnings;
  for (const policies::Fault& fault : loaded.faults) (fault.severity == policies::Severity::error ? errors : warnings).push_back(policies::format_fault(fault));
  if (loaded.options != nullptr)
    for (std::string& fault : Surroundings(*loaded.options, path).faults()) errors.push_back(std::move(fault));
  if (loaded.options != nullptr) tell_stranger(i, loaded.options->site.state_directory);
  if (i.wants_json()) {
    json::array all, mild;
    for (const std::string& text : errors) all.emplace_back(shown(text, 4000));
    for (const std::string& text : warnings) mild.emplace_back(shown(text, 4000));
    i.out << format_line({{"ok", errors.empty()}, {"errors", std::move(all)}, {"warnings", std::move(mild)}, {"config", loaded.draft->hash}});
  } else {
    for (const auto* list : {&errors, &warnings})
      for (const std::string& text : *list) i.out << shown(text, 4000) << "\n";
    if (errors.empty()) i.out << "good: " << loaded.draft->hash << "\n";
  }
  return errors.empty() ? k_exit_good : k_exit_no;
}

void render_status(std::ostream& out, const json::object& s) {
  const json::object& queue = object_of(s, "queue");
  const json::object& log = object_of(s, "log");
  out << "queue    " << number_of(queue, "messages").value_or(0) << " messages; recipients: " << number_of(queue, "due").value_or(0) << " due, "
      << number_of(queue, "in_flight").value_or(0) << " in flight, " << number_of(queue, "held").value_or(0) << " held, "
      << number_of(queue, "unknown").value_or(0) << " uncertain, " << number_of(queue, "submitted").value_or(0) << " submitted\noldest   " << (text_of(queue, "oldest").empty() ? "none" : local_time(text_of(queue, "oldest")))
      << "\nlog      " << shown(text_of(log, "origin")) << ", " << number_of(log, "size").value_or(0) << " entries\n";
  if (const auto free = number_of(s, "free_bytes")) out << "disk     " << size_text(*free) << " free\n";
  out << "config   " << text_of(s, "config") << "\n";
  for (const json::value& item : array_of(s, "polls")) {
    const json::object& poll = item.get_object();
    const std::string looked = text_of(poll, "looked"), down = text_of(poll, "down_since");
    out << "mailbox  " << shown(text_of(poll, "account")) << " last read " << (looked.empty() ? "never" : local_time(looked));
    if (!down.empty()) out << ", fails since " << local_time(down) << ": " << shown(text_of(poll, "why"));
    out << "\n";
  }
  for (const json::value& item : array_of(s, "endings")) {
    const json::object& e = item.get_object();
    out << "ends     " << text_of(e, "kind") << " " << shown(text_of(e, "name")) << (text_of(e, "name").empty() ? "" : " ") << local_time(text_of(e, "not_after")) << "\n";
  }
  for (const json::value& item : array_of(s, "expiring_keys")) {
    const json::object& key = item.get_object();
    out << "key      " << text_of(key, "fingerprint") << " " << joined(texts_of(key, "addresses")) << " ends " << local_time(text_of(key, "not_after")) << "\n";
  }
  for (const std::string& text : texts_of(s, "attention")) out << "ATTENTION: " << shown(text) << "\n";
  if (array_of(s, "attention").empty()) out << "good\n";
}

// The conventions of monitoring plugins: one line, figures behind a bar, exit codes 0 to 3. Without an answer of the daemon
// nothing is good, whatever the store on the disk says.
int run_nagios(const Invocation& i) {
  constexpr int k_critical = 2, k_unknown = 3;
  const std::string file = i.one("--config", k_default_config);
  const Sockets sockets = sockets_of(file, *config::load_config(file).draft);
  if (sockets.control.empty()) return i.out << "AMTSBOTE UNKNOWN - the configuration cannot be read\n", k_unknown;
  const auto answer = ask_daemon(sockets, {{"command", "status"}}, k_short_wait);
  if (!answer && answer.error().code == base::k_timeout) return i.out << "AMTSBOTE CRITICAL - " << shown(answer.error().detail, 200) << "\n", k_critical;
  if (!answer) return i.out << "AMTSBOTE UNKNOWN - " << shown(answer.error().detail, 200) << "\n", k_unknown;
  if (!*answer) return i.out << "AMTSBOTE CRITICAL - no daemon answers\n", k_critical;
  const json::object& s = **answer;
  const auto level = number_of(s, "level");
  if (!flag_of(s, "ok") || !level || *level < 0 || *level > k_critical)
    return i.out << "AMTSBOTE UNKNOWN - " << shown(text_of(s, "error"), 200) << "\n", k_unknown;
  std::vector<std::string> texts = texts_of(s, "attention");
  for (std::string& text : texts) std::replace(text.begin(), text.end(), '|', '/');
  const json::object& queue = object_of(s, "queue");
  static constexpr const char* k_words[] = {"OK", "WARNING", "CRITICAL"};
  i.out << "AMTSBOTE " << k_words[*level] << " - " << (texts.empty() ? std::to_string(number_of(queue, "messages").value_or(0)) + " messages under way" : shown(joined(texts, "; "), 1000))
        << " | messages=" << number_of(queue, "messages").value_or(0);
  for (const char* state : {"due", "in_flight", "held", "unknown", "submitted"}) i.out << " " << state << "=" << number_of(queue, state).value_or(0);
  i.out << " oldest=" << number_of(queue, "oldest_seconds").value_or(0) << "s checkpoint=" << number_of(s, "checkpoint_seconds").value_or(0)
        << "s free=" << number_of(s, "free_bytes").value_or(0) << "B log=" << number_of(object_of(s, "log"), "size").value_or(0) << "\n";
  return static_cast<int>(*level);
}

int run_status(const Invocation& i) { return i.has("--nagios") ? run_nagios(i) : run_live(i, {{"command", "status"}}, render_status, k_short_wait); }

int run_reload(const Invocation& i) {
  const std::string file = i.one("--config", k_default_config);
  const auto answer = ask_daemon(sockets_of(file, *config::load_config(file).draft), {{"command", "reload"}}, k_long_wait);
  if (!answer || !*answer) return print_answer(i, error_answer(answer ? "no daemon runs: systemctl start amtsbote reads the configuration as it is now" : answer.error().detail, k_exit_error), nullptr);
  return print_answer(i, **answer, [](std::ostream& out, const json::object& told) {
    for (const std::string& fault : texts_of(told, "faults")) out << shown(fault, 4000) << "\n";
    out << (array_of(told, "faults").empty() ? "active: " : "refused; still active: ") << text_of(told, "config") << "\n";
  });
}

}  // namespace

std::vector<Command> daemon_commands() {
  return {
      {"serve", "Runs the gateway in the foreground",
       "Listens, decides, protects, delivers. SIGHUP reads configuration, policies and keys anew, all or nothing; SIGTERM drains and stops. Log lines go to "
       "standard error.",
       {{"--log-format", "FORMAT", "text or json; without it text"}, {"--log-level", "LEVEL", "debug, info, warning or error; without it info"}, k_config_option},
       "0  stopped in order\n1  stopped by an error while serving\n2  could not start: nothing was written", "amtsbote serve --log-format json", run_serve},
      {"check", "Checks configuration, policies, secrets, certificates, directories and ports",
       "Reads everything as a start would, runs the policies' cases, and tells every fault at once as file:line:column: message. Changes nothing and needs no daemon; while none runs it tries the listeners' addresses. "
       "Run it as the daemon's user: what only that user may read cannot be checked by others.",
       {k_config_option, k_json_option}, "0  good, perhaps with warnings\n1  at least one fault", "amtsbote check --config ./amtsbote.toml", run_check},
      {"status", "Shows on one screen whether something needs a person",
       "Queue, oldest message, log, free disk, mailboxes at De-Mail providers, certificates and keys that end, and the hash of the configuration in force; what needs attention stands last. "
       "--nagios is for monitoring plugins: one line with figures, and their exit codes. docs/operations.md lists the thresholds.",
       {{"--nagios", "", "One line and perfdata; exit 0 ok, 1 warning, 2 critical, 3 unknown"}, k_config_option, k_json_option},
       "0  good\n1  something needs attention; it says what\n2  it cannot be told\nwith --nagios: 0 ok, 1 warning, 2 critical (also without a daemon), 3 unknown", "amtsbote status",
       run_status},
      {"reload", "Lets the daemon read configuration, policies and keys anew",
       "All or nothing: with a fault the old version stays in force, and the faults are told.", {k_config_option, k_json_option},
       "0  the new version is in force\n1  faults; the old version is in force\n2  no daemon answers", "amtsbote reload", run_reload},
  };
}

}  // namespace app
