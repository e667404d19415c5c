#include "policies/engine/conditions.hpp"

#include <algorithm>

#include "base/core/bytes.hpp"

namespace policies {
namespace {

Truth truth(bool b) { return b ? Truth::yes : Truth::no; }

std::string_view domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

std::string_view extension_of(std::string_view name) {
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

template <class T>
bool contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

// What a person would call one: it has a name, or it is neither text nor the frame around other parts.
bool is_attachment(const mail::Part& part) {
  if (!part.filename.empty()) return true;
  return part.type.rfind("text/", 0) != 0 && part.type.rfind("multipart/", 0) != 0;
}

bool wants(const PatternSet& set, std::string_view value) { return set.empty() || set.matches(value); }

}  // namespace

Truth both(Truth a, Truth b) {
  if (a == Truth::no || b == Truth::no) return Truth::no;
  if (a == Truth::unknown || b == Truth::unknown) return Truth::unknown;
  if (a == Truth::not_yet || b == Truth::not_yet) return Truth::not_yet;
  return Truth::yes;
}

Truth either(Truth a, Truth b) { return negation(both(negation(a), negation(b))); }

Truth negation(Truth a) {
  if (a == Truth::yes) return Truth::no;
  if (a == Truth::no) return Truth::yes;
  return a;
}

Truth has_usable_key(const std::map<certs::Method, certs::KeyFacts>& keys, certs::Method method) {
  const auto found = keys.find(method);
  if (found == keys.end() || found->second.state == certs::Lookup::unknown) return Truth::unknown;
  const certs::KeyFacts& facts = found->second;
  return truth(facts.state == certs::Lookup::known && facts.chosen && !certs::forbids_use(facts.findings));
}

View::View(const Question& question)
    : m_question(question),
      m_wish(wish_of(question)),
      m_department(base::to_lower(question.origin.department)),
      m_recipient(base::to_lower(question.recipient.address.folded())),
      m_listener(base::to_lower(question.origin.listener)),
      m_principal(base::to_lower(question.origin.principal)) {
  if (question.message != nullptr && question.message->from) m_sender = base::to_lower(question.message->from->address.folded());
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(question.now).time_since_epoch().count();
  localtime_r(&seconds, &m_local);
  using namespace std::chrono;
  m_day = static_cast<int>(
      sys_days{year{m_local.tm_year + 1900} / (m_local.tm_mon + 1) / m_local.tm_mday}.time_since_epoch().count());
}

// Mail from outside that we have not opened: what is inside is known only after the commit.
bool View::waits_for_opening() const {
  if (m_question.recipient.direction != Direction::inbound || m_question.opened != nullptr) return false;
  if (m_question.message == nullptr) return true;
  using mail::Wrapping;
  const Wrapping w = m_question.message->wrapping;
  return mail::is_encrypted(w) || w == Wrapping::smime_unknown || w == Wrapping::smime_signed_opaque;
}

Truth View::test(const DirectionCondition& c) const { return truth(contains(c.any_of, m_question.recipient.direction)); }

Truth View::test(const TextCondition& c) const {
  const mail::MessageFacts* message = m_question.message;
  switch (c.field) {
    case TextField::department:
      // a report of ours has a null reverse path: its From tells the department, and that comes with the message
      if (message == nullptr && is_from_us() && !m_question.reverse_path) return Truth::unknown;
      return truth(!m_department.empty() && c.any_of.matches(m_department));
    case TextField::recipient: return truth(c.any_of.matches(m_recipient));
    case TextField::recipient_domain:
      return truth((c.or_demail && m_question.recipient.demail.is_demail_address) || c.any_of.matches(domain_of(m_recipient)));
    case TextField::group: return truth(c.any_of.matches(m_recipient) || c.any_of.matches(domain_of(m_recipient)));
    case TextField::listener: return truth(c.any_of.matches(m_listener));
    case TextField::account: return truth(m_question.origin.proof == Proof::account && c.any_of.matches(m_principal));
    case TextField::certificate: return truth(m_question.origin.proof == Proof::certificate && c.any_of.matches(m_principal));
    case TextField::sender:
      if (message == nullptr) return Truth::unknown;
      return truth(!m_sender.empty() && c.any_of.matches(m_sender));
    case TextField::sender_domain:
      if (message == nullptr) return Truth::unknown;
      return truth(!m_sender.empty() && c.any_of.matches(domain_of(m_sender)));
    case TextField::keyword:
      if (!is_from_us()) return Truth::no;
      if (message == nullptr) return Truth::unknown;
      return truth(std::any_of(message->keywords.begin(), message->keywords.end(),
                               [&](const std::string& k) { return c.any_of.matches(base::to_lower(k)); }));
    case TextField::classification: {
      if (!is_from_us()) return Truth::no;
      if (message == nullptr) return Truth::unknown;
      const bool confidential = message->confidential || contains<std::string>(message->keywords, "vertraulich") ||
                                contains<std::string>(message->keywords, "confidential");
      return truth(confidential && c.any_of.matches("confidential"));
    }
  }
  return Truth::unknown;
}

Truth View::test(const HeaderCondition& c) const {
  if (!is_from_us()) return Truth::no;
  if (m_question.message == nullptr) return Truth::unknown;
  for (const auto& field : m_question.message->header.fields())
    if (field.is(c.name) && wants(c.value, base::to_lower(field.value()))) return Truth::yes;
  return Truth::no;
}

Truth View::test(const SizeCondition& c) const {
  if (m_question.message == nullptr) return Truth::unknown;
  const base::ByteCount size = m_question.message->size;
  return truth((!c.at_least || size >= *c.at_least) && (!c.at_most || size <= *c.at_most));
}

Truth View::test(const AttachmentCondition& c) const {
  if (waits_for_opening()) return Truth::not_yet;
  if (m_question.message == nullptr) return Truth::unknown;
  for (const auto& part : m_question.message->parts) {
    if (!is_attachment(part)) continue;
    const std::string name = base::to_lower(part.filename);
    if (wants(c.type, part.type) && wants(c.name, name) && wants(c.extension, extension_of(name))) return Truth::yes;
  }
  return Truth::no;
}

Truth View::test(const WrapCondition& c) const {
  const mail::MessageFacts* message = m_question.message;
  const OpenedFacts* opened = m_question.opened;
  if (message == nullptr) return waits_for_opening() ? Truth::not_yet : Truth::unknown;
  const bool outside = c.wrap == Wrap::is_signed ? mail::is_signed(message->wrapping) : mail::is_encrypted(message->wrapping);
  const bool inside =
      opened != nullptr && (c.wrap == Wrap::is_signed ? opened->signature != SignatureVerdict::none : opened->was_encrypted);
  if (!outside && !inside && waits_for_opening()) return Truth::not_yet;
  return truth((outside || inside) == c.wanted);
}

Truth View::test(const SignatureCondition& c) const {
  // nobody verifies what our own senders signed: no verdict, so no condition on it holds
  if (is_from_us()) return Truth::no;
  if (m_question.opened == nullptr) {
    // what bears none by its outside, and has no inside, has none
    const bool bare = m_question.message != nullptr && !mail::is_signed(m_question.message->wrapping) && !waits_for_opening();
    return bare ? truth(contains(c.any_of, SignatureVerdict::none)) : Truth::not_yet;
  }
  return truth(contains(c.any_of, m_question.opened->signature));
}

Truth View::test(const KeyCondition& c) const {
  Truth any = Truth::no;
  for (const certs::Method method : c.any_of) any = either(any, has_usable_key(m_question.recipient.keys, method));
  return any;
}

Truth View::test(const TimeCondition& c) const {
  const int minute = m_local.tm_hour * 60 + m_local.tm_min;
  if (c.weekdays != 0 && (c.weekdays >> m_local.tm_wday & 1U) == 0) return Truth::no;
  if (!c.dates.empty() &&
      std::none_of(c.dates.begin(), c.dates.end(), [&](const DateRange& r) { return r.first <= m_day && m_day <= r.last; }))
    return Truth::no;
  if (c.from && c.until && *c.from > *c.until) return truth(minute >= *c.from || minute < *c.until);
  return truth((!c.from || minute >= *c.from) && (!c.until || minute < *c.until));
}

Truth View::test(const NotCondition& c) const {
  Truth all = Truth::yes;
  for (const Condition& inner : c.all_of) all = both(all, truth_of(inner));
  return negation(all);
}

Stop View::stop_of(const Rule& rule) const {
  const bool set_aside = rule.stop == Stop::quarantine || (rule.stop == Stop::refuse && !is_from_us());
  return m_question.released && set_aside ? Stop::none : rule.stop;
}

Truth View::truth_of(const Condition& condition) const {
  return std::visit([this](const auto& c) { return test(c); }, condition.test);
}

Truth View::truth_of(const Rule& rule, const Condition** decided_by) const {
  Truth all = Truth::yes;
  *decided_by = nullptr;
  for (const Condition& condition : rule.when) {
    const Truth before = all;
    all = both(all, truth_of(condition));
    if (all != before) *decided_by = &condition;
    if (all == Truth::no) return all;
  }
  return all;
}

void View::collect_keywords(const Rule& rule, std::vector<std::string>& into) const {
  if (m_question.message == nullptr || !is_from_us()) return;
  for (const Condition& condition : rule.when) {
    const auto* text = std::get_if<TextCondition>(&condition.test);
    if (text == nullptr || text->field != TextField::keyword) continue;
    for (const std::string& keyword : m_question.message->keywords)
      if (text->any_of.matches(base::to_lower(keyword)) && !contains(into, keyword)) into.push_back(keyword);
  }
}

bool View::has_keyword_for(const Rule& rule) const {
  std::vector<std::string> found;
  collect_keywords(rule, found);
  return !found.empty();
}

}  // namespace policies
