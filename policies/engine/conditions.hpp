// Internal to policies/engine. Promise: one condition against one question gives one of four truths; what cannot be known
// now is never a yes and never a no. Keywords, headers and classification count only from senders of ours.
#pragma once

#include <ctime>
#include <string>
#include <vector>

#include "policies/engine/demail.hpp"
#include "policies/engine/rule_set.hpp"

namespace policies {

// no beats everything, then unknown, then not_yet: a conjunction with a known no is a no, whatever else is unknown.
Truth both(Truth a, Truth b);
Truth either(Truth a, Truth b);
Truth negation(Truth a);

// Is there a usable key? A lookup that was not made counts as unknown.
Truth has_usable_key(const std::map<certs::Method, certs::KeyFacts>& keys, certs::Method method);

// The question with everything folded once, so that 200 rules cost 200 comparisons and nothing else.
class View {
 public:
  explicit View(const Question& question);

  const Question& question() const { return m_question; }
  Truth truth_of(const Condition& condition) const;
  // All conditions of a rule; `decided_by` is the condition that decided, or null where all held.
  Truth truth_of(const Rule& rule, const Condition** decided_by) const;
  // The keywords of the message that made this rule match.
  void collect_keywords(const Rule& rule, std::vector<std::string>& into) const;
  bool has_keyword_for(const Rule& rule) const;
  // Where the search ends. A quarantine waits for a person: once he has decided, the other rules go on. From outside a refusal
  // was one, too. It gives nothing else away: what demands protection, or refuses mail of ours, still does.
  Stop stop_of(const Rule& rule) const;
  const DeMailWish& wish() const { return m_wish; }
  bool is_from_us() const { return m_question.recipient.direction != Direction::inbound; }

 private:
  Truth test(const DirectionCondition& c) const;
  Truth test(const TextCondition& c) const;
  Truth test(const HeaderCondition& c) const;
  Truth test(const SizeCondition& c) const;
  Truth test(const AttachmentCondition& c) const;
  Truth test(const WrapCondition& c) const;
  Truth test(const SignatureCondition& c) const;
  Truth test(const KeyCondition& c) const;
  Truth test(const TimeCondition& c) const;
  Truth test(const NotCondition& c) const;
  bool waits_for_opening() const;

  const Question& m_question;
  DeMailWish m_wish;
  std::string m_department, m_sender, m_recipient, m_listener, m_principal;
  std::tm m_local{};
  int m_day = 0;  // days since 1970 in the site's zone
};

}  // namespace policies
