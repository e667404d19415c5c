#include "policies/lang/cases.hpp"

#include <algorithm>
#include <array>

#include "mail/message/inspect.hpp"
#include "policies/lang/schema.hpp"
#include "policies/lang/table_reader.hpp"

namespace policies {
namespace {

constexpr std::array<std::string_view, 3> k_directions{"outbound", "inbound", "internal"};
constexpr std::array<std::string_view, 2> k_methods{"smime", "openpgp"};
constexpr std::array<std::string_view, 4> k_verdicts{"none", "valid", "other", "invalid"};
constexpr std::array<std::string_view, 4> k_outcomes{"deliver", "refuse", "hold", "later"};
constexpr std::array<std::string_view, 3> k_encrypt{"smime", "openpgp", "none"};
constexpr std::array<std::string_view, 4> k_sign{"none", "smime", "openpgp", "keep"};
constexpr std::array<std::string_view, 4> k_transports{"any", "tls", "verified", "dane"};
constexpr std::array<std::string_view, 11> k_reasons{"no_rule",
                                                     "no_key",
                                                     "refused_by_rule",
                                                     "held_by_rule",
                                                     "quarantined",
                                                     "lookup_unknown",
                                                     "no_signing_identity",
                                                     "demail_no_account",
                                                     "demail_not_reachable",
                                                     "demail_not_allowed",
                                                     "demail_ended"};
constexpr std::array<std::string_view, 2> k_carriers{"smtp", "demail"};
constexpr std::array<std::string_view, 2> k_moments{"rcpt", "data"};

certs::KeyFacts key_of(certs::Method method, const mail::Address& owner, bool is_known) {
  certs::KeyFacts facts;
  if (!is_known) return facts;
  facts.state = certs::Lookup::known;
  certs::KeyInfo key;
  key.method = method;
  // no real key has this fingerprint
  key.fingerprint.hex = std::string(method == certs::Method::smime ? 64 : 40, '0');
  key.addresses = {owner.folded()};
  key.subject = "case";
  key.can_encrypt = key.can_sign = true;
  facts.chosen = std::move(key);
  return facts;
}

class CaseParser {
 public:
  CaseParser(const Node& table, std::string_view file, const CaseOptions& options, Faults& faults)
      : m_reader(table, file, "case", schema::test_case(), faults), m_options(options), m_faults(faults) {}

  std::optional<Case> parse() {
    if (m_reader.required("name")) m_case.name = m_reader.string("name").value_or("");
    m_case.file = m_reader.file();
    m_case.at = m_reader.at();
    m_reader.required("expect");
    if (const Node* table = m_reader.table("expect")) expectation(*table);
    if (const Node* table = m_reader.table("opened")) opened(*table);
    if (!m_reader.required("message")) return std::nullopt;
    const Node* table = m_reader.table("message");
    if (table == nullptr || !message(*table)) return std::nullopt;
    recipient_keys();
    signers();
    demail();
    return std::move(m_case);
  }

 private:
  std::optional<mail::Address> address(TableReader& r, std::string_view key) {
    if (!r.required(key)) return std::nullopt;
    const auto text = r.string(key);
    if (!text) return std::nullopt;
    const auto parsed = mail::Address::parse(*text);
    if (!parsed) r.error(key, "is no address");
    if (!parsed) return std::nullopt;
    return *parsed;
  }

  bool message(const Node& table) {
    TableReader r(table, m_reader.file(), "case.message", schema::message(), m_faults);
    const auto from = address(r, "from"), to = address(r, "to");
    if (!from || !to) return false;
    Question& q = m_case.question;
    q.recipient.address = *to;
    q.reverse_path = *from;
    q.recipient.direction = direction(r, *from, *to);
    origin(r, *from);
    q.now = *base::parse_utc("2026-03-02T09:00:00.000Z");
    if (const auto time = r.string("time")) {
      const auto parsed = base::parse_utc(time->size() == 20 ? time->substr(0, 19) + ".000Z" : *time);
      if (parsed) q.now = *parsed;
      if (!parsed) r.error("time", "must be UTC: \"2026-03-02T09:00:00Z\"");
    }
    m_case.message = facts(r, *from, *to);
    const bool at_rcpt = r.word("at", k_moments) == std::size_t{0};
    q.message = at_rcpt ? nullptr : m_case.message.get();
    return true;
  }

  Direction direction(TableReader& r, const mail::Address& from, const mail::Address& to) {
    const auto given = r.word("direction", k_directions);
    if (given) return static_cast<Direction>(*given);
    if (!m_options.is_own_domain) return Direction::outbound;
    if (!m_options.is_own_domain(to.domain())) return Direction::outbound;
    return m_options.is_own_domain(from.domain()) ? Direction::internal : Direction::inbound;
  }

  void origin(TableReader& r, const mail::Address& from) {
    Origin& o = m_case.question.origin;
    const bool inbound = m_case.question.recipient.direction == Direction::inbound;
    o.role = inbound ? ListenerRole::mx : ListenerRole::submission;
    o.listener = r.string("listener").value_or("");
    const auto account = r.string("account"), certificate = r.string("certificate");
    if (account && certificate) r.error("certificate", "stands beside account: a client shows one of them");
    o.proof = account ? Proof::account : certificate ? Proof::certificate : inbound ? Proof::none : Proof::network;
    o.principal = account ? *account : certificate.value_or("");
    const auto department = r.string("department");
    if (department) o.department = *department;
    if (!department && !inbound && m_options.department_of) o.department = m_options.department_of(from);
  }

  // The header goes through the same scan as a real one; what hangs on bytes is set as the case says.
  std::shared_ptr<const mail::MessageFacts> facts(TableReader& r, const mail::Address& from, const mail::Address& to) {
    std::string header = "From: <" + from.text() + ">\r\nTo: <" + to.text() + ">\r\n";
    const auto subject = mail::encode_header_text(r.string("subject").value_or("Test"), 9);
    if (subject) header += "Subject: " + *subject + "\r\n";
    if (const Node* table = r.table("headers"))
      for (const Entry& entry : table->entries) {
        const std::string line = entry.key + ": " + entry.value.text + "\r\n";
        const bool one_line = entry.value.kind == NodeKind::string && entry.value.text.find_first_of("\r\n") == std::string::npos;
        if (one_line && mail::Header::parse(line))
          header += line;
        else
          r.error_at(entry.at, "case.message.headers: \"" + entry.key + "\" is no header field");
      }
    auto out = std::make_shared<mail::MessageFacts>(mail::inspect(header + "\r\nText\r\n"));
    out->size = r.size("size", {1}, {1ULL << 40}).value_or(base::kib(2));
    for (const Node* node : r.strings("attachments").value_or(std::vector<const Node*>{})) {
      mail::Part part;
      const bool is_type = node->text.find('/') != std::string::npos;
      part.type = is_type ? base::to_lower(node->text) : "application/octet-stream";
      if (!is_type) part.filename = node->text;
      out->parts.push_back(std::move(part));
    }
    if (r.boolean("signed").value_or(false)) out->wrapping = mail::Wrapping::smime_signed;
    if (r.boolean("encrypted").value_or(false)) out->wrapping = mail::Wrapping::smime_encrypted;
    return out;
  }

  std::vector<certs::Method> methods(const Node& list, std::string_view what) {
    std::vector<certs::Method> out;
    if (list.kind != NodeKind::list) m_reader.error_at(list.at, std::string(what) + " must be a list of methods");
    for (const Node& item : list.items) {
      const auto found = std::find(k_methods.begin(), k_methods.end(), item.text);
      if (item.kind != NodeKind::string || found == k_methods.end())
        m_reader.error_at(item.at, std::string(what) + " = " + unknown_word("value", item.text, k_methods));
      else
        out.push_back(static_cast<certs::Method>(found - k_methods.begin()));
    }
    return out;
  }

  void keys_from(std::string_view key, bool is_known) {
    const Node* table = m_reader.table(key);
    if (table == nullptr) return;
    RecipientFacts& recipient = m_case.question.recipient;
    bool found = false;
    for (const Entry& entry : table->entries) {
      const auto owner = mail::Address::parse(entry.key);
      if (!owner) m_reader.error_at(entry.at, "case." + std::string(key) + ": \"" + entry.key + "\" is no address");
      const auto list = methods(entry.value, "case." + std::string(key));
      if (!owner || owner->folded() != recipient.address.folded()) continue;
      found = true;
      for (const certs::Method m : list) recipient.keys[m] = key_of(m, recipient.address, is_known);
    }
    if (!found && !table->entries.empty()) m_reader.error(key, "names keys of others, not of the recipient");
  }

  void recipient_keys() {
    for (const auto m : {certs::Method::smime, certs::Method::openpgp})
      m_case.question.recipient.keys[m].state = certs::Lookup::absent;
    keys_from("keys", true);
    keys_from("unknown_keys", false);
  }

  void signers() {
    Question& q = m_case.question;
    const Node* given = m_reader.find("signers");
    for (const auto m : {certs::Method::smime, certs::Method::openpgp}) {
      if (given == nullptr) q.signer.keys[m] = key_of(m, *q.reverse_path, true);
      if (given != nullptr) q.signer.keys[m].state = certs::Lookup::absent;
    }
    if (given != nullptr)
      for (const auto m : methods(*given, "case.signers")) q.signer.keys[m] = key_of(m, *q.reverse_path, true);
    if (const Node* list = m_reader.find("unknown_signers"))
      for (const auto m : methods(*list, "case.unknown_signers")) q.signer.keys[m] = {};
  }

  // What the config says of sender and recipient, and what the case says otherwise.
  void demail() {
    DeMailFacts& facts = m_case.question.recipient.demail;
    const mail::Address& sender = *m_case.question.reverse_path;
    if (m_options.demail_of) facts = m_options.demail_of(sender, m_case.question.recipient.address, m_case.question.now);
    const Node* table = m_reader.table("demail");
    if (table == nullptr) return;
    TableReader r(*table, m_reader.file(), "case.demail", schema::case_demail(), m_faults);
    if (const auto account = r.string("account")) facts.account = *account == "none" ? "" : *account;
    if (const auto text = r.string("sender")) {
      const auto parsed = mail::Address::parse(*text);
      if (parsed) facts.sender = parsed->folded();
      if (!parsed) r.error("sender", "is no address");
    }
    if (facts.sender.empty()) facts.sender = sender.folded();
    if (facts.account.empty()) facts.sender.clear();
    facts.is_demail_address = r.boolean("address").value_or(facts.is_demail_address);
    facts.may_high = r.boolean("high").value_or(facts.may_high);
    facts.may_retrieve = r.boolean("retrieve").value_or(facts.may_retrieve);
    facts.has_ended = r.boolean("ended").value_or(facts.has_ended);
  }

  void opened(const Node& table) {
    TableReader r(table, m_reader.file(), "case.opened", schema::opened(), m_faults);
    OpenedFacts facts;
    facts.was_encrypted = r.boolean("encrypted").value_or(false);
    facts.opened = true;
    facts.signature = static_cast<SignatureVerdict>(r.word("signature", k_verdicts).value_or(0));
    m_case.opened = std::make_shared<const OpenedFacts>(facts);
    m_case.question.opened = m_case.opened.get();
  }

  void expectation(const Node& table) {
    TableReader r(table, m_reader.file(), "case.expect", schema::expect(), m_faults);
    Expectation& e = m_case.expect;
    const auto word = [&](std::string_view key, std::span<const std::string_view> known, std::string& into) {
      if (const auto i = r.word(key, known)) into = known[*i];
    };
    word("outcome", k_outcomes, e.outcome);
    word("reason", k_reasons, e.reason);
    word("encrypt", k_encrypt, e.encrypt);
    word("sign", k_sign, e.sign);
    word("transport", k_transports, e.transport);
    word("carrier", k_carriers, e.carrier);
    if (r.has("demail")) e.demail = options(r);
    e.demail_account = r.string("demail_account").value_or("");
    e.rule = r.string("rule").value_or("");
    e.route = r.string("route").value_or("");
    e.mark = r.string("mark").value_or("");
    e.clear = r.boolean("clear");
  }

  std::string options(TableReader& r) {
    static constexpr std::array<std::string_view, k_demail_options> k_words{"dispatch", "receipt", "retrieve", "authoritative",
                                                                            "personal"};
    demail::Options out;
    const std::array into{&out.dispatch, &out.receipt, &out.retrieve, &out.authoritative, &out.personal};
    for (const Node* node : r.strings("demail").value_or(std::vector<const Node*>{})) {
      const auto found = std::find(k_words.begin(), k_words.end(), node->text);
      if (found == k_words.end())
        r.error_at(node->at, "case.expect.demail = " + unknown_word("value", node->text, k_words));
      else
        *into.at(static_cast<std::size_t>(found - k_words.begin())) = true;
    }
    return demail::describe(out);
  }

  TableReader m_reader;
  const CaseOptions& m_options;
  Faults& m_faults;
  Case m_case;
};

void compare(std::string& out, const char* what, const std::string& expected, const std::string& got) {
  if (!expected.empty() && expected != got)
    out += std::string(what) + ": expected " + expected + ", got " + (got.empty() ? "none" : got) + "\n";
}

CaseResult run(const RuleSet& rules, const Case& c) {
  CaseResult result{c.name, c.file, c.at};
  // what the plan does not ask for, gather would not find
  Question question = c.question;
  const LookupPlan plan = ask(rules, question);
  std::erase_if(question.recipient.keys, [&](const auto& entry) { return plan.recipient_keys.count(entry.first) == 0; });
  std::erase_if(question.signer.keys, [&](const auto& entry) { return plan.signer_keys.count(entry.first) == 0; });
  if (!plan.identity.empty())
    for (auto& [method, facts] : question.signer.keys)
      if (facts.chosen) facts.chosen->addresses = {plan.identity};
  result.decision = decide(rules, question);
  const PolicyDecision& d = result.decision;
  const Expectation& e = c.expect;
  compare(result.difference, "outcome", e.outcome, name_of(d.outcome));
  compare(result.difference, "reason", e.reason, name_of(d.reason));
  compare(result.difference, "rule", e.rule, d.rule);
  compare(result.difference, "encrypt", e.encrypt, d.encrypt ? certs::name_of(*d.encrypt) : "none");
  compare(result.difference, "sign", e.sign, name_of(d.sign));
  const bool leaves = d.outcome == Outcome::deliver && question.recipient.direction == Direction::outbound;
  compare(result.difference, "carrier", e.carrier, d.demail ? "demail" : leaves ? "smtp" : "");
  compare(result.difference, "demail", e.demail, d.demail ? demail::describe(d.demail->options) : "");
  compare(result.difference, "demail_account", e.demail_account, d.demail ? d.demail->account : "");
  compare(result.difference, "route", e.route, d.route);
  compare(result.difference, "transport", e.transport, d.transport ? name_of(*d.transport) : "");
  compare(result.difference, "mark", e.mark, d.mark.subject_prefix);
  if (e.clear) compare(result.difference, "clear", *e.clear ? "true" : "false", d.plaintext ? "true" : "false");
  result.passed = result.difference.empty();
  return result;
}

}  // namespace

LoadedCases load_cases(std::vector<PolicyText> files, const CaseOptions& options) {
  LoadedCases loaded;
  Faults faults;
  std::sort(files.begin(), files.end(), [](const PolicyText& a, const PolicyText& b) { return a.name < b.name; });
  for (const PolicyText& file : files) {
    const auto root = parse_document(file.name, file.text, faults);
    if (!root) continue;
    TableReader top(*root, file.name, "file", schema::case_file(), faults);
    for (const Node* table : top.tables("case"))
      if (auto c = CaseParser(*table, file.name, options, faults).parse()) loaded.cases.push_back(std::move(*c));
  }
  loaded.faults = faults.take();
  return loaded;
}

std::vector<CaseResult> run_cases(const RuleSet& rules, const std::vector<Case>& cases) {
  std::vector<CaseResult> results;
  results.reserve(cases.size());
  for (const Case& c : cases) results.push_back(run(rules, c));
  return results;
}

std::string format_report(const std::vector<CaseResult>& results) {
  std::string out;
  std::size_t failed = 0;
  for (const CaseResult& r : results) {
    if (r.passed) continue;
    ++failed;
    out += r.file + ":" + std::to_string(r.at.line) + ":" + std::to_string(r.at.column) + ": case \"" + r.name + "\" failed\n";
    std::string_view rest = r.difference;
    while (!rest.empty()) {
      const auto end = rest.find('\n');
      out.append("    ").append(rest.substr(0, end)).append("\n");
      rest.remove_prefix(end + 1);
    }
    out += "    decided by rule \"" + r.decision.rule + "\"\n";
  }
  out += std::to_string(results.size()) + " cases, " + std::to_string(failed) + " failed\n";
  return out;
}

}  // namespace policies
