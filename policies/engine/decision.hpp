// Promise: a decision says what will happen to one recipient's copy, and its trail says why: which rule, which key, why not
// the other. A decision is made by decide() alone, or read back from its own encoded form.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "certs/model/key.hpp"
#include "demail/model/options.hpp"
#include "policies/engine/question.hpp"

namespace policies {

enum class Truth { no, yes, unknown, not_yet };  // not_yet: only known after opening
const char* name_of(Truth truth);

enum class Outcome { deliver, refuse, hold, later };
const char* name_of(Outcome outcome);

enum class SignMethod { none, smime, openpgp, keep };
const char* name_of(SignMethod method);

enum class Transport { any, tls, verified, dane };  // in rising order
const char* name_of(Transport transport);

// Why a message is not delivered as asked; each has one row in gateway/pipeline/reply_table.
enum class Reason {
  none,
  no_rule,               // nothing matched: refuse
  no_key,                // encryption demanded, no usable key; `otherwise = "refuse"` or "hold"
  refused_by_rule,       // then.refuse
  held_by_rule,          // otherwise = "hold"
  quarantined,           // then.quarantine
  lookup_unknown,        // the outcome depends on something that could not be looked up now
  no_signing_identity,   // signing demanded, nobody to sign as
  demail_no_account,     // meant as De-Mail, and no account of ours sends for this sender
  demail_not_reachable,  // meant as De-Mail, and the recipient's address is none
  demail_not_allowed,    // an option that this account may not ask for
  demail_ended,          // the account's last day is over
};
const char* name_of(Reason reason);

// Views into the rules that decided (or into what was decoded); the Trail keeps those alive, so a RuleTrace must not outlive
// the Trail it stands in. 200 rules would otherwise cost 600 strings a recipient.
struct RuleTrace {
  std::string_view rule, file;
  int line = 0;
  Truth matched = Truth::no;
  std::string_view decided_by;  // the condition that decided, e.g. `department = "gesundheitsamt"`; "" where all held
};
struct SettingTrace {
  std::string setting, value, rule;  // rule: its name, "built-in", or what of the message asked: `keyword "persönlich"`
};
struct MethodTrace {
  certs::Method method = certs::Method::smime;
  Truth possible = Truth::no;
  std::optional<certs::KeyInfo> key;
  std::set<certs::Finding> findings;
  std::vector<certs::RejectedKey> rejected;
  std::string why;  // in English, one clause: "no key known", "lookup failed", "chosen"
};
struct Trail {
  std::vector<RuleTrace> rules;
  std::shared_ptr<const void> texts;  // owns what the rule traces look at
  std::vector<SettingTrace> settings;
  std::vector<MethodTrace> methods;
};

struct Mark {
  std::string subject_prefix;  // inbound
  std::vector<std::pair<std::string, std::string>> headers;
  friend bool operator==(const Mark&, const Mark&) = default;
};

// Permission to send in clear. Only decide() makes one, and only where a rule says otherwise = "clear"; decode() reads back
// what decide() made.
class PlaintextPermit {
 public:
  const std::string& rule() const { return m_rule; }

 private:
  explicit PlaintextPermit(std::string rule) : m_rule(std::move(rule)) {}
  friend struct PermitMaker;  // defined in decide.cpp and codec.cpp's shared internal header
  std::string m_rule;
};

// Sent as De-Mail and in no other way.
struct DeMailChoice {
  std::string account;      // of the configuration
  std::string sender;       // De-Mail address that it is sent as
  demail::Options options;  // complete
  friend bool operator==(const DeMailChoice&, const DeMailChoice&) = default;
};

struct PolicyDecision {
  Outcome outcome = Outcome::refuse;
  Reason reason = Reason::none;
  std::string rule;              // the rule that decided the outcome
  std::string text_de, text_en;  // then.refuse = { de = …, en = … }
  std::optional<certs::Method> encrypt;
  std::optional<certs::KeyInfo> key;  // the recipient's, if encrypt
  SignMethod sign = SignMethod::none;
  std::optional<certs::KeyInfo> signer;  // ours, if sign is smime or openpgp
  // The message came encrypted by its Content-Type and a rule speaks of encryption: it passes unchanged, provided that
  // its content proves to be encrypted. Without that proof it may leave only under `plaintext`.
  bool protected_by_sender = false;
  std::optional<PlaintextPermit> plaintext;  // set only if delivered, and neither encrypted nor protected otherwise
  std::optional<DeMailChoice> demail;        // set only if delivered as De-Mail: neither encrypt nor plaintext is set then
  std::string route;                         // "" : by domain or by route.to
  std::optional<Transport> transport;        // floor demanded by a rule
  std::vector<std::string> keywords;         // that made a rule match, or are words of De-Mail: removed before sending
  Mark mark;
  std::vector<std::string> strip;  // names of header fields to remove from what is not under a signature
  std::string identity;            // address to sign as; "": the sender's
  std::string receipts_class;      // retention class; "" : default
  Trail trail;
};

// A stable text form for the store (sealed there); decode refuses what encode did not make: k_malformed.
std::string encode(const PolicyDecision& decision);
base::Result<PolicyDecision> decode(std::string_view text);

// The trail for people, several lines, as `policy explain` prints it.
std::string format_trail(const PolicyDecision& decision);

}  // namespace policies
