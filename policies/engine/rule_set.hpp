// Promise: rules as plain, compiled, immutable values: what policies/lang makes out of files and what ask() and decide()
// walk. Anybody may build them by hand; nothing here reads a file or knows TOML.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "policies/engine/decision.hpp"
#include "policies/engine/engine.hpp"
#include "policies/engine/pattern.hpp"
#include "policies/engine/question.hpp"

namespace policies {

inline constexpr std::size_t k_max_rules = 2000;

enum class TextField {
  department, sender, sender_domain, recipient, recipient_domain,
  group,                          // the recipient's address or his domain
  keyword, classification, listener, account, certificate,
};

struct DirectionCondition {
  std::vector<Direction> any_of;
};
struct TextCondition {
  TextField field = TextField::department;
  PatternSet any_of;
};
struct HeaderCondition {
  std::string name;
  PatternSet value;               // empty: the field is there
};
struct SizeCondition {
  std::optional<base::ByteCount> at_least, at_most;
};
struct AttachmentCondition {      // one and the same part fulfils all that are set
  PatternSet type, extension, name;
};
enum class Wrap { is_signed, is_encrypted };
struct WrapCondition {
  Wrap wrap = Wrap::is_signed;
  bool wanted = true;
};
struct SignatureCondition {
  std::vector<SignatureVerdict> any_of;
};
struct KeyCondition {
  std::vector<certs::Method> any_of;
};
struct DateRange {                // days since 1970, both ends included
  int first = 0, last = 0;
};
struct TimeCondition {            // in the site's zone
  std::optional<int> from, until; // minutes of the day; from later than until: over midnight
  unsigned weekdays = 0;          // bit 0 is Sunday; 0: every day
  std::vector<DateRange> dates;   // empty: every day
};

struct Condition;
struct NotCondition {             // not all of these
  std::vector<Condition> all_of;
};

struct Condition {
  std::variant<DirectionCondition, TextCondition, HeaderCondition, SizeCondition, AttachmentCondition, WrapCondition,
               SignatureCondition, KeyCondition, TimeCondition, NotCondition>
      test;
  std::string text;               // as in the file, for the trail: `department = "gesundheitsamt"`
};

enum class Otherwise { refuse, hold, clear };
const char* name_of(Otherwise otherwise);

// What a rule fills in, each only where no earlier rule has.
struct Settings {
  std::optional<SignMethod> sign;
  std::optional<std::vector<certs::Method>> encrypt;  // in order of preference
  std::optional<Otherwise> otherwise;
  std::optional<std::string> carrier;                 // "smtp"
  std::optional<std::string> route;
  std::optional<Transport> transport;
  std::optional<Mark> mark;
  std::optional<std::vector<std::string>> strip;
  std::optional<std::string> receipts;
  std::optional<std::string> identity;                // address to sign as
};

// What happens when a rule is reached, whatever other rules say; refuse goes before quarantine where both are written.
enum class Stop { none, final_rule, quarantine, refuse };

struct Rule {
  std::string name, file;
  int line = 0;
  std::vector<Condition> when;    // all must hold
  Settings then;
  Stop stop = Stop::none;
  std::string refuse_de, refuse_en;
};

class RuleSet {
 public:
  std::vector<Rule> rules;        // in order
};

// The name under which the last rules stand in a trail.
inline constexpr const char* k_built_in = "built-in";

}  // namespace policies
