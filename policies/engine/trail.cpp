#include "base/core/remote_text.hpp"
#include "policies/engine/decision.hpp"

namespace policies {
namespace {

const char* verb_of(Truth truth) {
  switch (truth) {
    case Truth::no: return "no match";
    case Truth::yes: return "matched";
    case Truth::unknown: return "unknown";
    case Truth::not_yet: return "known after opening";
  }
  return "unknown";
}

void add_rule(std::string& out, const RuleTrace& rule) {
  out.append("  ").append(verb_of(rule.matched)).append(": ").append(base::escape_remote(rule.rule));
  if (!rule.file.empty()) out.append("  (").append(rule.file).append(":").append(std::to_string(rule.line)).append(")");
  if (!rule.decided_by.empty()) out.append("  because of ").append(base::escape_remote(rule.decided_by));
  out.append("\n");
}

std::string words_of(const std::set<certs::Finding>& findings) {
  std::string out;
  for (const auto f : findings) out.append(out.empty() ? "" : ", ").append(certs::name_of(f));
  return out;
}

void add_method(std::string& out, const MethodTrace& method) {
  out.append("  ").append(certs::name_of(method.method)).append(": ").append(method.why);
  if (method.key) {
    out.append(", key ").append(method.key->fingerprint.hex.substr(0, 16)).append(" ").append(method.key->algorithm);
    if (!method.key->subject.empty()) out.append(" \"").append(base::escape_remote(method.key->subject, 120)).append("\"");
  }
  if (!method.findings.empty()) out.append(" (").append(words_of(method.findings)).append(")");
  out.append("\n");
  for (const auto& r : method.rejected)
    out.append("    not ").append(r.fingerprint.hex.substr(0, 16)).append(": ").append(words_of(r.findings)).append("\n");
}

std::string headline(const PolicyDecision& d) {
  std::string out = name_of(d.outcome);
  if (d.reason != Reason::none) out.append(" (").append(name_of(d.reason)).append(")");
  out.append(", by rule \"").append(base::escape_remote(d.rule)).append("\"");
  return out;
}

}  // namespace

std::string format_trail(const PolicyDecision& d) {
  std::string out = "decision: " + headline(d) + "\n";
  if (!d.text_en.empty()) out.append("  text: ").append(base::escape_remote(d.text_en)).append("\n");
  if (d.encrypt) out.append("  encrypted by ").append(certs::name_of(*d.encrypt)).append("\n");
  if (d.protected_by_sender) out.append("  encrypted by its sender, passes unchanged\n");
  if (d.plaintext)
    out.append("  leaves in clear, allowed by rule \"").append(base::escape_remote(d.plaintext->rule())).append("\"\n");
  if (d.sign == SignMethod::keep) out.append("  the sender's signature stays\n");
  if (d.signer) {
    out.append("  signed by ").append(name_of(d.sign)).append(", key ").append(d.signer->fingerprint.hex.substr(0, 16));
    if (!d.identity.empty()) out.append(" of ").append(d.identity);
    out.append("\n");
  }
  if (d.demail) {
    out.append("  leaves as De-Mail of the account \"").append(base::escape_remote(d.demail->account)).append("\", from ");
    out.append(base::escape_remote(d.demail->sender))
        .append(", options: ")
        .append(demail::describe(d.demail->options))
        .append("\n");
  }
  if (!d.demail) {
    out.append("  route: ").append(d.route.empty() ? "by domain" : d.route);
    out.append(", transport floor: ").append(d.transport ? name_of(*d.transport) : "the route's").append("\n");
  }
  if (!d.trail.rules.empty()) out.append("rules:\n");
  for (const auto& rule : d.trail.rules) add_rule(out, rule);
  if (!d.trail.settings.empty()) out.append("settings:\n");
  for (const auto& s : d.trail.settings)
    out.append("  ")
        .append(s.setting)
        .append(" = ")
        .append(base::escape_remote(s.value))
        .append("  from \"")
        .append(base::escape_remote(s.rule))
        .append("\"\n");
  if (!d.trail.methods.empty()) out.append("methods:\n");
  for (const auto& method : d.trail.methods) add_method(out, method);
  return out;
}

}  // namespace policies
