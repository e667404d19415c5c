#include <algorithm>

#include "policies/engine/engine.hpp"
#include "policies/engine/merge.hpp"

namespace policies {
namespace {

// How many combinations of rules whose match is not known are tried: 2^8. Beyond it the decision is Later.
constexpr std::size_t k_max_combinations = 256;

struct RuleTruth {
  Truth truth = Truth::no;
  const Condition* decided_by = nullptr;
};

// As it would stand in a file; lives for the whole process.
std::string_view built_in_condition(Direction direction) {
  switch (direction) {
    case Direction::outbound: return "direction = \"outbound\"";
    case Direction::inbound: return "direction = \"inbound\"";
    case Direction::internal: return "direction = \"internal\"";
  }
  return "";
}

// What one looks at when asking whether two decisions are the same. A certain no is a no, whichever rule says it.
bool same_effect(const PolicyDecision& a, const PolicyDecision& b) {
  if (a.outcome != b.outcome) return false;
  if (a.outcome == Outcome::refuse || a.outcome == Outcome::later) return true;
  const auto print = [](const std::optional<certs::KeyInfo>& key) { return key ? key->fingerprint.hex : std::string(); };
  const auto permit = [](const PolicyDecision& d) { return d.plaintext.has_value(); };
  return a.reason == b.reason && a.encrypt == b.encrypt && print(a.key) == print(b.key) && a.sign == b.sign &&
         print(a.signer) == print(b.signer) && permit(a) == permit(b) && a.protected_by_sender == b.protected_by_sender &&
         a.demail == b.demail && a.route == b.route && a.transport == b.transport && a.keywords == b.keywords &&
         a.mark == b.mark && a.strip == b.strip && a.identity == b.identity && a.receipts_class == b.receipts_class;
}

// A refusal that the message itself may still avert: its sender may have encrypted it, and its From, which is not known at
// RCPT, tells which account of De-Mail sends it.
bool hangs_on_the_message(Reason reason) {
  return reason == Reason::no_key || reason == Reason::demail_no_account || reason == Reason::demail_not_allowed ||
         reason == Reason::demail_ended;
}

// Tries both answers for every rule whose match is not known, as far as the answer can matter, and says whether the
// decision is the same each time. The first leaf is the one where nothing unknown matches.
class Explorer {
 public:
  Explorer(const RuleSet& rules, const View& view) : m_rules(rules.rules()), m_view(view), m_truths(m_rules.size()) {
    for (std::size_t i = 0; i < m_rules.size(); ++i) {
      m_truths[i].truth = view.truth_of(m_rules[i], &m_truths[i].decided_by);
      m_seen = i + 1;
      if (m_truths[i].truth == Truth::yes && view.stop_of(m_rules[i]) != Stop::none) break;  // nothing behind it is reached
    }
  }

  void run(bool only_certain_refusal_counts) {
    m_at_rcpt = only_certain_refusal_counts;
    walk(0, Merged{});
  }
  const PolicyDecision& first() const { return *m_first; }
  bool all_agree() const { return !m_disagree && !m_overflow; }
  bool depends_on_unknown() const { return m_unknown_rule != nullptr; }
  const Rule* unknown_rule() const { return m_unknown_rule; }
  // One that is no refusal, if any was met.
  const std::optional<PolicyDecision>& acceptable() const { return m_acceptable; }

  std::vector<RuleTrace> traces() const {
    std::vector<RuleTrace> out;
    out.reserve(m_seen + 1);
    for (std::size_t i = 0; i < m_seen; ++i) {
      const auto& [truth, decided_by] = m_truths[i];
      out.push_back({m_rules[i].name, m_rules[i].file, m_rules[i].line, truth,
                     decided_by != nullptr ? std::string_view(decided_by->text) : ""});
    }
    const Stop last = m_seen > 0 && m_truths[m_seen - 1].truth == Truth::yes ? m_view.stop_of(m_rules[m_seen - 1]) : Stop::none;
    if (last == Stop::none || last == Stop::final_rule)
      out.push_back({k_built_in, "", 0, Truth::yes, built_in_condition(direction())});
    return out;
  }

 private:
  Direction direction() const { return m_view.question().recipient.direction; }
  bool finished() const { return m_overflow || m_disagree; }

  void walk(std::size_t i, Merged merged) {
    for (; i < m_seen && merged.stopped_by == nullptr; ++i) {
      const Truth truth = m_truths[i].truth;
      if (truth == Truth::no) continue;
      if (truth == Truth::yes) {
        merged.take(m_rules[i], m_view.stop_of(m_rules[i]));
        continue;
      }
      // keywords are taken out of the subject when a rule with one matches: that, too, is a change
      if (!merged.would_change(m_rules[i], m_view.stop_of(m_rules[i])) && !m_view.has_keyword_for(m_rules[i])) continue;
      if (truth == Truth::unknown && m_unknown_rule == nullptr) m_unknown_rule = &m_rules[i];
      walk(i + 1, merged);
      if (finished()) return;
      merged.take(m_rules[i], m_view.stop_of(m_rules[i]));
    }
    leaf(merged);
  }

  void leaf(const Merged& merged) {
    if (++m_leaves > k_max_combinations) {
      m_overflow = true;
      return;
    }
    PolicyDecision d = conclude(merged, m_view);
    const bool certain_no = d.outcome == Outcome::refuse && !(m_at_rcpt && hangs_on_the_message(d.reason));
    if (!certain_no && !m_acceptable) m_acceptable = d;
    if (!m_first) {
      m_disagree = m_at_rcpt && !certain_no;
      m_first = std::move(d);
    } else if (m_at_rcpt ? !certain_no : !same_effect(*m_first, d)) {
      m_disagree = true;
    }
  }

  const std::vector<Rule>& m_rules;
  const View& m_view;
  std::vector<RuleTruth> m_truths;
  std::size_t m_seen = 0, m_leaves = 0;
  bool m_at_rcpt = false, m_overflow = false, m_disagree = false;
  const Rule* m_unknown_rule = nullptr;
  std::optional<PolicyDecision> m_first, m_acceptable;
};

PolicyDecision later(const Explorer& explorer) {
  PolicyDecision d;
  const Rule* rule = explorer.unknown_rule();
  d.trail = explorer.first().trail;
  d.outcome = Outcome::later;
  d.reason = Reason::lookup_unknown;
  d.rule = rule != nullptr ? rule->name : k_built_in;
  return d;
}

// At RCPT: the recipient is welcome so far. Nothing of what a leaf says holds yet.
PolicyDecision go_on(const Explorer& explorer) {
  PolicyDecision d;
  d.trail = explorer.first().trail;
  d.outcome = Outcome::deliver;
  d.rule = k_built_in;
  return d;
}

// Before opening: accepted, for a refusal is not certain; the second decide() sees what is inside.
PolicyDecision accept_unopened(const Explorer& explorer) {
  PolicyDecision d = explorer.acceptable() ? *explorer.acceptable() : explorer.first();
  d.outcome = Outcome::deliver;
  d.reason = Reason::none;
  d.text_de.clear();
  d.text_en.clear();
  return d;
}

}  // namespace

PolicyDecision decide(const RuleSet& rules, const Question& question) {
  const View view(question);
  Explorer explorer(rules, view);
  const bool at_rcpt = question.message == nullptr;
  explorer.run(at_rcpt);
  PolicyDecision d;
  if (explorer.all_agree())
    d = explorer.first();
  else if (at_rcpt)
    d = go_on(explorer);
  else if (explorer.depends_on_unknown())
    d = later(explorer);
  else
    d = accept_unopened(explorer);
  d.trail.rules = explorer.traces();
  d.trail.texts = rules.share();
  return d;
}

}  // namespace policies
