#include "policies/lang/prove.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace policies {
namespace {

constexpr std::size_t k_chunk = 500;          // cases of one text
constexpr std::size_t k_most_examples = 50;   // of one condition: a group of thousands is one class

// One thing that messages differ in, and its values as pieces of a case: what goes into `message`, into its headers, and
// behind it.
struct Value {
  std::string message, header, keys, subject, rest;  // rest: lines of their own
};
using Dimension = std::vector<Value>;

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
  return out + "\"";
}

// What of the rules' conditions can be told apart.
class Values {
 public:
  Values(const RuleSet& rules, const ProveOptions& options) : m_options(options) {
    for (const std::string& sender : options.senders) senders.insert(sender);
    recipients = {"jemand@anderswo.invalid"};
    for (const Rule& rule : rules.rules())
      for (const Condition& condition : rule.when) take(condition);
  }

  std::vector<Dimension> dimensions() const {
    std::vector<Dimension> out(2);
    for (const std::string& s : senders) out[0].push_back({"from = " + quoted(s)});
    for (const std::string& r : recipients)
      if (!m_options.cases.is_own_domain || !m_options.cases.is_own_domain(r.substr(r.rfind('@') + 1))) out[1].push_back({"to = " + quoted(r)});
    if (m_has_demail) out[1].push_back({"to = \"jemand@de-mail.invalid\"", "", "", "", "demail = { address = true, account = \"x\", high = true, retrieve = true, ended = false }\n"});
    // words in the subject, and the fields of the header, may stand together; one of the others excludes its like
    for (const std::string& word : keywords) out.push_back({{}, {"", "", "", "[" + word + "]"}});
    for (const auto& [name, value] : headers) out.push_back({{}, {"", name + " = " + quoted(value), "", ""}});
    for (const auto& [key, values] : others) {
      Dimension one{{}};
      for (const std::string& value : values) one.push_back({key + " = " + value, "", "", ""});
      out.push_back(std::move(one));
    }
    if (!keys.empty()) {
      Dimension one{{}};
      for (const std::string& method : keys) one.push_back({"", "", method, ""});
      out.push_back(std::move(one));
    }
    return out;
  }

  std::vector<std::string> gaps;

 private:
  bool m_has_demail = false;

  void take(const Condition& condition) {
    std::visit([&](const auto& test) { read(test, condition.text); }, condition.test);
  }
  std::vector<std::string> examples(const PatternSet& set, const std::string& text) {
    if (set.has_regex()) gaps.push_back("a regular expression: " + text);
    return set.examples(k_most_examples);
  }

  void read(const TextCondition& c, const std::string& text) {
    m_has_demail = m_has_demail || c.or_demail;
    for (const std::string& e : examples(c.any_of, text)) {
      const bool has_at = e.find('@') != std::string::npos;
      switch (c.field) {
        case TextField::sender:
          if (has_at) senders.insert(e);
          break;
        case TextField::sender_domain: senders.insert("x@" + e); break;
        case TextField::recipient:
        case TextField::recipient_domain:
        case TextField::group: recipients.insert(has_at ? e : "x@" + e); break;
        case TextField::keyword: keywords.insert(e); break;
        case TextField::classification: headers["Sensitivity"] = "Company-Confidential"; break;
        case TextField::listener: others["listener"].insert(quoted(e)); break;
        case TextField::account: others["account"].insert(quoted(e)); break;
        case TextField::certificate: others["certificate"].insert(quoted(e)); break;
        case TextField::department: break;  // follows from the sender
      }
    }
    if (c.field == TextField::listener)
      for (const std::string& listener : m_options.listeners) others["listener"].insert(quoted(listener));
  }
  void read(const HeaderCondition& c, const std::string& text) {
    const auto values = examples(c.value, text);
    if (values.size() > 1) gaps.push_back("one of several values: " + text);
    headers[c.name] = values.empty() ? "x" : values.front();
  }
  void read(const SizeCondition& c, const std::string&) {
    for (const auto& bound : {c.at_least, c.at_most})
      if (bound)
        for (const std::uint64_t size : {bound->value - 1, bound->value, bound->value + 1})
          if (size > 0) others["size"].insert(quoted(std::to_string(size) + "B"));
  }
  void read(const AttachmentCondition& c, const std::string& text) {
    for (const std::string& e : examples(c.type, text)) others["attachments"].insert(quoted(e));
    for (const std::string& e : examples(c.extension, text)) others["attachments"].insert(quoted("x." + e));
    for (const std::string& e : examples(c.name, text)) others["attachments"].insert(quoted(e));
  }
  void read(const WrapCondition& c, const std::string&) {
    if (c.wrap == Wrap::is_signed) others["signed"].insert("true");
    // what is encrypted already leaves protected
  }
  void read(const KeyCondition& c, const std::string&) {
    for (const certs::Method method : c.any_of) keys.insert(certs::name_of(method));
  }
  void read(const TimeCondition& c, const std::string& text) {
    // a week from a Monday on, at each hour: finer borders and single days are not made up
    for (int day = 2; day <= 8; ++day)
      for (const char* hour : {"02", "08", "12", "20"}) others["time"].insert("\"2026-03-0" + std::to_string(day) + "T" + hour + ":30:00Z\"");
    if (!c.dates.empty() || c.from || c.until) gaps.push_back("some moments only: " + text);
  }
  void read(const NotCondition& c, const std::string&) {
    for (const Condition& inner : c.all_of) take(inner);
  }
  void read(const DirectionCondition&, const std::string&) {}
  void read(const SignatureCondition&, const std::string&) {}

  const ProveOptions& m_options;
  std::set<std::string> senders, recipients, keywords, keys;
  std::map<std::string, std::string> headers;
  std::map<std::string, std::set<std::string>> others;
};

std::string case_text(const std::vector<Dimension>& dimensions, const std::vector<std::size_t>& at, const std::string& name) {
  std::string message, header, subject, key, to, rest;
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Value& v = dimensions[i][at[i]];
    if (!v.message.empty()) message += (message.empty() ? "" : ", ") + v.message;
    if (!v.header.empty()) header += (header.empty() ? "" : ", ") + v.header;
    if (!v.keys.empty()) key = v.keys;
    if (v.message.starts_with("to = ")) to = v.message.substr(5);
    subject += v.subject;
    rest += v.rest;
  }
  if (!subject.empty()) message += ", subject = " + quoted(subject + " Test");
  if (!header.empty()) message += ", headers = { " + header + " }";
  std::string out = "[[case]]\nname = " + quoted(name) + "\nmessage = { " + message + " }\n";
  if (!key.empty()) out += "keys = { " + to + " = [\"" + key + "\"] }\n";
  return out + rest + "expect = { clear = false }\n";
}

bool may_be_outbound(const Rule& rule) {
  return std::all_of(rule.when.begin(), rule.when.end(), [](const Condition& c) {
    const auto* d = std::get_if<DirectionCondition>(&c.test);
    return d == nullptr || std::find(d->any_of.begin(), d->any_of.end(), Direction::outbound) != d->any_of.end();
  });
}

class Search {
 public:
  Search(const RuleSet& rules, const ProveOptions& options) : m_rules(rules), m_options(options), m_met(rules.rules().size()) {
    // the same rules without their ends: what would match, were it reached
    std::vector<Rule> open = rules.rules();
    for (Rule& rule : open) rule.stop = Stop::none;
    m_open = RuleSet(std::move(open));
  }

  void add(std::string text) {
    m_texts.push_back(std::move(text));
    if (m_texts.size() >= k_chunk) flush();
  }

  void flush() {
    std::string all;
    for (const std::string& text : m_texts) all += text;
    const auto loaded = load_cases({{"search", std::move(all)}}, m_options.cases);
    if (loaded.cases.size() != m_texts.size()) m_broken = true;
    for (const Case& c : loaded.cases) look(c, m_texts[std::stoul(c.name)]);
    m_proof.tried += loaded.cases.size();
    m_texts.clear();
  }
  std::size_t pending() const { return m_texts.size(); }

  ClearTextSearch take() {
    if (m_broken) m_proof.gaps.emplace_back("a value that no case can hold");
    for (std::size_t i = 0; i < m_met.size(); ++i)
      if (!m_met[i] && may_be_outbound(m_rules.rules()[i])) m_proof.unmatched.push_back(m_rules.rules()[i].name);
    return std::move(m_proof);
  }

 private:
  void look(const Case& c, const std::string& text) {
    const PolicyDecision all = run_cases(m_open, {c}).front().decision;
    std::vector<std::size_t> demanding;
    for (std::size_t i = 0; i < m_met.size() && i < all.trail.rules.size(); ++i) {
      if (all.trail.rules[i].matched != Truth::yes) continue;
      m_met[i] = true;
      const Settings& then = m_rules.rules()[i].then;
      const bool demands = (then.otherwise && *then.otherwise != Otherwise::clear) || then.carrier == Carrier::demail;
      if (demands) demanding.push_back(i);
    }
    if (demanding.empty()) return;
    const PolicyDecision d = run_cases(m_rules, {c}).front().decision;
    if (!d.plaintext) return;
    for (const std::size_t i : demanding) {
      const std::string& name = m_rules.rules()[i].name;
      if (!m_seen.insert(name + "\n" + d.rule).second) continue;
      std::string shown = text;
      shown.replace(shown.find("name = "), shown.find("\nmessage") - shown.find("name = "), "name = " + quoted(name + ": Klartext durch " + d.rule));
      m_proof.counterexamples.push_back({name, d.rule, std::move(shown)});
    }
  }

  const RuleSet& m_rules;
  const ProveOptions& m_options;
  RuleSet m_open;
  std::vector<bool> m_met;
  std::set<std::string> m_seen;
  std::vector<std::string> m_texts;
  ClearTextSearch m_proof;
  bool m_broken = false;
};

}  // namespace

ClearTextSearch prove(const RuleSet& rules, const ProveOptions& options) {
  Values values(rules, options);
  const auto dimensions = values.dimensions();
  std::size_t all = 1;
  for (const Dimension& d : dimensions) all = all > k_most_combinations ? all : all * d.size();
  Search search(rules, options);
  std::vector<std::size_t> at(dimensions.size(), 0);
  // beyond the limit at most three values differ from the first of their kind at once
  const std::size_t most_changed = all > k_most_combinations ? 3 : dimensions.size();
  std::size_t made = 0;
  const auto walk = [&](const auto& self, std::size_t i, std::size_t changed) -> void {
    if (made >= k_most_combinations) return;
    if (i == dimensions.size()) {
      search.add(case_text(dimensions, at, std::to_string(search.pending())));
      ++made;
      return;
    }
    for (std::size_t k = 0; k < dimensions[i].size(); ++k) {
      if (k > 0 && changed == most_changed) break;
      at[i] = k;
      self(self, i + 1, changed + (k > 0 ? 1 : 0));
    }
    at[i] = 0;
  };
  if (std::none_of(dimensions.begin(), dimensions.end(), [](const Dimension& d) { return d.empty(); })) walk(walk, 0, 0);
  search.flush();
  ClearTextSearch out = search.take();
  out.gaps.insert(out.gaps.end(), values.gaps.begin(), values.gaps.end());
  if (all > k_most_combinations) out.gaps.emplace_back("too many combinations: at most three values differ at once");
  out.complete = out.gaps.empty();
  return out;
}

}  // namespace policies
