// The stable text form of a decision, as it lies (sealed) in the store: a first line with the version, then one line a
// value, `name TAB field TAB field …`, with backslash escapes. One spelling for each decision: what does not encode to
// exactly what was read is refused, so no other program's idea of the form can slip in.
#include <charconv>
#include <deque>

#include "base/core/errors.hpp"
#include "policies/engine/decision.hpp"
#include "policies/engine/permit_maker.hpp"

namespace policies {
namespace {

constexpr std::string_view k_first_line = "amtsbote-decision 1\n";
constexpr std::size_t k_max_encoded = 4 << 20;
constexpr std::size_t k_max_fields = 64;

using Fields = std::vector<std::string>;

// ---- writing

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

class Writer {
 public:
  void line(std::string_view name, std::initializer_list<std::string_view> fields) {
    m_out += name;
    for (const auto& f : fields) {
      m_out += '\t';
      append_escaped(m_out, f);
    }
    m_out += '\n';
  }
  void text(std::string_view name, const std::string& value) {
    if (!value.empty()) line(name, {value});
  }
  void key(std::string_view name, const std::optional<certs::KeyInfo>& key) {
    if (!key) return;
    line(name, {certs::name_of(key->method), key->fingerprint.hex, key->subject, key->issuer, key->algorithm,
                std::to_string(key->not_before.time_since_epoch().count()),
                std::to_string(key->not_after.time_since_epoch().count()), flags(*key)});
    for (const auto& address : key->addresses) line("address", {address});
  }
  void findings(std::string_view name, const std::set<certs::Finding>& findings) {
    for (const auto f : findings) line(name, {std::to_string(static_cast<int>(f))});
  }
  std::string take() { return std::move(m_out); }

 private:
  static std::string flags(const certs::KeyInfo& k) {
    std::string out;
    for (const bool b : {k.has_private, k.reads_gcm, k.can_encrypt, k.can_sign}) out += b ? '1' : '0';
    return out;
  }
  std::string m_out{k_first_line};
};

void write_trail(Writer& w, const Trail& trail) {
  for (const auto& r : trail.rules)
    w.line("trace-rule", {r.rule, r.file, std::to_string(r.line), name_of(r.matched), r.decided_by});
  for (const auto& s : trail.settings) w.line("trace-setting", {s.setting, s.value, s.rule});
  for (const auto& m : trail.methods) {
    w.line("trace-method", {certs::name_of(m.method), name_of(m.possible), m.why});
    w.key("trace-key", m.key);
    w.findings("finding", m.findings);
    for (const auto& r : m.rejected) {
      w.line("rejected", {r.fingerprint.hex});
      w.findings("rejected-finding", r.findings);
    }
  }
}

// ---- reading

std::optional<Fields> split(std::string_view line) {
  Fields fields(1);
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\t') {
      if (fields.size() == k_max_fields) return std::nullopt;
      fields.emplace_back();
    } else if (line[i] == '\\') {
      if (++i == line.size()) return std::nullopt;
      const char c = line[i];
      if (c != '\\' && c != 't' && c != 'n') return std::nullopt;
      fields.back() += c == 't' ? '\t' : c == 'n' ? '\n' : '\\';
    } else {
      fields.back() += line[i];
    }
  }
  return fields;
}

template <class T>
bool read_name(const std::string& text, std::initializer_list<T> values, T& into) {
  for (const T v : values)
    if (text == name_of(v)) return into = v, true;
  return false;
}

template <class T>
bool read_number(const std::string& text, T& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc{} && end == text.data() + text.size();
}

bool read(const std::string& t, certs::Method& v) { return read_name(t, {certs::Method::smime, certs::Method::openpgp}, v); }
bool read(const std::string& t, Truth& v) { return read_name(t, {Truth::no, Truth::yes, Truth::unknown, Truth::not_yet}, v); }
bool read(const std::string& t, Outcome& v) {
  return read_name(t, {Outcome::deliver, Outcome::refuse, Outcome::hold, Outcome::later}, v);
}
bool read(const std::string& t, SignMethod& v) {
  return read_name(t, {SignMethod::none, SignMethod::smime, SignMethod::openpgp, SignMethod::keep}, v);
}
bool read(const std::string& t, Transport& v) {
  return read_name(t, {Transport::any, Transport::tls, Transport::verified, Transport::dane}, v);
}
bool read(const std::string& t, Reason& v) {
  return read_name(t,
                   {Reason::none, Reason::no_rule, Reason::no_key, Reason::refused_by_rule, Reason::held_by_rule,
                    Reason::quarantined, Reason::lookup_unknown, Reason::no_signing_identity, Reason::demail_no_account,
                    Reason::demail_not_reachable, Reason::demail_not_allowed, Reason::demail_ended},
                   v);
}

// In the order of their names in the header: "10010".
std::string flags_of(const demail::Options& o) {
  std::string out;
  for (const bool b : {o.dispatch, o.receipt, o.retrieve, o.authoritative, o.personal}) out += b ? '1' : '0';
  return out;
}

bool read_demail(const Fields& f, DeMailChoice& choice) {
  if (f.size() != 4 || f[3].size() != 5 || f[3].find_first_not_of("01") != std::string::npos) return false;
  choice.account = f[1];
  choice.sender = f[2];
  choice.options = {f[3][0] == '1', f[3][1] == '1', f[3][2] == '1', f[3][3] == '1', f[3][4] == '1'};
  return true;
}

bool read_key(const Fields& f, certs::KeyInfo& key) {
  long long before = 0, after = 0;
  if (f.size() != 9 || !read(f[1], key.method) || !read_number(f[6], before) || !read_number(f[7], after)) return false;
  if (f[8].size() != 4 || f[8].find_first_not_of("01") != std::string::npos) return false;
  key.fingerprint.hex = f[2];
  key.subject = f[3];
  key.issuer = f[4];
  key.algorithm = f[5];
  key.not_before = base::Timestamp{std::chrono::milliseconds{before}};
  key.not_after = base::Timestamp{std::chrono::milliseconds{after}};
  key.has_private = f[8][0] == '1';
  key.reads_gcm = f[8][1] == '1';
  key.can_encrypt = f[8][2] == '1';
  key.can_sign = f[8][3] == '1';
  return true;
}

bool read_finding(const std::string& text, std::set<certs::Finding>& into) {
  using certs::Finding;
  static constexpr Finding k_known[] = {Finding::rsa_below_3000,
                                        Finding::cbc_only,
                                        Finding::classical_key_agreement,
                                        Finding::key_unconfirmed,
                                        Finding::no_email_in_key,
                                        Finding::not_yet_valid,
                                        Finding::expired,
                                        Finding::revoked,
                                        Finding::no_chain,
                                        Finding::bad_signature,
                                        Finding::wrong_purpose,
                                        Finding::address_mismatch,
                                        Finding::weak_algorithm,
                                        Finding::weak_key,
                                        Finding::unsupported_key,
                                        Finding::no_encryption_subkey,
                                        Finding::ambiguous,
                                        Finding::malformed,
                                        Finding::revocation_unknown};
  int number = 0;
  if (!read_number(text, number)) return false;
  for (const Finding f : k_known)
    if (static_cast<int>(f) == number) return into.insert(f).second;
  return false;
}

class Reader {
 public:
  bool line(const Fields& f) { return f.size() > 1 && (decision_line(f) || trail_line(f)); }
  PolicyDecision take() {
    m_d.trail.texts = std::move(m_texts);
    return std::move(m_d);
  }

 private:
  bool one(const Fields& f, std::string_view name) const { return f[0] == name && f.size() == 2; }

  bool decision_line(const Fields& f) {
    if (f[0] == "outcome") return f.size() == 3 && read(f[1], m_d.outcome) && read(f[2], m_d.reason);
    if (one(f, "rule")) return m_d.rule = f[1], true;
    if (one(f, "text-de")) return m_d.text_de = f[1], true;
    if (one(f, "text-en")) return m_d.text_en = f[1], true;
    if (one(f, "encrypt")) return read(f[1], m_d.encrypt.emplace());
    if (f[0] == "key") return m_key = &m_d.key.emplace(), read_key(f, *m_key);
    if (one(f, "sign")) return read(f[1], m_d.sign);
    if (f[0] == "signer") return m_key = &m_d.signer.emplace(), read_key(f, *m_key);
    if (one(f, "address")) return m_key != nullptr && (m_key->addresses.push_back(f[1]), true);
    if (one(f, "protected-by-sender")) return m_d.protected_by_sender = true, f[1] == "1";
    if (one(f, "plaintext")) return m_d.plaintext = PermitMaker::make(f[1]), true;
    if (f[0] == "demail") return read_demail(f, m_d.demail.emplace());
    if (one(f, "route")) return m_d.route = f[1], true;
    if (one(f, "transport")) return read(f[1], m_d.transport.emplace());
    if (one(f, "keyword")) return m_d.keywords.push_back(f[1]), true;
    if (one(f, "mark-subject")) return m_d.mark.subject_prefix = f[1], true;
    if (f[0] == "mark-header") return f.size() == 3 && (m_d.mark.headers.emplace_back(f[1], f[2]), true);
    if (one(f, "strip")) return m_d.strip.push_back(f[1]), true;
    if (one(f, "identity")) return m_d.identity = f[1], true;
    if (one(f, "receipts")) return m_d.receipts_class = f[1], true;
    return false;
  }

  bool trail_line(const Fields& f) {
    Trail& t = m_d.trail;
    if (f[0] == "trace-rule") {
      RuleTrace r;
      if (f.size() != 6 || !read_number(f[3], r.line) || !read(f[4], r.matched)) return false;
      r.rule = keep(f[1]), r.file = keep(f[2]), r.decided_by = keep(f[5]);
      t.rules.push_back(std::move(r));
      return true;
    }
    if (f[0] == "trace-setting") return f.size() == 4 && (t.settings.push_back({f[1], f[2], f[3]}), true);
    if (f[0] == "trace-method") {
      MethodTrace m;
      if (f.size() != 4 || !read(f[1], m.method) || !read(f[2], m.possible)) return false;
      m.why = f[3];
      t.methods.push_back(std::move(m));
      m_key = nullptr;
      return true;
    }
    if (t.methods.empty()) return false;
    MethodTrace& m = t.methods.back();
    if (f[0] == "trace-key") return m_key = &m.key.emplace(), read_key(f, *m_key);
    if (one(f, "finding")) return read_finding(f[1], m.findings);
    if (one(f, "rejected")) return m.rejected.push_back({{f[1]}, {}}), true;
    if (one(f, "rejected-finding")) return !m.rejected.empty() && read_finding(f[1], m.rejected.back().findings);
    return false;
  }

  std::string_view keep(const std::string& text) { return m_texts->emplace_back(text); }

  PolicyDecision m_d;
  std::shared_ptr<std::deque<std::string>> m_texts = std::make_shared<std::deque<std::string>>();  // a deque never moves them
  certs::KeyInfo* m_key = nullptr;                                                                 // whose `address` lines follow
};

}  // namespace

std::string encode(const PolicyDecision& d) {
  Writer w;
  w.line("outcome", {name_of(d.outcome), name_of(d.reason)});
  w.text("rule", d.rule);
  w.text("text-de", d.text_de);
  w.text("text-en", d.text_en);
  if (d.encrypt) w.line("encrypt", {certs::name_of(*d.encrypt)});
  w.key("key", d.key);
  w.line("sign", {name_of(d.sign)});
  w.key("signer", d.signer);
  if (d.protected_by_sender) w.line("protected-by-sender", {"1"});
  if (d.plaintext) w.line("plaintext", {d.plaintext->rule()});
  if (d.demail) w.line("demail", {d.demail->account, d.demail->sender, flags_of(d.demail->options)});
  w.text("route", d.route);
  if (d.transport) w.line("transport", {name_of(*d.transport)});
  for (const auto& keyword : d.keywords) w.line("keyword", {keyword});
  w.text("mark-subject", d.mark.subject_prefix);
  for (const auto& [name, value] : d.mark.headers) w.line("mark-header", {name, value});
  for (const auto& name : d.strip) w.line("strip", {name});
  w.text("identity", d.identity);
  w.text("receipts", d.receipts_class);
  write_trail(w, d.trail);
  return w.take();
}

base::Result<PolicyDecision> decode(std::string_view text) {
  if (text.size() > k_max_encoded) return base::fail(base::k_malformed, "decision: too long");
  if (text.substr(0, k_first_line.size()) != k_first_line) return base::fail(base::k_malformed, "decision: version");
  Reader reader;
  for (std::string_view rest = text.substr(k_first_line.size()); !rest.empty();) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) return base::fail(base::k_malformed, "decision: no line end");
    const auto fields = split(rest.substr(0, end));
    if (!fields || !reader.line(*fields)) return base::fail(base::k_malformed, "decision: line");
    rest.remove_prefix(end + 1);
  }
  PolicyDecision decision = reader.take();
  // sent as De-Mail and in no other way
  if (decision.demail &&
      (decision.outcome != Outcome::deliver || decision.encrypt || decision.plaintext || decision.protected_by_sender))
    return base::fail(base::k_malformed, "decision: De-Mail and another way");
  // order, repetition and every other freedom of the form end here
  if (encode(decision) != text) return base::fail(base::k_malformed, "decision: not as written");
  return decision;
}

}  // namespace policies
