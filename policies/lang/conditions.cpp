#include <algorithm>
#include <array>

#include "mail/address/address.hpp"
#include "policies/lang/rule_parser.hpp"
#include "policies/lang/schema.hpp"

namespace policies {
namespace {

constexpr std::array<std::string_view, 3> k_directions{"outbound", "inbound", "internal"};
constexpr std::array<std::string_view, 4> k_verdicts{"none", "valid", "other", "invalid"};
constexpr std::array<std::string_view, 2> k_methods{"smime", "openpgp"};
constexpr std::array<std::string_view, 7> k_weekdays{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

bool is_glob(std::string_view text) { return text.find_first_of("*?") != std::string_view::npos || text.substr(0, 3) == "re:"; }

bool holds_domain(TextField field) {
  return field == TextField::sender || field == TextField::sender_domain || field == TextField::recipient ||
         field == TextField::recipient_domain || field == TextField::group;
}

class ConditionParser {
 public:
  ConditionParser(TableReader& reader, const ParseContext& context) : m_r(reader), m_context(context) {}

  std::vector<Condition> take() { return std::move(m_out); }

  void all() {
    words<DirectionCondition, Direction>("direction", k_directions);
    text("department", TextField::department);
    text("sender", TextField::sender);
    text("sender_domain", TextField::sender_domain);
    text("recipient", TextField::recipient);
    text("recipient_domain", TextField::recipient_domain);
    text("group", TextField::group);
    text("keyword", TextField::keyword);
    classification();
    header();
    client();
    size();
    attachment();
    wrap("signed", Wrap::is_signed);
    wrap("encrypted", Wrap::is_encrypted);
    words<SignatureCondition, SignatureVerdict>("signature", k_verdicts);
    words<KeyCondition, certs::Method>("has_key", k_methods);
    time();
    negation();
  }

 private:
  template <class T>
  void add(std::string_view key, T condition) {
    m_out.push_back({std::move(condition), std::string(key) + " = " + format_node(*m_r.find(key))});
  }

  // Enumerators in the order of their words.
  template <class C, class E>
  void words(std::string_view key, std::span<const std::string_view> known) {
    const auto nodes = m_r.strings(key);
    if (!nodes) return;
    C condition;
    for (const Node* node : *nodes) {
      const auto found = std::find(known.begin(), known.end(), node->text);
      if (found == known.end())
        m_r.error_at(node->at, m_r.where() + "." + std::string(key) + " = " + unknown_word("value", node->text, known));
      else
        condition.any_of.push_back(static_cast<E>(found - known.begin()));
    }
    add(key, std::move(condition));
  }

  void add_pattern(TableReader& r, std::string_view key, const Node& node, TextField field, std::string pattern,
                   PatternSet& into) {
    const bool is_address = field == TextField::sender || field == TextField::recipient;
    if (is_address && !is_glob(pattern) && pattern.find('@') == std::string::npos)
      return r.error_at(node.at, r.where() + "." + std::string(key) + ": \"" + pattern + "\" is no address; there is " +
                                     std::string(key) + "_domain");
    if (holds_domain(field) && pattern.substr(0, 3) != "re:") {
      auto normal = normal_domain_pattern(pattern);
      if (!normal)
        return r.error_at(node.at, r.where() + "." + std::string(key) + ": \"" + pattern +
                                       "\" can match no address; globs are written with A-labels (xn--…)");
      pattern = std::move(*normal);
    }
    if (auto ok = into.add(pattern); !ok)
      r.error_at(node.at, r.where() + "." + std::string(key) + ": bad pattern: " + ok.error().detail);
  }

  void expand_group(TableReader& r, std::string_view key, const Node& node, TextField field, PatternSet& into) {
    const std::string name = node.text.substr(1);
    const auto found = m_context.groups.find(name);
    if (found == m_context.groups.end()) {
      std::vector<std::string_view> known;
      for (const auto& [k, v] : m_context.groups) known.push_back(k);
      return r.error_at(node.at, r.where() + "." + std::string(key) + ": " + unknown_word("group", name, known));
    }
    for (const std::string& member : found->second.members) add_pattern(r, key, node, field, member, into);
  }

  PatternSet patterns(TableReader& r, std::string_view key, TextField field, bool* or_demail = nullptr) {
    PatternSet set;
    const auto nodes = r.strings(key);
    if (!nodes) return set;
    for (const Node* node : *nodes) {
      if (node->text == k_demail_addresses && or_demail != nullptr)
        *or_demail = true;
      else if (node->text == k_demail_addresses)
        r.error_at(node->at, r.where() + "." + std::string(key) +
                                 ": there is recipient_domain = \"@demail\", and nothing else of that name");
      else if (node->text.front() == '@')
        expand_group(r, key, *node, field, set);
      else if (field == TextField::group)
        r.error_at(node->at, r.where() + ".group must name a group: \"@" + node->text + "\"");
      else
        add_pattern(r, key, *node, field, node->text, set);
      if (field == TextField::department) check_department(*node);
    }
    return set;
  }

  void check_department(const Node& node) {
    if (!m_context.options.departments || is_glob(node.text) || node.text.front() == '@') return;
    if (m_context.options.departments->count(node.text) != 0) return;
    const std::vector<std::string_view> known(m_context.options.departments->begin(), m_context.options.departments->end());
    m_r.error_at(node.at, m_r.where() + ": " + unknown_word("department", node.text, known));
  }

  void text(std::string_view key, TextField field) {
    if (!m_r.has(key)) return;
    TextCondition condition{field, {}};
    condition.any_of = patterns(m_r, key, field, field == TextField::recipient_domain ? &condition.or_demail : nullptr);
    add(key, std::move(condition));
  }

  void classification() {
    if (!m_r.has("classification")) return;
    PatternSet set = patterns(m_r, "classification", TextField::classification);
    if (!set.empty() && !set.matches("confidential")) m_r.error("classification", "= unknown value (known: confidential)");
    add("classification", TextCondition{TextField::classification, std::move(set)});
  }

  TableReader nested(const Node& table, std::string_view key, std::span<const KeySpec> specs) {
    if (table.entries.empty()) m_r.error(key, "is empty");
    return TableReader(table, m_r.file(), m_r.where() + "." + std::string(key), specs, m_context.faults);
  }

  void header() {
    const Node* table = m_r.table("header");
    if (table == nullptr) return;
    TableReader r = nested(*table, "header", schema::header());
    HeaderCondition condition;
    if (r.required("name")) condition.name = r.string("name").value_or("");
    if (r.has("value")) condition.value = patterns(r, "value", TextField::keyword);
    add("header", std::move(condition));
  }

  void client() {
    const Node* table = m_r.table("client");
    if (table == nullptr) return;
    TableReader r = nested(*table, "client", schema::client());
    for (const auto& [key, field] :
         {std::pair{"listener", TextField::listener}, {"account", TextField::account}, {"certificate", TextField::certificate}})
      if (r.has(key))
        m_out.push_back(
            {TextCondition{field, patterns(r, key, field)}, "client." + std::string(key) + " = " + format_node(*r.find(key))});
  }

  void size() {
    const Node* table = m_r.table("size");
    if (table == nullptr) return;
    TableReader r = nested(*table, "size", schema::size());
    const base::ByteCount least{1}, most{1ULL << 40};
    SizeCondition condition{r.size("at_least", least, most), r.size("at_most", least, most)};
    if (condition.at_least && condition.at_most && *condition.at_least > *condition.at_most)
      m_r.error("size", "can never hold: at_least is above at_most");
    add("size", condition);
  }

  void attachment() {
    const Node* table = m_r.table("attachment");
    if (table == nullptr) return;
    TableReader r = nested(*table, "attachment", schema::attachment());
    add("attachment", AttachmentCondition{patterns(r, "type", TextField::keyword), patterns(r, "extension", TextField::keyword),
                                          patterns(r, "name", TextField::keyword)});
  }

  void wrap(std::string_view key, Wrap wrap) {
    if (const auto wanted = m_r.boolean(key)) add(key, WrapCondition{wrap, *wanted});
  }

  std::optional<int> minute(TableReader& r, std::string_view key, int most) {
    const auto text = r.string(key);
    if (!text) return std::nullopt;
    const auto digit = [&](std::size_t i) { return (*text)[i] >= '0' && (*text)[i] <= '9'; };
    if (text->size() == 5 && (*text)[2] == ':' && digit(0) && digit(1) && digit(3) && digit(4)) {
      const int hour = ((*text)[0] - '0') * 10 + (*text)[1] - '0', minutes = ((*text)[3] - '0') * 10 + (*text)[4] - '0';
      if (minutes < 60 && hour * 60 + minutes <= most) return hour * 60 + minutes;
    }
    r.error(key, "must be a time of day such as \"08:30\"");
    return std::nullopt;
  }

  static std::optional<int> day(std::string_view text) {
    const auto t = base::parse_utc(std::string(text) + "T00:00:00.000Z");
    if (!t) return std::nullopt;
    return static_cast<int>(std::chrono::floor<std::chrono::days>(*t).time_since_epoch().count());
  }

  void time() {
    const Node* table = m_r.table("time");
    if (table == nullptr) return;
    TableReader r = nested(*table, "time", schema::time());
    TimeCondition condition;
    condition.from = minute(r, "from", 24 * 60 - 1);
    condition.until = minute(r, "until", 24 * 60);
    if (condition.from && condition.from == condition.until) m_r.error("time", "can never hold: from and until are the same");
    for (const Node* node : r.strings("weekday").value_or(std::vector<const Node*>{})) {
      const auto found = std::find(k_weekdays.begin(), k_weekdays.end(), node->text);
      if (found == k_weekdays.end())
        r.error_at(node->at, r.where() + ".weekday = " + unknown_word("value", node->text, k_weekdays));
      else
        condition.weekdays |= 1U << (found - k_weekdays.begin());
    }
    for (const Node* node : r.strings("dates").value_or(std::vector<const Node*>{})) {
      const auto dots = node->text.find("..");
      const auto first = day(node->text.substr(0, dots));
      const auto last = dots == std::string::npos ? first : day(node->text.substr(dots + 2));
      if (!first || !last || *first > *last)
        r.error_at(node->at, r.where() + ".dates must be \"2026-12-24\" or \"2026-12-24..2026-12-26\"");
      else
        condition.dates.push_back({*first, *last});
    }
    add("time", std::move(condition));
  }

  void negation() {
    const Node* table = m_r.table("not");
    if (table == nullptr) return;
    if (table->entries.empty()) m_r.error("not", "is empty: it could never hold");
    add("not", NotCondition{parse_conditions(*table, m_r.file(), m_r.where() + ".not", m_context)});
  }

  TableReader& m_r;
  const ParseContext& m_context;
  std::vector<Condition> m_out;
};

}  // namespace

std::optional<std::string> normal_domain_pattern(const std::string& text) {
  const auto at = text.rfind('@');
  const std::string domain = at == std::string::npos ? text : text.substr(at + 1);
  const std::string local = at == std::string::npos ? "" : text.substr(0, at + 1);
  if (domain.find_first_of("*?") != std::string::npos) {
    if (!base::is_ascii(domain)) return std::nullopt;
    return text;
  }
  auto normal = mail::parse_domain(domain);
  if (!normal) return std::nullopt;
  return local + *normal;
}

std::vector<Condition> parse_conditions(const Node& table, std::string_view file, const std::string& where,
                                        const ParseContext& context) {
  TableReader reader(table, file, where, schema::conditions(), context.faults);
  ConditionParser parser(reader, context);
  parser.all();
  return parser.take();
}

}  // namespace policies
