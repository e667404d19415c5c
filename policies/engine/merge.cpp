#include "policies/engine/merge.hpp"

#include <algorithm>
#include <cassert>

#include "policies/engine/permit_maker.hpp"

namespace policies {
namespace {

using certs::Method;

std::string join(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : ", ").append(word);
  return out;
}

std::string text_of(const std::vector<Method>& methods) {
  std::vector<std::string> names;
  for (const Method m : methods) names.emplace_back(certs::name_of(m));
  return "[" + join(names) + "]";
}

std::string text_of(const Mark& mark) {
  std::vector<std::string> parts;
  if (!mark.subject_prefix.empty()) parts.push_back("subject \"" + mark.subject_prefix + "\"");
  for (const auto& [name, value] : mark.headers) parts.push_back(name + ": " + value);
  return join(parts);
}

void trace_settings(const Merged& m, const View& view, Trail& trail) {
  auto add = [&](const char* setting, std::string value, const Rule* rule) {
    trail.settings.push_back({setting, std::move(value), rule_name(rule)});
  };
  const bool outbound = view.question().recipient.direction == Direction::outbound;
  if (m.sign.value != nullptr) add("sign", name_of(*m.sign.value), m.sign.rule);
  if (m.encrypt.value != nullptr) add("encrypt", text_of(*m.encrypt.value), m.encrypt.rule);
  if (m.otherwise.value != nullptr) add("otherwise", name_of(*m.otherwise.value), m.otherwise.rule);
  if (m.otherwise.value == nullptr && outbound) add("otherwise", "refuse", nullptr);
  // a choice of De-Mail is traced where it is made
  if (m.carrier.value != nullptr && *m.carrier.value != Carrier::demail) {
    const bool is_void = outbound && view.question().recipient.demail.is_demail_address;
    add("carrier", is_void ? "smtp (without effect: a De-Mail address is reached by De-Mail alone)" : name_of(*m.carrier.value),
        m.carrier.rule);
  }
  if (m.route.value != nullptr) add("route", *m.route.value, m.route.rule);
  if (m.transport.value != nullptr) add("transport", name_of(*m.transport.value), m.transport.rule);
  if (m.mark.value != nullptr) add("mark", text_of(*m.mark.value), m.mark.rule);
  if (m.strip.value != nullptr) add("strip", "[" + join(*m.strip.value) + "]", m.strip.rule);
  if (m.receipts.value != nullptr) add("receipts", *m.receipts.value, m.receipts.rule);
  if (m.identity.value != nullptr) add("identity", *m.identity.value, m.identity.rule);
  for (const Rule* rule : m.applied)
    if (view.stop_of(*rule) != rule->stop) add("quarantine", "lifted by a person", rule);
}

// What was found for one method, whether or not it is taken.
MethodTrace trace_method(const View& view, Method method) {
  MethodTrace trace;
  trace.method = method;
  const auto& keys = view.question().recipient.keys;
  trace.possible = has_usable_key(keys, method);
  const auto found = keys.find(method);
  if (found == keys.end()) {
    trace.why = "not looked up";
    return trace;
  }
  trace.key = found->second.chosen;
  trace.findings = found->second.findings;
  trace.rejected = found->second.rejected;
  if (trace.possible == Truth::yes)
    trace.why = "possible, not needed";
  else if (trace.possible == Truth::unknown)
    trace.why = "lookup failed";
  else
    trace.why = trace.key || !trace.rejected.empty() ? "no usable key" : "no key known";
  return trace;
}

// The first possible method of the list. A preferred one whose lookup failed is passed over if a later one is known: the
// message leaves protected either way, and the trail says so.
Truth choose_method(const Merged& m, const View& view, PolicyDecision& d) {
  Truth any = Truth::no;
  if (m.encrypt.value == nullptr) return any;
  for (const Method method : *m.encrypt.value) {
    MethodTrace trace = trace_method(view, method);
    if (trace.possible == Truth::yes && !d.encrypt) {
      d.encrypt = method;
      d.key = trace.key;
      trace.why = "chosen";
    } else if (trace.possible == Truth::unknown && any != Truth::yes) {
      trace.why = trace.why == "not looked up" ? trace.why : "lookup failed; passed over if a later method is possible";
    }
    any = either(any, trace.possible);
    d.trail.methods.push_back(std::move(trace));
  }
  return any;
}

// Nothing was encrypted and no lookup is open: what the policy wants then.
void fall_back(const Merged& m, bool is_at_rcpt, PolicyDecision& d) {
  const bool demanded = m.encrypt.value != nullptr && !m.encrypt.value->empty();
  const Otherwise otherwise = m.otherwise.value != nullptr ? *m.otherwise.value : Otherwise::refuse;
  const Rule* rule = m.otherwise.value != nullptr ? m.otherwise.rule : demanded ? m.encrypt.rule : nullptr;
  if (otherwise == Otherwise::clear) {
    d.rule = rule_name(rule);
    d.plaintext = PermitMaker::make(d.rule);
  } else if (otherwise == Otherwise::demail) {
    // addresses of De-Mail never come here; before the message is there its sender may still have encrypted it himself
    const bool lacks_key = demanded || is_at_rcpt;
    end_with(d, Outcome::refuse, lacks_key ? Reason::no_key : Reason::demail_not_reachable, rule);
  } else if (otherwise == Otherwise::hold) {
    end_with(d, Outcome::hold, Reason::held_by_rule, rule);
  } else if (demanded) {
    end_with(d, Outcome::refuse, Reason::no_key, rule);
  } else {
    end_with(d, Outcome::refuse, rule != nullptr ? Reason::refused_by_rule : Reason::no_rule, rule);
  }
}

void sign(const Merged& m, const View& view, PolicyDecision& d) {
  SignMethod wanted = m.sign.value != nullptr ? *m.sign.value : SignMethod::none;
  if (wanted == SignMethod::keep) {
    const auto* message = view.question().message;
    d.sign = message != nullptr && mail::is_signed(message->wrapping) ? SignMethod::keep : SignMethod::none;
    return;
  }
  if (wanted == SignMethod::none) return;
  // one method makes the whole of an encrypted message, its signature included
  if (d.encrypt) wanted = *d.encrypt == Method::smime ? SignMethod::smime : SignMethod::openpgp;
  const Method method = wanted == SignMethod::smime ? Method::smime : Method::openpgp;
  const auto& keys = view.question().signer.keys;
  Truth possible = has_usable_key(keys, method);
  if (possible == Truth::yes && m.identity.value != nullptr) {
    const auto& addresses = keys.at(method).chosen->addresses;
    if (std::find(addresses.begin(), addresses.end(), *m.identity.value) == addresses.end()) possible = Truth::no;
  }
  if (possible == Truth::unknown) return end_with(d, Outcome::later, Reason::lookup_unknown, m.sign.rule);
  if (possible == Truth::no) return end_with(d, Outcome::hold, Reason::no_signing_identity, m.sign.rule);
  d.sign = wanted;
  d.signer = keys.at(method).chosen;
}

void conclude_outbound(const Merged& m, const View& view, PolicyDecision& d) {
  if (conclude_demail(m, view, d)) return;
  const auto* message = view.question().message;
  const bool spoken_of = m.encrypt.value != nullptr || m.otherwise.value != nullptr;
  if (spoken_of && message != nullptr && mail::is_encrypted(message->wrapping)) {
    // Never encrypted twice, never touched. A Content-Type alone proves nothing, so a permit for clear text stands beside
    // it only where the policy would have sent this message in clear anyway.
    const bool tries_none = m.encrypt.value == nullptr || m.encrypt.value->empty();
    if (tries_none && m.otherwise.value != nullptr && *m.otherwise.value == Otherwise::clear) fall_back(m, false, d);
    d.protected_by_sender = true;
    d.sign = SignMethod::keep;
    d.rule = rule_name(m.encrypt.value != nullptr ? m.encrypt.rule : m.otherwise.rule);
    return;
  }
  const Truth possible = choose_method(m, view, d);
  if (d.encrypt) {
    d.rule = rule_name(m.encrypt.rule);
  } else if (possible == Truth::unknown) {
    return end_with(d, Outcome::later, Reason::lookup_unknown, m.encrypt.rule);
  } else {
    fall_back(m, message == nullptr, d);
  }
  if (d.outcome == Outcome::deliver) sign(m, view, d);
}

// After acceptance nothing from outside is refused or bounced: what would be is set aside for a person.
void soften_after_acceptance(const View& view, PolicyDecision& d) {
  const bool accepted = view.question().opened != nullptr && view.question().recipient.direction == Direction::inbound;
  if (!accepted || d.outcome != Outcome::refuse) return;
  d.outcome = Outcome::hold;
  d.reason = Reason::quarantined;
}

}  // namespace

std::string rule_name(const Rule* rule) { return rule != nullptr ? rule->name : k_built_in; }

void end_with(PolicyDecision& d, Outcome outcome, Reason reason, const Rule* rule) {
  d.outcome = outcome;
  d.reason = reason;
  d.rule = rule_name(rule);
}

bool Merged::would_change(const Rule& r, Stop stop) const {
  const Settings& s = r.then;
  return stop != Stop::none || sign.would_take(s.sign) || encrypt.would_take(s.encrypt) || otherwise.would_take(s.otherwise) ||
         carrier.would_take(s.carrier) || would_take_demail(s) || route.would_take(s.route) ||
         transport.would_take(s.transport) || mark.would_take(s.mark) || strip.would_take(s.strip) ||
         receipts.would_take(s.receipts) || identity.would_take(s.identity);
}

bool Merged::would_take_demail(const Settings& then) const {
  for (std::size_t i = 0; i < demail.size(); ++i)
    if (demail[i].would_take(then.demail[i])) return true;
  return false;
}

void Merged::take(const Rule& rule, Stop stop) {
  const Settings& s = rule.then;
  sign.take(s.sign, rule);
  encrypt.take(s.encrypt, rule);
  otherwise.take(s.otherwise, rule);
  carrier.take(s.carrier, rule);
  for (std::size_t i = 0; i < demail.size(); ++i) demail[i].take(s.demail[i], rule);
  route.take(s.route, rule);
  transport.take(s.transport, rule);
  mark.take(s.mark, rule);
  strip.take(s.strip, rule);
  receipts.take(s.receipts, rule);
  identity.take(s.identity, rule);
  applied.push_back(&rule);
  if (stop != Stop::none) stopped_by = &rule;
}

PolicyDecision conclude(const Merged& m, const View& view) {
  PolicyDecision d;
  d.outcome = Outcome::deliver;
  d.rule = m.applied.empty() ? k_built_in : m.applied.front()->name;
  if (m.route.value != nullptr) d.route = *m.route.value;
  if (m.transport.value != nullptr) d.transport = *m.transport.value;
  if (m.mark.value != nullptr) d.mark = *m.mark.value;
  if (m.strip.value != nullptr) d.strip = *m.strip.value;
  if (m.receipts.value != nullptr) d.receipts_class = *m.receipts.value;
  if (m.identity.value != nullptr) d.identity = *m.identity.value;
  for (const Rule* rule : m.applied) view.collect_keywords(*rule, d.keywords);
  for (const std::string& word : view.wish().keywords)
    if (std::find(d.keywords.begin(), d.keywords.end(), word) == d.keywords.end()) d.keywords.push_back(word);
  trace_settings(m, view, d.trail);

  const Rule* last = m.stopped_by;
  if (last != nullptr && last->stop == Stop::refuse) {
    end_with(d, Outcome::refuse, Reason::refused_by_rule, last);
    d.text_de = last->refuse_de;
    d.text_en = last->refuse_en;
  } else if (last != nullptr && last->stop == Stop::quarantine) {
    end_with(d, Outcome::hold, Reason::quarantined, last);
  } else if (view.question().recipient.direction == Direction::outbound) {
    conclude_outbound(m, view, d);
  }
  soften_after_acceptance(view, d);
  if (d.outcome != Outcome::deliver) d.plaintext.reset();
  assert(!d.demail || (d.outcome == Outcome::deliver && !d.encrypt && !d.plaintext && !d.protected_by_sender));
  return d;
}

}  // namespace policies
