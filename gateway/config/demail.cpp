// [demail] and [[demail_account]]: which addresses are De-Mail, and who of us writes as which of them.
#include <algorithm>
#include <array>

#include "gateway/config/net_values.hpp"
#include "gateway/config/sections.hpp"

namespace config {
namespace {

using policies::Entry;
using policies::Node;
using policies::NodeKind;
using policies::TableReader;
using namespace std::chrono_literals;

// No list of ours takes them away: what is forgotten there would leave as Internet mail.
constexpr std::array<const char*, 4> k_known_domains{"de-mail.de", "*.de-mail.de", "fp-demail.de", "*.fp-demail.de"};
constexpr std::array<std::string_view, 2> k_levels{"normal", "high"};
constexpr std::string_view k_everybody = "*@";
// TR 01201 part 2.1: of an address of De-Mail
constexpr std::size_t k_max_local = 64, k_max_domain = 189, k_max_address = 253;
// Part 3.1: what a login of level normal may send in a day.
constexpr std::size_t k_normal_messages = 100, k_normal_recipients = 300;

// When the day after this one ("2026-12-31") begins in Germany, whose law it is: the zone of the site says nothing about it, and
// is not yet set when a configuration is read. Summer time by Directive 2000/84/EC: from the last Sunday of March to that of
// October.
std::optional<base::Timestamp> end_of_day(const std::string& text) {
  using namespace std::chrono;
  const auto utc = base::parse_utc(text + "T00:00:00.000Z");
  if (!utc) return std::nullopt;
  const sys_days next = floor<days>(*utc) + days{1};
  const year of = year_month_day{next}.year();
  const sys_days spring{of / March / Sunday[last]}, autumn{of / October / Sunday[last]};
  const bool is_summer = next > spring && next <= autumn;  // the clocks change in the night, after midnight
  return base::Timestamp{next} - (is_summer ? 2h : 1h);
}

bool fits_demail(const mail::Address& address) {
  const std::string text = address.folded();
  const auto local = text.size() - address.domain().size() - 1;
  return local <= k_max_local && address.domain().size() <= k_max_domain && text.size() <= k_max_address;
}

// What the accounts have taken so far.
struct Taken {
  std::set<std::string> names;
  std::map<std::string, std::string> domains, mail, demail;  // by account
};

class AccountReader {
 public:
  AccountReader(const Section& section, Draft& draft, Taken& taken)
      : m_section(section),
        m_r(*section.table, section.file, "demail_account", schema::demail_account(), draft.faults),
        m_options(draft.options),
        m_taken(taken) {}

  void read() {
    name();
    provider();
    level();
    submission();
    domains();
    addresses();
    default_mailbox();
    last_day();
    limits();
    poll();
    m_options.routes.push_back(std::move(m_route));
    m_options.demail.accounts.push_back(std::move(m_a));
  }

 private:
  void name() {
    if (m_r.required("name")) m_a.name = m_r.string("name").value_or("");
    const auto good = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'; };
    if (m_a.name.size() > 64 || !std::all_of(m_a.name.begin(), m_a.name.end(), good) || m_a.name == "none")
      m_r.error("name", R"(must be lower-case letters, digits, "-", "_" and ".", at most 64, and not "none")");
    if (!m_a.name.empty() && !m_taken.names.insert(m_a.name).second) m_r.error("name", "= \"" + m_a.name + "\" stands twice");
    m_a.submission = m_route.name = "demail:" + m_a.name;
    if (m_options.find_route(m_route.name) != nullptr && m_r.has("name"))
      m_r.error("name",
                "= \"" + m_a.name + "\": there is a route \"" + m_route.name + "\", which is the account's own name for it");
  }

  void provider() {
    if (!m_r.required("provider")) return;
    const auto text = m_r.string("provider");
    if (!text) return;
    const auto domain = mail::parse_domain(*text);
    if (!domain) return m_r.error("provider", "= \"" + *text + "\" is no domain");
    m_a.provider = *domain;
    if (!m_options.demail.domains.matches(*domain))
      m_r.error("provider", "= \"" + *text + "\" is no domain of De-Mail by demail.domains");
  }

  void level() {
    m_a.high = m_r.word("level", k_levels).value_or(0) == 1;
    m_a.may_retrieve = m_r.boolean("retrieve").value_or(false);
    if (m_a.may_retrieve && !m_a.high)
      m_r.error("retrieve", "needs level = \"high\": confirmations of retrieval are for senders who logged in so");
    if (m_a.high && !m_r.has("client_certificate"))
      m_r.error("level", "= \"high\" needs client_certificate: a password alone is level normal");
  }

  void submission() {
    m_route.kind = RouteKind::demail;
    m_route.transport = Transport::verified;
    m_route.implicit_tls = m_r.boolean("implicit_tls").value_or(false);
    if (m_r.required("smtp"))
      if (const auto text = m_r.string("smtp")) {
        const auto parsed = parse_host_port(*text);
        if (!parsed || parsed->port == 0) m_r.error("smtp", "= \"" + *text + "\" must be host:port");
        if (parsed) {
          m_route.host = parsed->host;
          m_route.port = parsed->port;
          m_route.is_loopback = parsed->is_loopback;
        }
      }
    read_client_certificate(m_r, m_section, m_route);
    m_route.account = m_r.string("user").value_or("");
    m_route.password = read_secret_ref(m_r, "password", m_section);
    if (m_r.has("user") != m_r.has("password")) m_r.error_at(m_r.at(), "demail_account: user and password go together");
    if (!m_r.has("user") && !m_r.has("client_certificate"))
      m_r.error_at(m_r.at(),
                   "demail_account: must have client_certificate, or user and password: how should the provider know us?");
  }

  void domains() {
    m_r.required("domains");
    for (const Node* node : m_r.strings("domains").value_or(std::vector<const Node*>{})) {
      const auto domain = mail::parse_domain(node->text);
      const std::string what = "demail_account.domains: \"" + node->text + "\" ";
      if (!domain) {
        m_r.error_at(node->at, what + "is no domain");
        continue;
      }
      const auto [at, is_new] = m_taken.domains.emplace(*domain, m_a.name);
      if (!is_new) m_r.error_at(node->at, what + "belongs to the account \"" + at->second + "\" already");
      if (!m_options.demail.domains.matches(*domain)) m_r.error_at(node->at, what + "is no domain of De-Mail by demail.domains");
      m_a.domains.push_back(*domain);
    }
  }

  bool is_of_account(const std::string& domain) const {
    return std::find(m_a.domains.begin(), m_a.domains.end(), domain) != m_a.domains.end();
  }

  // Left of the equals sign: an address of a department, or everybody of a domain of ours. "" if it is neither.
  std::string ours(const Entry& entry) {
    const std::string what = "demail_account.addresses: \"" + entry.key + "\" ";
    const bool everybody = entry.key.rfind(k_everybody, 0) == 0;
    if (everybody) {
      const auto domain = mail::parse_domain(entry.key.substr(k_everybody.size()));
      if (domain && m_options.is_own_domain(*domain)) return std::string(k_everybody) + *domain;
      m_r.error_at(entry.at, what + "names no domain of ours");
      return {};
    }
    const auto address = mail::Address::parse(entry.key);
    if (!address)
      m_r.error_at(entry.at, what + "is no address of ours, and no \"*@domain\"");
    else if (!m_options.is_own_domain(address->domain()))
      m_r.error_at(entry.at, what + "lies in no domain of ours");
    else if (m_options.department_of(*address) == nullptr)
      m_r.error_at(entry.at, what + "belongs to no department: nobody can send as it");
    else
      return address->folded();
    return {};
  }

  // Right of it.
  std::string theirs(const Node& node, bool for_everybody) {
    const std::string what = "demail_account.addresses: \"" + node.text + "\" ";
    if (node.kind != NodeKind::string) {
      m_r.error_at(node.at, "demail_account.addresses must have De-Mail addresses on the right");
      return {};
    }
    if (node.text.rfind(k_everybody, 0) == 0) {
      const auto domain = mail::parse_domain(node.text.substr(k_everybody.size()));
      if (!for_everybody)
        m_r.error_at(node.at, what + "stands for many, and the left side for one");
      else if (!domain || !is_of_account(*domain))
        m_r.error_at(node.at, what + "lies in none of the account's domains");
      else
        return std::string(k_everybody) + *domain;
      return {};
    }
    const auto address = mail::Address::parse(node.text);
    if (!address)
      m_r.error_at(node.at, what + "is no address");
    else if (!is_of_account(address->domain()))
      m_r.error_at(node.at, what + "lies in none of the account's domains");
    else if (!fits_demail(*address))
      m_r.error_at(node.at, what + "is longer than an address of De-Mail can be");
    else
      return address->folded();
    return {};
  }

  void addresses() {
    m_r.required("addresses");
    const Node* table = m_r.table("addresses");
    if (table == nullptr) return;
    if (table->entries.empty()) m_r.error("addresses", "is empty: nobody could send by this account");
    for (const Entry& entry : table->entries) {
      DeMailAddress line{ours(entry), {}};
      const bool for_everybody = entry.key.rfind(k_everybody, 0) == 0;
      line.demail = theirs(entry.value, for_everybody);
      if (line.mail.empty() || line.demail.empty()) continue;
      const auto [left, left_is_new] = m_taken.mail.emplace(line.mail, m_a.name);
      if (!left_is_new)
        m_r.error_at(entry.at, "demail_account.addresses: \"" + entry.key + "\" is mapped already, by the account \"" +
                                   left->second + "\"");
      // one address for everybody is nobody's mailbox: what comes for it goes to the default
      const bool has_mailbox = !for_everybody || line.demail.rfind(k_everybody, 0) == 0;
      const auto [right, right_is_new] = m_taken.demail.emplace(line.demail, m_a.name);
      if (!right_is_new && has_mailbox)
        m_r.error_at(entry.value.at, "demail_account.addresses: \"" + entry.value.text +
                                         "\" stands for another mailbox already: which of them would get its mail?");
      m_a.addresses.push_back(std::move(line));
    }
  }

  void default_mailbox() {
    if (!m_r.required("default_mailbox")) return;
    const auto text = m_r.string("default_mailbox");
    if (!text) return;
    const auto address = mail::Address::parse(*text);
    if (!address) return m_r.error("default_mailbox", "= \"" + *text + "\" is no address");
    const DomainOptions* domain = m_options.find_domain(address->domain());
    if (domain == nullptr) return m_r.error("default_mailbox", "= \"" + *text + "\" lies in no domain of ours");
    if (domain->recipients && !domain->recipients->contains(address->folded()))
      return m_r.error("default_mailbox", "= \"" + *text + "\" is not among the recipients of its domain");
    m_a.default_mailbox = address->folded();
  }

  void last_day() {
    const std::string text =
        m_r.string("valid_until").value_or(std::string(fallback_of(schema::demail_account(), "valid_until")));
    const auto end = end_of_day(text);
    if (!end) return m_r.error("valid_until", "= \"" + text + "\" must be a day: \"2026-12-31\"");
    m_a.valid_until = *end;
  }

  void limits() {
    constexpr std::int64_t k_most = 1'000'000;
    m_a.messages_a_day = m_a.high ? 0 : k_normal_messages;
    m_a.recipients_a_day = m_a.high ? 0 : k_normal_recipients;
    if (const auto n = m_r.integer("messages_a_day", 1, k_most)) m_a.messages_a_day = static_cast<std::size_t>(*n);
    if (const auto n = m_r.integer("recipients_a_day", 1, k_most)) m_a.recipients_a_day = static_cast<std::size_t>(*n);
  }

  void poll() {
    DeMailPoll& p = m_a.poll;
    const auto specs = schema::demail_account();
    p.every = m_r.duration("poll_every", 1s, 24h).value_or(*policies::parse_duration(fallback_of(specs, "poll_every")));
    p.user = m_r.string("poll_user").value_or("");
    p.password = read_secret_ref(m_r, "poll_password", m_section);
    if (!m_r.has("poll")) {
      for (const char* key : {"poll_user", "poll_password", "poll_every"})
        if (m_r.has(key)) m_r.error(key, "has a meaning with poll only");
      return;
    }
    if (!m_r.has("poll_user") || !m_r.has("poll_password")) m_r.error("poll", "needs poll_user and poll_password");
    const auto text = m_r.string("poll");
    if (text && !read_poll_address(*text))
      m_r.error("poll", "= \"" + *text + R"(" must be "imaps://host:port/INBOX" or "pop3s://host:port")");
  }

  bool read_poll_address(std::string_view text) {
    constexpr std::string_view k_imap = "imaps://", k_pop = "pop3s://";
    DeMailPoll& p = m_a.poll;
    const bool is_imap = text.substr(0, k_imap.size()) == k_imap;
    if (!is_imap && text.substr(0, k_pop.size()) != k_pop) return false;
    text.remove_prefix(k_imap.size());
    const auto slash = text.find('/');
    const auto parsed = parse_host_port(text.substr(0, slash));
    if (!parsed || parsed->port == 0) return false;
    const std::string_view mailbox = slash == std::string_view::npos ? std::string_view{} : text.substr(slash + 1);
    const auto is_plain = [](char c) {
      return c > 32 && c < 127 && c != '"' && c != '\\' && c != '%' && c != '*' && c != '?' && c != '#' && c != ';';
    };
    if (!std::all_of(mailbox.begin(), mailbox.end(), is_plain) || (!is_imap && !mailbox.empty())) return false;
    p.kind = is_imap ? PollKind::imaps : PollKind::pop3s;
    p.host = parsed->host;
    p.port = parsed->port;
    p.mailbox = is_imap && mailbox.empty() ? "INBOX" : std::string(mailbox);
    return true;
  }

  const Section& m_section;
  TableReader m_r;
  Options& m_options;
  Taken& m_taken;
  DeMailAccountOptions m_a;
  RouteOptions m_route;
};

void add_domain(TableReader& r, const Node& node, policies::PatternSet& into) {
  std::string text = node.text;
  const std::string what = "demail.domains: \"" + text + "\" ";
  if (text.find_first_of("*?") == std::string::npos && text.rfind("re:", 0) != 0) {
    const auto domain = mail::parse_domain(text);
    if (!domain) return r.error_at(node.at, what + "is no domain");
    text = *domain;
  }
  if (text == "*") return r.error_at(node.at, what + "is everybody: nothing could leave as Internet mail");
  if (auto ok = into.add(text); !ok) r.error_at(node.at, what + "is a bad pattern: " + ok.error().detail);
}

}  // namespace

void read_demail(const Section* section, Draft& draft) {
  DeMailOptions& demail = draft.options.demail;
  const auto specs = schema::demail();
  for (const char* domain : k_known_domains) (void)demail.domains.add(domain);
  demail.overdue = *policies::parse_duration(fallback_of(specs, "overdue"));
  demail.uncertain = *policies::parse_duration(fallback_of(specs, "uncertain"));
  demail.retrieve = *policies::parse_duration(fallback_of(specs, "retrieve"));
  demail.most = *policies::parse_size(fallback_of(specs, "max_size"));
  if (section == nullptr) return;
  TableReader r(*section->table, section->file, "demail", specs, draft.faults);
  for (const Node* node : r.strings("domains").value_or(std::vector<const Node*>{})) add_domain(r, *node, demail.domains);
  if (const auto path = read_path(r, "anchors", *section)) {
    demail.anchors = *path;
    check_readable(r, "anchors", *path);
  }
  demail.overdue = r.duration("overdue", 1s, 30 * 24h).value_or(demail.overdue);
  demail.uncertain = r.duration("uncertain", 1s, 30 * 24h).value_or(demail.uncertain);
  demail.retrieve = r.duration("retrieve", 1s, 365 * 24h).value_or(demail.retrieve);
  demail.most = r.size("max_size", {64 << 10}, {1 << 30}).value_or(demail.most);
}

void read_demail_accounts(const std::vector<Section>& sections, Draft& draft) {
  Taken taken;
  for (const Section& section : sections) AccountReader(section, draft, taken).read();
  if (!sections.empty() && draft.options.demail.anchors.empty())
    draft.faults.error(sections[0].file, sections[0].table->at,
                       "demail_account: demail.anchors is missing: no confirmation could be verified");
}

}  // namespace config
