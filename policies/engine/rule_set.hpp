// Promise: rules as plain, compiled, immutable values: what policies/lang makes out of files and what ask() and decide()
// walk. Anybody may build them by hand; nothing here reads a file or knows TOML.
#pragma once

#include <array>
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
  department,
  sender,
  sender_domain,
  recipient,
  recipient_domain,
  group,  // the recipient's address or his domain
  keyword,
  classification,
  listener,
  account,
  certificate,
};

struct DirectionCondition {
  std::vector<Direction> any_of;
};
struct TextCondition {
  TextField field = TextField::department;
  PatternSet any_of;
  bool or_demail = false;  // recipient_domain: or the recipient's address is one of De-Mail
};
struct HeaderCondition {
  std::string name;
  PatternSet value;  // empty: the field is there
};
struct SizeCondition {
  std::optional<base::ByteCount> at_least, at_most;
};
struct AttachmentCondition {  // one and the same part fulfils all that are set
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
struct DateRange {  // days since 1970, both ends included
  int first = 0, last = 0;
};
struct TimeCondition {             // in the site's zone
  std::optional<int> from, until;  // minutes of the day; from later than until: over midnight
  unsigned weekdays = 0;           // bit 0 is Sunday; 0: every day
  std::vector<DateRange> dates;    // empty: every day
};

struct Condition;
struct NotCondition {  // not all of these
  std::vector<Condition> all_of;
};

struct Condition {
  std::variant<DirectionCondition, TextCondition, HeaderCondition, SizeCondition, AttachmentCondition, WrapCondition,
               SignatureCondition, KeyCondition, TimeCondition, NotCondition>
      test;
  std::string text;  // as in the file, for the trail: `department = "gesundheitsamt"`
};

enum class Otherwise { refuse, hold, clear, demail };
const char* name_of(Otherwise otherwise);

enum class Carrier { smtp, demail };
const char* name_of(Carrier carrier);

// The options of De-Mail as rules set them, each for itself.
enum class DeMailOption { dispatch, receipt, retrieve, authoritative, personal };
inline constexpr std::size_t k_demail_options = 5;
const char* name_of(DeMailOption option);

// What a rule fills in, each only where no earlier rule has.
struct Settings {
  std::optional<SignMethod> sign;
  std::optional<std::vector<certs::Method>> encrypt;  // in order of preference
  std::optional<Otherwise> otherwise;
  std::optional<Carrier> carrier;
  std::array<std::optional<bool>, k_demail_options> demail;  // by DeMailOption
  std::optional<std::string> route;
  std::optional<Transport> transport;
  std::optional<Mark> mark;
  std::optional<std::vector<std::string>> strip;
  std::optional<std::string> receipts;
  std::optional<std::string> identity;  // address to sign as
};

// What happens when a rule is reached, whatever other rules say; refuse goes before quarantine where both are written.
enum class Stop { none, final_rule, quarantine, refuse };

struct Rule {
  std::string name, file;
  int line = 0;
  std::vector<Condition> when;  // all must hold
  Settings then;
  Stop stop = Stop::none;
  std::string refuse_de, refuse_en;
};

class RuleSet {
 public:
  RuleSet() = default;
  explicit RuleSet(std::vector<Rule> rules) : m_rules(std::make_shared<const std::vector<Rule>>(std::move(rules))) {}
  const std::vector<Rule>& rules() const { return *m_rules; }  // in order
  // For trails, whose views outlive a reload.
  std::shared_ptr<const std::vector<Rule>> share() const { return m_rules; }

 private:
  std::shared_ptr<const std::vector<Rule>> m_rules = std::make_shared<const std::vector<Rule>>();
};

// The name under which the last rules stand in a trail.
inline constexpr const char* k_built_in = "built-in";

}  // namespace policies
