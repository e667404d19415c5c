// What the rules would do. Needs no daemon: keys are asked of the daemon where one runs, so that the answer is the real one.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <ostream>

#include <boost/json/array.hpp>

#include "base/core/errors.hpp"
#include "base/core/file.hpp"
#include "gateway/app/control_client.hpp"
#include "gateway/app/control_local.hpp"
#include "gateway/app/owner.hpp"
#include "gateway/app/render.hpp"
#include "gateway/app/start.hpp"
#include "gateway/config/load.hpp"
#include "gateway/pipeline/decide.hpp"
#include "gateway/pipeline/reply_table.hpp"
#include "mail/message/edit.hpp"
#include "mail/message/inspect.hpp"
#include "policies/lang/legal.hpp"
#include "policies/lang/prove.hpp"

namespace app {
namespace {

constexpr base::ByteCount k_max_message = base::mib(200);
constexpr base::ByteCount k_max_policy = base::mib(10);

// Days and hours of rules are those of the site, whatever the terminal's zone is.
void use_zone(const config::Options& options) {
  if (options.site.timezone.empty()) return;
  ::setenv("TZ", options.site.timezone.c_str(), 1);
  ::tzset();
}

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

// What the channel means in law today. No part of the decision.
json::array legal_array(const policies::PolicyDecision& d, base::Timestamp now) {
  json::array out;
  for (const policies::LegalEffect* e : policies::legal_effects_of(d, now))
    out.emplace_back(json::object{{"key", e->key}, {"sure", e->sure}, {"effect_de", e->effect_de}, {"effect_en", e->effect_en}, {"source", e->source}});
  return out;
}

void print_legal(std::ostream& out, const policies::PolicyDecision& d, base::Timestamp now, const std::string& language) {
  const auto effects = policies::legal_effects_of(d, now);
  if (effects.empty()) return;
  out << "legal effect on this day:\n";
  for (const policies::LegalEffect* e : effects)
    out << "  " << e->key << " (" << e->sure << "): " << (language == "en" ? e->effect_en : e->effect_de) << "\n    " << e->source << "\n";
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
  if (d.demail)
    out["demail"] = json::object{{"account", d.demail->account}, {"sender", d.demail->sender}, {"options", demail::describe(d.demail->options)}};
  if (d.key) out["key"] = d.key->fingerprint.hex;
  if (d.transport) out["transport"] = policies::name_of(*d.transport);
  out["trail"] = policies::format_trail(d);
  return out;
}

base::Result<std::shared_ptr<Keys>> open_keys(const config::Options& options) {
  auto root = load_root_key(options);
  if (!root) return std::move(root).error();
  return Keys::open(options, *std::move(root));
}

// Stands in where this user may not read the keys: what cannot be read is unknown, and never "no key".
class UnreadableKeys : public pipeline::KeyRing {
 public:
  explicit UnreadableKeys(std::string why) : m_why(std::move(why)) {}
  certs::KeyFacts recipient_key(const mail::Address&, certs::Method, base::Timestamp) const override { return unknown(); }
  certs::KeyFacts signer_key(const mail::Address&, certs::Method, base::Timestamp) const override { return unknown(); }
  base::Result<crypto::smime::CertificatePtr> certificate(const certs::Fingerprint&) const override { return base::fail(base::k_io, m_why); }
  base::Result<crypto::smime::IdentityPtr> identity(const certs::Fingerprint&) const override { return base::fail(base::k_io, m_why); }
  crypto::openpgp::HomePtr home() const override { return nullptr; }
  crypto::OpenRequest open_request(const std::vector<mail::Address>&) const override { return {}; }
  base::Result<certs::TrustStorePtr> trust_under(const std::vector<std::string>&) const override { return base::fail(base::k_io, m_why); }
  pipeline::SignatureJudgement judge(const crypto::Opened&, const std::optional<mail::Mailbox>&, base::Timestamp) const override { return {}; }

 private:
  certs::KeyFacts unknown() const {
    certs::KeyFacts facts;
    facts.detail = m_why;
    return facts;
  }
  std::string m_why;
};

pipeline::SnapshotPtr open_snapshot(const Invocation& i, const config::OptionsPtr& options) {
  const AsOwner as_owner(options->site.state_directory);
  auto keys = open_keys(*options);
  if (keys) return make_local_snapshot(options, *std::move(keys));
  i.err << "amtsbote: the keys cannot be read, every lookup is unknown: " << shown(keys.error().describe()) << "\n";
  auto out = std::make_shared<pipeline::Snapshot>();
  out->keys = std::make_shared<const UnreadableKeys>(keys.error().describe());
  out->options = options;
  return out;
}

// As whom the message would come: a listener of the role that is asked for, else of the one that fits the sender.
struct Asking {
  pipeline::Claim claim;
  policies::Origin origin;
};

Asking asking_by(const config::Options& options, policies::ListenerRole role, const mail::Address& from) {
  Asking out;
  out.claim.role = out.origin.role = role;
  for (const config::ListenerOptions& listener : options.listeners)
    if (listener.role == role && out.claim.listener == nullptr) {
      out.claim.listener = &listener;
      out.origin.listener = listener.address;
    }
  if (policies::is_from_outside(role)) return out;
  out.origin.proof = out.claim.proof = role == policies::ListenerRole::relay ? policies::Proof::network : policies::Proof::account;
  const auto* department = options.department_of(from);
  if (department != nullptr) out.origin.department = department->id;
  return out;
}

std::vector<std::string> wire_lines(const smtp::Reply& reply) {
  const std::string wire = smtp::format_reply(reply);
  std::vector<std::string> out;
  for (std::size_t at = 0; at < wire.size();) {
    const auto end = wire.find("\r\n", at);
    out.push_back(wire.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

struct Answer {
  policies::PolicyDecision decision;
  std::vector<std::string> reply;
};

Answer answer_for(const pipeline::Snapshot& snapshot, const Asking& asking, const mail::Address& from, const mail::MessageFacts& facts, const mail::Address& to,
                  base::Timestamp now) {
  const config::Options& options = *snapshot.options;
  const auto recipient = pipeline::check_recipient(options, asking.claim, to);
  auto denied = recipient.denied;
  // who an account or a relay may write as is not asked here: the option --from says it
  if (!denied && policies::is_from_outside(asking.claim.role)) denied = pipeline::check_reverse_path(options, asking.claim, from);
  Answer out;
  if (denied) {
    out.decision.outcome = policies::Outcome::refuse;
    out.decision.rule = pipeline::row_of(denied->refusal).word;
    const bool own = !policies::is_from_outside(asking.claim.role);
    out.reply = wire_lines(own ? pipeline::reply_for_own(denied->refusal, denied->who, "", options.site.language) : pipeline::reply_for_stranger(denied->refusal));
    return out;
  }
  const pipeline::Case c{asking.origin, from, &facts, nullptr, now};
  out.decision = pipeline::decide_one(snapshot, c, to, recipient.direction);
  pipeline::RecipientRecord record;
  record.address = to;
  record.decision = out.decision;
  const char* word = "";
  const auto reply = pipeline::combine({record}, !policies::is_from_outside(asking.claim.role), options.site.language, word);
  out.reply = wire_lines(reply ? *reply : smtp::Reply{250, "2.0.0", out.decision.outcome == policies::Outcome::hold ? "Ok, and held" : "Ok"});
  return out;
}

int run_explain(const Invocation& i) {
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  if (print_faults(i, loaded.faults) || !loaded.options) return k_exit_error;
  use_zone(*loaded.options);
  const auto from = mail::Address::parse(i.one("--from"));
  if (!from) return i.err << "amtsbote: --from is no address\n", k_exit_error;
  const auto text = message_text(i, *from);
  if (!text) return i.err << "amtsbote: " << shown(text.error().detail) << "\n", k_exit_error;
  auto role = loaded.options->is_own_domain(from->domain()) ? policies::ListenerRole::submission : policies::ListenerRole::mx;
  if (i.has("--listener")) {
    bool is_known = false;
    for (const auto wanted : {policies::ListenerRole::submission, policies::ListenerRole::relay, policies::ListenerRole::mx})
      if (i.one("--listener") == policies::name_of(wanted)) role = wanted, is_known = true;
    if (!is_known) return i.err << "amtsbote: --listener is submission, relay or mx\n", k_exit_error;
  }
  const auto snapshot = open_snapshot(i, loaded.options);
  const auto facts = mail::inspect(base::ByteView(*text));
  const Asking asking = asking_by(*loaded.options, role, *from);
  bool good = true;
  json::array answers;
  const base::Timestamp now = base::system_clock().now();
  for (const std::string& address : i.all("--to")) {
    const auto to = mail::Address::parse(address);
    if (!to) return i.err << "amtsbote: --to " << shown(address, 320) << " is no address\n", k_exit_error;
    const auto [decision, lines] = answer_for(*snapshot, asking, *from, facts, *to, now);
    good = good && (decision.outcome == policies::Outcome::deliver || decision.outcome == policies::Outcome::hold);
    if (i.wants_json()) {
      json::object row = decision_object(decision, *to);
      row["legal"] = legal_array(decision, now);
      json::array reply;
      for (const std::string& line : lines) reply.emplace_back(line);
      row["reply"] = std::move(reply);
      answers.emplace_back(std::move(row));
    } else {
      i.out << to->text() << ": " << policies::name_of(decision.outcome) << "\n" << policies::format_trail(decision);
      print_legal(i.out, decision, now, loaded.options->site.language);
      i.out << "the client would be told:\n";
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

policies::CaseOptions case_options(const config::Options& options) {
  policies::CaseOptions out;
  out.department_of = [&options](const mail::Address& a) {
    const auto* department = options.department_of(a);
    return department == nullptr ? std::string{} : department->id;
  };
  out.is_own_domain = [&options](const std::string& domain) { return options.is_own_domain(domain); };
  out.demail_of = [&options](const mail::Address& sender, const mail::Address& recipient, base::Timestamp now) {
    return options.demail.facts_of(sender, recipient, now);
  };
  return out;
}

int run_test(const Invocation& i) {
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  // cases that fail are faults of the configuration; here they are the answer
  if (!loaded.draft->rules) return print_faults(i, loaded.faults), k_exit_error;
  use_zone(*loaded.draft);
  auto texts = read_cases(i, *loaded.draft);
  if (!texts) return i.err << "amtsbote: " << shown(texts.error().detail) << "\n", k_exit_error;
  const auto cases = policies::load_cases(*std::move(texts), case_options(*loaded.draft));
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

// One sender for each department, and one that is in none.
policies::ProveOptions prove_options(const config::Options& options) {
  policies::ProveOptions out;
  out.cases = case_options(options);
  for (const config::DepartmentOptions& department : options.departments())
    if (!department.addresses.empty()) {
      std::string address = department.addresses.front();
      std::replace_if(address.begin(), address.end(), [](char c) { return c == '*' || c == '?'; }, 'x');
      out.senders.push_back(std::move(address));
    }
  if (!options.domains().empty()) out.senders.push_back("niemand.im.besonderen@" + options.domains().front().name);
  for (const config::ListenerOptions& listener : options.listeners)
    if (!policies::is_from_outside(listener.role)) out.listeners.push_back(listener.address);
  return out;
}

int run_prove(const Invocation& i) {
  const auto loaded = config::load_config(i.one("--config", k_default_config));
  if (!loaded.draft->rules) return print_faults(i, loaded.faults), k_exit_error;
  use_zone(*loaded.draft);
  const auto proof = policies::prove(*loaded.draft->rules, prove_options(*loaded.draft));
  const bool found = !proof.counterexamples.empty();
  json::array rows, unmatched, gaps;
  for (const auto& c : proof.counterexamples) rows.emplace_back(json::object{{"demanding", c.demanding}, {"clearing", c.clearing}, {"case", c.text}});
  for (const std::string& name : proof.unmatched) unmatched.emplace_back(name);
  for (const std::string& gap : proof.gaps) gaps.emplace_back(gap);
  if (i.wants_json()) {
    i.out << format_line({{"ok", !found}, {"counterexamples", std::move(rows)}, {"unmatched", std::move(unmatched)}, {"tried", proof.tried}, {"complete", proof.complete}, {"gaps", std::move(gaps)}});
  } else {
    for (const auto& c : proof.counterexamples) i.out << "# \"" << c.demanding << "\" demands protection, \"" << c.clearing << "\" lets it leave in clear:\n" << c.text << "\n";
    for (const std::string& name : proof.unmatched) i.out << "never matched: " << name << "\n";
    for (const std::string& gap : proof.gaps) i.out << "not searched: " << gap << "\n";
    i.out << proof.tried << " messages tried, " << proof.counterexamples.size() << " ways to clear text" << (proof.complete ? "\n" : "; the search is not complete\n");
  }
  if (found) return k_exit_no;
  return proof.complete ? k_exit_good : k_exit_error;
}

}  // namespace

std::vector<Command> policy_commands() {
  return {
      {"policy explain", "Tells what would happen to a message, and why",
       "For each recipient: every rule with whether it matched and what decided, which rule set what, each method with its key or the reason against it, "
       "what the sender's client would be told, and what the channel means in law on this day. Nothing is sent. Keys that you may not read are unknown, never absent: run it as the daemon's user.",
       {{"--from", "ADDRESS", "The sender", true},
        {"--to", "ADDRESS", "A recipient; repeatable", true, true},
        {"--message", "FILE", "A message; without it one is put together from the options below"},
        {"--subject", "TEXT", "Its subject"},
        {"--header", "'NAME: VALUE'", "A field of it; repeatable", false, true},
        {"--listener", "ROLE", "submission, relay or mx; without it the one that fits the sender"},
        k_config_option, k_json_option},
       "0  it would be taken for every recipient\n1  it would be refused, or postponed\n2  wrong use, or the configuration is faulty",
       "amtsbote policy explain --from amt53@stadt.example --to praxis@aerzte.example --subject '[vertraulich] Befund'", run_explain},
      {"policy test", "Runs the cases that stand beside the policies",
       "Without network, keys or daemon. A failed case shows expected, got and the rule.",
       {{"PATH", "", "Case files or directories; without one policies/tests", false, true}, k_config_option, k_json_option},
       "0  all cases passed\n1  a case failed\n2  a file could not be read", "amtsbote policy test", run_test},
      {"policy prove", "Searches for a way from \"protection demanded\" to clear text",
       "Tries every outbound message that the rules can tell apart. Where a rule that says otherwise = \"refuse\" or \"hold\" matches and the message would still leave in clear, "
       "because of an earlier rule or of final, it prints the message as a case that fails today. Names rules that no message met, and what could not be searched.",
       {k_config_option, k_json_option}, "0  every combination was tried, and there is no way\n1  there is one\n2  none was found, but not everything was searched", "amtsbote policy prove", run_prove},
  };
}

}  // namespace app
