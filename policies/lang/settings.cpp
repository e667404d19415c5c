#include <algorithm>
#include <array>

#include "mail/address/address.hpp"
#include "policies/lang/rule_parser.hpp"
#include "policies/lang/schema.hpp"

namespace policies {
namespace {

constexpr std::array<std::string_view, 4> k_sign{"none", "smime", "openpgp", "keep"};
constexpr std::array<std::string_view, 2> k_methods{"smime", "openpgp"};
constexpr std::array<std::string_view, 4> k_otherwise{"refuse", "hold", "clear", "demail"};
constexpr std::array<std::string_view, 2> k_carriers{"smtp", "demail"};
constexpr std::array k_demail{DeMailOption::dispatch, DeMailOption::receipt, DeMailOption::retrieve, DeMailOption::authoritative,
                              DeMailOption::personal};
constexpr std::array<std::string_view, 4> k_transports{"any", "tls", "verified", "dane"};
// Without these a message is not the same message, or no message at all.
constexpr std::array<std::string_view, 10> k_not_stripped{"from",    "sender",     "to",           "cc",       "date",
                                                          "subject", "message-id", "mime-version", "received", "dkim-signature"};

bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 76 &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > 32 && c < 127 && c != ':'; });
}

class SettingsParser {
 public:
  SettingsParser(TableReader& reader, const ParseContext& context, Rule& rule) : m_r(reader), m_context(context), m_rule(rule) {}

  void all() {
    Settings& s = m_rule.then;
    if (const auto i = m_r.word("sign", k_sign)) s.sign = static_cast<SignMethod>(*i);
    encrypt();
    if (const auto i = m_r.word("otherwise", k_otherwise)) s.otherwise = static_cast<Otherwise>(*i);
    if (const auto i = m_r.word("carrier", k_carriers)) s.carrier = static_cast<Carrier>(*i);
    demail();
    route();
    if (const auto i = m_r.word("transport", k_transports)) s.transport = static_cast<Transport>(*i);
    mark();
    strip();
    receipts();
    identity();
    stop();
  }

 private:
  void encrypt() {
    if (!m_r.has("encrypt")) return;
    std::vector<certs::Method> methods;
    for (const Node* node : m_r.strings("encrypt", true).value_or(std::vector<const Node*>{})) {
      const auto found = std::find(k_methods.begin(), k_methods.end(), node->text);
      const auto method = static_cast<certs::Method>(found - k_methods.begin());
      if (found == k_methods.end())
        m_r.error_at(node->at, m_r.where() + ".encrypt = " + unknown_word("value", node->text, k_methods));
      else if (std::find(methods.begin(), methods.end(), method) != methods.end())
        m_r.error_at(node->at, m_r.where() + ".encrypt names \"" + node->text + "\" twice");
      else
        methods.push_back(method);
    }
    m_rule.then.encrypt = std::move(methods);
  }

  void demail() {
    const Node* table = m_r.table("demail");
    if (table == nullptr) return;
    TableReader r(*table, m_r.file(), m_r.where() + ".demail", schema::demail(), m_context.faults);
    if (table->entries.empty()) m_r.error("demail", "is empty");
    for (const DeMailOption option : k_demail)
      m_rule.then.demail.at(static_cast<std::size_t>(option)) = r.boolean(name_of(option));
    const Settings& s = m_rule.then;
    const auto is_set = [&](DeMailOption option) { return s.demail.at(static_cast<std::size_t>(option)); };
    if (is_set(DeMailOption::dispatch) == false)
      r.error("dispatch", "cannot be false: after a crash its confirmation is the only sign that the De-Mail was taken");
    if (is_set(DeMailOption::retrieve) == true && is_set(DeMailOption::personal) == false)
      r.error("personal", "cannot be false beside retrieve: who retrieves must have logged in with certainty");
    if (s.carrier == Carrier::smtp) m_r.error("demail", "stands beside carrier = \"smtp\": such mail is no De-Mail");
  }

  void route() {
    const auto name = m_r.string("route");
    if (!name) return;
    m_rule.then.route = *name;
    if (!m_context.options.routes || m_context.options.routes->count(*name) != 0) return;
    const std::vector<std::string_view> known(m_context.options.routes->begin(), m_context.options.routes->end());
    m_r.error("route", "= " + unknown_word("route", *name, known));
  }

  void mark() {
    const Node* table = m_r.table("mark");
    if (table == nullptr) return;
    TableReader r(*table, m_r.file(), m_r.where() + ".mark", schema::mark(), m_context.faults);
    if (table->entries.empty()) m_r.error("mark", "is empty");
    Mark mark;
    mark.subject_prefix = r.string("subject").value_or("");
    if (mark.subject_prefix.size() > 60) r.error("subject", "is longer than 60 bytes");
    const Node* header = r.table("header");
    if (header != nullptr)
      for (const Entry& e : header->entries) {
        // every other name is the sender's, ours, or means something to a program
        if (!base::starts_with_ignoring_case(e.key, "X-") || !is_field_name(e.key))
          r.error_at(e.at, r.where() + ".header: \"" + e.key + "\" is no name that begins with X-");
        else if (e.value.kind != NodeKind::string || !base::is_ascii(e.value.text) ||
                 e.value.text.find_first_of("\r\n") != std::string::npos || e.value.text.find('\0') != std::string::npos)
          r.error_at(e.value.at, r.where() + ".header." + e.key + " must be a string of one line in ASCII");
        else
          mark.headers.emplace_back(e.key, e.value.text);
      }
    m_rule.then.mark = std::move(mark);
  }

  void strip() {
    if (!m_r.has("strip")) return;
    std::vector<std::string> names;
    for (const Node* node : m_r.strings("strip").value_or(std::vector<const Node*>{})) {
      const std::string folded = base::to_lower(node->text);
      const bool needed = std::find(k_not_stripped.begin(), k_not_stripped.end(), folded) != k_not_stripped.end() ||
                          folded.rfind("content-", 0) == 0;
      if (!is_field_name(node->text))
        m_r.error_at(node->at, m_r.where() + ".strip: \"" + node->text + "\" is no field name");
      else if (needed)
        m_r.error_at(node->at, m_r.where() + ".strip: " + node->text + " must stay in a message");
      else
        names.push_back(node->text);
    }
    m_rule.then.strip = std::move(names);
  }

  void receipts() {
    const auto name = m_r.string("receipts");
    if (!name) return;
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    if (name->size() > 40 || !std::all_of(name->begin(), name->end(), good))
      m_r.error("receipts", "must be lower-case letters, digits and \"-\"");
    m_rule.then.receipts = *name;
  }

  void identity() {
    const auto text = m_r.string("identity");
    if (!text) return;
    const auto address = mail::Address::parse(*text);
    if (!address) return m_r.error("identity", "is no address");
    const auto& own = m_context.options.own_domains;
    if (own && own->count(address->domain()) == 0) m_r.error("identity", "lies in no domain of ours");
    m_rule.then.identity = address->folded();
  }

  void stop() {
    const bool quarantine = m_r.boolean("quarantine").value_or(false);
    if (m_r.boolean("final").value_or(false)) m_rule.stop = Stop::final_rule;
    if (quarantine) m_rule.stop = Stop::quarantine;
    const Node* table = m_r.table("refuse");
    if (table == nullptr) return;
    if (quarantine) m_r.error("refuse", "stands beside quarantine: a rule does one of them");
    TableReader r(*table, m_r.file(), m_r.where() + ".refuse", schema::refuse(), m_context.faults);
    m_rule.stop = Stop::refuse;
    for (const auto& [key, into] : {std::pair{"de", &m_rule.refuse_de}, {"en", &m_rule.refuse_en}}) {
      if (r.required(key)) *into = r.string(key).value_or("");
      if (into->size() > 400) r.error(key, "is longer than 400 bytes");
    }
  }

  TableReader& m_r;
  const ParseContext& m_context;
  Rule& m_rule;
};

}  // namespace

void parse_settings(const Node& table, std::string_view file, const std::string& where, const ParseContext& context, Rule& rule) {
  TableReader reader(table, file, where, schema::settings(), context.faults);
  if (table.entries.empty()) reader.error_at(table.at, where + " is empty: the rule would do nothing");
  SettingsParser(reader, context, rule).all();
}

}  // namespace policies
