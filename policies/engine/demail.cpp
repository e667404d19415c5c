#include "policies/engine/demail.hpp"

#include <algorithm>

#include "demail/model/fields.hpp"
#include "policies/engine/merge.hpp"

namespace policies {
namespace {

constexpr std::array k_options = {DeMailOption::dispatch, DeMailOption::receipt, DeMailOption::retrieve,
                                  DeMailOption::authoritative, DeMailOption::personal};
static_assert(k_options.size() == k_demail_options);

constexpr const char* k_by_address = "the recipient's address";
constexpr const char* k_by_config = "config";

std::size_t index_of(DeMailOption option) { return static_cast<std::size_t>(option); }

bool& part_of(demail::Options& options, DeMailOption option) {
  switch (option) {
    case DeMailOption::dispatch: return options.dispatch;
    case DeMailOption::receipt: return options.receipt;
    case DeMailOption::retrieve: return options.retrieve;
    case DeMailOption::authoritative: return options.authoritative;
    case DeMailOption::personal: break;
  }
  return options.personal;
}

std::string_view field_of(DeMailOption option) {
  switch (option) {
    case DeMailOption::dispatch: return demail::field::dispatch;
    case DeMailOption::receipt: return demail::field::receipt;
    case DeMailOption::retrieve: return demail::field::retrieve;
    case DeMailOption::authoritative: return demail::field::authoritative;
    case DeMailOption::personal: break;
  }
  return demail::field::personal;
}

void note(DeMailWish& wish, DeMailOption option, const std::string& source) {
  std::string& asked = wish.asked[index_of(option)];
  if (asked.empty()) asked = source;
}

void read_keywords(const mail::MessageFacts& message, DeMailWish& wish) {
  for (const std::string& keyword : message.keywords) {
    auto options = demail::options_of_keyword(keyword);
    if (!options) continue;
    const std::string source = "keyword \"" + keyword + "\"";
    if (wish.by.empty()) wish.by = source;
    for (const DeMailOption option : k_options)
      if (part_of(*options, option)) note(wish, option, source);
    if (std::find(wish.keywords.begin(), wish.keywords.end(), keyword) == wish.keywords.end()) wish.keywords.push_back(keyword);
  }
}

void read_fields(const mail::MessageFacts& message, DeMailWish& wish) {
  for (const DeMailOption option : k_options) {
    const auto* field = message.header.find(field_of(option));  // the first from the top counts
    if (field == nullptr || field->value() != "yes") continue;
    const std::string source = "field " + std::string(field_of(option));
    if (wish.by.empty()) wish.by = source;
    note(wish, option, source);
  }
}

// The options, each with who set it.
class Choice {
 public:
  Choice(const Merged& merged, const DeMailWish& wish, PolicyDecision& decision)
      : m_merged(merged), m_wish(wish), m_decision(decision) {}

  demail::Options take() {
    demail::Options options;
    for (const DeMailOption option : k_options) {
      const auto [is_set, source] = answer(option);
      part_of(options, option) = is_set;
      if (is_set || m_merged.demail[index_of(option)].value != nullptr) trace(option, is_set, source);
    }
    const demail::Options complete = demail::complete(options);
    if (complete.personal && !options.personal) trace(DeMailOption::personal, true, "built-in, for retrieve");
    return complete;
  }

 private:
  struct Answer {
    bool is_set = false;
    std::string source;
  };

  Answer answer(DeMailOption option) const {
    const Filled<bool>& by_rule = m_merged.demail[index_of(option)];
    const std::string& asked = m_wish.asked[index_of(option)];
    if (by_rule.value != nullptr && *by_rule.value) return {true, by_rule.rule->name};
    // what no rule asks for, a sender still may
    if (!asked.empty()) return {true, asked};
    // after a crash its confirmation is the only sign that the message was taken: a De-Mail is never sent twice
    if (option == DeMailOption::dispatch) return {true, k_built_in};
    if (by_rule.value != nullptr) return {false, by_rule.rule->name};
    return {option == DeMailOption::receipt, k_built_in};
  }

  void trace(DeMailOption option, bool is_set, const std::string& source) {
    m_decision.trail.settings.push_back({std::string("demail.") + name_of(option), is_set ? "yes" : "no", source});
  }

  const Merged& m_merged;
  const DeMailWish& m_wish;
  PolicyDecision& m_decision;
};

Reason obstacle(const DeMailFacts& facts, const demail::Options& options) {
  if (!facts.is_demail_address) return Reason::demail_not_reachable;
  if (facts.account.empty()) return Reason::demail_no_account;
  if (facts.has_ended) return Reason::demail_ended;
  if (demail::needs_high(options) && !facts.may_high) return Reason::demail_not_allowed;
  if (options.retrieve && !facts.may_retrieve) return Reason::demail_not_allowed;
  return Reason::none;
}

// The rule that chose De-Mail, else the first that speaks of its options.
const Rule* deciding_rule(const Merged& merged, bool is_by_rule) {
  if (is_by_rule) return merged.carrier.rule;
  for (const Filled<bool>& option : merged.demail)
    if (option.value != nullptr) return option.rule;
  return nullptr;
}

}  // namespace

DeMailWish wish_of(const Question& question) {
  DeMailWish wish;
  if (question.message == nullptr || question.recipient.direction != Direction::outbound) return wish;
  read_keywords(*question.message, wish);
  read_fields(*question.message, wish);
  return wish;
}

bool conclude_demail(const Merged& merged, const View& view, PolicyDecision& d) {
  const DeMailFacts& facts = view.question().recipient.demail;
  const DeMailWish& wish = view.wish();
  const bool is_by_rule = merged.carrier.value != nullptr && *merged.carrier.value == Carrier::demail;
  if (!is_by_rule && wish.by.empty() && !facts.is_demail_address) return false;

  const std::string by = is_by_rule ? merged.carrier.rule->name : !wish.by.empty() ? wish.by : k_by_address;
  d.trail.settings.push_back({"carrier", name_of(Carrier::demail), by});
  const demail::Options options = Choice(merged, wish, d).take();
  if (!facts.account.empty()) {
    d.trail.settings.push_back({"demail.account", facts.account, k_by_config});
    d.trail.settings.push_back({"demail.sender", facts.sender, k_by_config});
  }
  // what protects and carries other mail has no meaning for one: its carrier does both
  d.route.clear();
  d.transport.reset();
  d.identity.clear();
  const Rule* rule = deciding_rule(merged, is_by_rule);
  if (const Reason reason = obstacle(facts, options); reason != Reason::none) {
    end_with(d, Outcome::refuse, reason, rule);
    return true;
  }
  d.rule = rule_name(rule);
  d.demail = DeMailChoice{facts.account, facts.sender, options};
  const auto* message = view.question().message;
  if (message != nullptr && mail::is_signed(message->wrapping)) d.sign = SignMethod::keep;
  return true;
}

}  // namespace policies
