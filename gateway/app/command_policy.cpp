// What the rules would do. Needs no daemon: keys are asked of the daemon where one runs, so that the answer is the real one.
#include <ostream>

#include <boost/json/array.hpp>

#include "base/core/file.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/app/control_local.hpp"
#include "gateway/app/render.hpp"
#include "gateway/app/start.hpp"
#include "gateway/config/load.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"
#include "policies/lang/cases.hpp"

namespace app {
namespace {

constexpr base::ByteCount k_max_message = base::mib(200);
constexpr base::ByteCount k_max_policy = base::mib(10);

bool print_faults(const Invocation& i, const std::vector<policies::Fault>& faults) {
  bool errors = false;
  for (const policies::Fault& fault : faults) {
    errors = errors || fault.severity == policies::Severity::error;
    i.err << shown(policies::format_fault(fault), 4000) << "\n";
  }
  return errors;
}

// The message of the question: a file, or a header put together from the options.
base::Result<std::string> message_text(const Invocation& i, const mail::Address& from) {
  if (i.has("--message")) {
    auto text = base::read_file(i.one("--message"), k_max_message);
    return text;
  }
  std::string out;
  std::vector<std::pair<std::string, std::string>> fields = {{"From", from.text()}};
  if (i.has("--subject")) fields.emplace_back("Subject", i.one("--subject"));
  for (const std::string& header : i.all("--header")) {
    const auto colon = header.find(':');
    fields.emplace_back(header.substr(0, colon), colon == std::string::npos ? "" : std::string(base::trim(std::string_view(header).substr(colon + 1))));
  }
  for (const auto& [name, value] : fields) {
    auto field = mail::format_field(name, value);
    if (!field) return field;
    out += *field;
  }
  return out + "\r\n";
}

json::object decision_object(const policies::PolicyDecision& d, const mail::Address& to) {
  json::object out{{"to", to.text()},
                   {"outcome", policies::name_of(d.outcome)},
                   {"reason", policies::name_of(d.reason)},
                   {"rule", d.rule},
                   {"encrypt", d.encrypt ? certs::name_of(*d.encrypt) : "none"},
                   {"sign", policies::name_of(d.sign)},
                   {"clear", d.plaintext.has_value()},
                   {"route", d.route}};
  if (d.key) out["key"] = d.key->fingerprint.hex;
  if (d.transport) out["transport"] = policies::name_of(*d.transport);
  out["trail"] = policies::format_trail(d);
  return out;
}

std::vector<std::string> reply_lines(const policies::PolicyDecision& d, const mail::Address& to, const std::string& language) {
  pipeline::RecipientRecord record;
  record.address = to;
  record.decision = d;
  const char* word = "";
  const auto reply = pipeline::combine({record}, true, language, word);
  const std::string wire = smtp::format_reply(reply ? *reply : smtp::Reply{250, "2.0.0", d.outcome == policies::Outcome::hold ? "Ok, and held" : "Ok"});
  std::vector<std::string> out;
  for (std::size_t at = 0; at < wire.size();) {
    const auto end = wire.find("\r\n", at);
    out.push_back(wire.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

base::Result<std::shared_ptr<Keys>> open_keys(const config::Options& options) {
  auto root = load_root_key(options);
  if (!root) return std::move(root).error();
  return Keys::open(options, *std::move(root));
}

struct Asked {
  pipeline::SnapshotPtr snapshot;
  mail::MessageFacts facts;
  mail::Address from, to;
  policies::Origin origin;
  policies::Direction direction = policies::Direction::outbound;
};

int run_explain(const Invocation& i) {
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  if (print_faults(i, loaded.faults) || !loaded.options) return k_exit_error;
  const auto from = mail::Address::parse(i.one("--from"));
  if (!from) return i.err << "amtsbote: --from is no address\n", k_exit_error;
  const auto text = message_text(i, *from);
  if (!text) return i.err << "amtsbote: " << shown(text.error().detail) << "\n", k_exit_error;
  auto keys = open_keys(*loaded.options);
  if (!keys) return i.err << "amtsbote: the keys cannot be read: " << shown(keys.error().describe()) << "\n", k_exit_error;
  const auto snapshot = make_local_snapshot(loaded.options, *keys);
  const auto facts = mail::inspect(base::ByteView(*text));

  const bool own = loaded.options->is_own_domain(from->domain());
  policies::Origin origin;
  origin.role = own ? policies::ListenerRole::submission : policies::ListenerRole::mx;
  if (i.one("--listener") == "relay") origin.role = policies::ListenerRole::relay;
  origin.proof = own ? policies::Proof::account : policies::Proof::none;
  const auto* department = own ? loaded.options->department_of(*from) : nullptr;
  if (department != nullptr) origin.department = department->id;

  bool good = true;
  json::array answers;
  for (const std::string& address : i.all("--to")) {
    const auto to = mail::Address::parse(address);
    if (!to) return i.err << "amtsbote: --to " << shown(address, 320) << " is no address\n", k_exit_error;
    const auto direction = !loaded.options->is_own_domain(to->domain()) ? policies::Direction::outbound : own ? policies::Direction::internal : policies::Direction::inbound;
    const pipeline::Case c{origin, *from, &facts, nullptr, base::system_clock().now()};
    const auto decision = pipeline::decide_one(*snapshot, c, *to, direction);
    good = good && (decision.outcome == policies::Outcome::deliver || decision.outcome == policies::Outcome::hold);
    const auto lines = reply_lines(decision, *to, loaded.options->site.language);
    if (i.wants_json()) {
      json::object row = decision_object(decision, *to);
      json::array reply;
      for (const std::string& line : lines) reply.emplace_back(line);
      row["reply"] = std::move(reply);
      answers.emplace_back(std::move(row));
    } else {
      i.out << to->text() << ": " << policies::name_of(decision.outcome) << "\n" << policies::format_trail(decision) << "the client would be told:\n";
      for (const std::string& line : lines) i.out << "  " << line << "\n";
    }
  }
  if (i.wants_json()) i.out << format_line({{"ok", good}, {"recipients", std::move(answers)}, {"config", loaded.options->hash}});
  return good ? k_exit_good : k_exit_no;
}

base::Result<std::vector<policies::PolicyText>> read_cases(const Invocation& i, const config::Options& options) {
  std::vector<base::fs::path> files;
  const auto add_directory = [&](const base::fs::path& directory) {
    const auto names = base::list_directory(directory);
    if (!names) return;
    for (const std::string& name : *names)
      if (name.ends_with(".toml")) files.push_back(directory / name);
  };
  for (const std::string& path : i.all("PATH")) {
    std::error_code ec;
    if (base::fs::is_directory(path, ec))
      add_directory(path);
    else
      files.emplace_back(path);
  }
  if (i.all("PATH").empty()) add_directory(options.site.policies / "tests");
  std::vector<policies::PolicyText> out;
  for (const base::fs::path& file : files) {
    auto text = base::read_file(file, k_max_policy);
    if (!text) return std::move(text).error();
    out.push_back({file.string(), *std::move(text)});
  }
  return out;
}

int run_test(const Invocation& i) {
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  // cases that fail are faults of the configuration; here they are the answer
  if (!loaded.draft->rules) return print_faults(i, loaded.faults), k_exit_error;
  auto texts = read_cases(i, *loaded.draft);
  if (!texts) return i.err << "amtsbote: " << shown(texts.error().detail) << "\n", k_exit_error;
  policies::CaseOptions options;
  options.department_of = [&](const mail::Address& a) {
    const auto* department = loaded.draft->department_of(a);
    return department == nullptr ? std::string{} : department->id;
  };
  options.is_own_domain = [&](const std::string& domain) { return loaded.draft->is_own_domain(domain); };
  const auto cases = policies::load_cases(*std::move(texts), options);
  if (print_faults(i, cases.faults)) return k_exit_error;
  const auto results = policies::run_cases(*loaded.draft->rules, cases.cases);
  std::size_t failed = 0;
  json::array rows;
  for (const auto& result : results) {
    failed += result.passed ? 0 : 1;
    rows.emplace_back(json::object{{"name", result.name}, {"file", result.file}, {"line", result.at.line}, {"passed", result.passed}, {"difference", result.difference}});
  }
  if (i.wants_json())
    i.out << format_line({{"ok", failed == 0}, {"cases", std::move(rows)}});
  else
    i.out << policies::format_report(results);
  return failed == 0 ? k_exit_good : k_exit_no;
}

}  // namespace

std::vector<Command> policy_commands() {
  return {
      {"policy explain", "Tells what would happen to a message, and why",
       "For each recipient: every rule with whether it matched and what decided, which rule set what, each method with its key or the reason against it, and what "
       "the sender's client would be told. Nothing is sent.",
       {{"--from", "ADDRESS", "The sender", true},
        {"--to", "ADDRESS", "A recipient; repeatable", true, true},
        {"--message", "FILE", "A message; without it one is put together from the options below"},
        {"--subject", "TEXT", "Its subject"},
        {"--header", "'NAME: VALUE'", "A field of it; repeatable", false, true},
        {"--listener", "ROLE", "relay instead of submission"},
        k_config_option, k_json_option},
       "0  it would be taken for every recipient\n1  it would be refused, or postponed\n2  wrong use, or the configuration is faulty",
       "amtsbote policy explain --from amt53@stadt.example --to praxis@aerzte.example --subject '[vertraulich] Befund'", run_explain},
      {"policy test", "Runs the cases that stand beside the policies",
       "Without network, keys or daemon. A failed case shows expected, got and the rule.",
       {{"PATH", "", "Case files or directories; without one policies/tests", false, true}, k_config_option, k_json_option},
       "0  all cases passed\n1  a case failed\n2  a file could not be read", "amtsbote policy test", run_test},
  };
}

}  // namespace app
