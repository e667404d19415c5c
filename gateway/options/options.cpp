#include "gateway/options/options.hpp"

#include <algorithm>

namespace config {
namespace {

template <class T>
const T* at_index(const std::vector<T>& list, const std::map<std::string, std::size_t>& index, const std::string& key) {
  const auto found = index.find(key);
  return found == index.end() ? nullptr : &list[found->second];
}

template <class T>
const T* by_name(const std::vector<T>& list, const std::string& name) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const T& t) { return t.name == name; });
  return found == list.end() ? nullptr : &*found;
}

constexpr std::string_view k_everybody = "*@";

bool is_for_everybody(std::string_view address) { return address.substr(0, k_everybody.size()) == k_everybody; }

// `address` by a line whose `from` side names it or its domain; "" if it does neither.
std::string translated(const std::string& from, const std::string& to, const std::string& address) {
  if (from == address) return to;
  const auto at = address.rfind('@');
  if (!is_for_everybody(from) || from.substr(k_everybody.size()) != address.substr(at + 1)) return {};
  return is_for_everybody(to) ? address.substr(0, at + 1) + to.substr(k_everybody.size()) : to;
}

}  // namespace

const char* name_of(RouteKind kind) {
  switch (kind) {
    case RouteKind::smtp: return "smtp";
    case RouteKind::lmtp: return "lmtp";
    case RouteKind::mx: return "mx";
    case RouteKind::demail: return "demail";
  }
  return "smtp";
}

bool Network::contains(std::string_view address) const {
  // an IPv4 peer of a dual-stack socket shows as ::ffff:a.b.c.d
  static constexpr std::string_view k_mapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  if (address.size() == 16 && bytes.size() == 4 && address.substr(0, 12) == k_mapped) address.remove_prefix(12);
  if (address.size() != bytes.size()) return false;
  const std::size_t whole = prefix / 8;
  if (address.substr(0, whole) != std::string_view(bytes).substr(0, whole)) return false;
  if (prefix % 8 == 0) return true;
  const unsigned mask = 0xffU << (8 - prefix % 8) & 0xffU;
  return ((static_cast<unsigned char>(address[whole]) ^ static_cast<unsigned char>(bytes[whole])) & mask) == 0;
}

void Options::set_domains(std::vector<DomainOptions> domains) {
  m_domains = std::move(domains);
  m_domain_index.clear();
  for (std::size_t i = 0; i < m_domains.size(); ++i) m_domain_index.emplace(m_domains[i].name, i);
}

void Options::set_departments(std::vector<DepartmentOptions> departments) {
  m_departments = std::move(departments);
  m_department_address.clear();
  m_department_domain.clear();
  m_department_globs.clear();
  for (std::size_t i = 0; i < m_departments.size(); ++i)
    for (const std::string& pattern : m_departments[i].addresses) {
      if (pattern.find_first_of("*?") == std::string::npos)
        m_department_address.emplace(pattern, i);
      else if (pattern.rfind("*@", 0) == 0 && pattern.find_first_of("*?", 1) == std::string::npos)
        m_department_domain.emplace(pattern.substr(2), i);
      else
        m_department_globs.emplace_back(pattern, i);
    }
}

void Options::set_identities(std::vector<IdentityOptions> identities) {
  m_identities = std::move(identities);
  m_identity_index.clear();
  for (std::size_t i = 0; i < m_identities.size(); ++i)
    for (const std::string& address : m_identities[i].addresses) m_identity_index.emplace(address, i);
}

const DomainOptions* Options::find_domain(const std::string& a_label) const {
  return at_index(m_domains, m_domain_index, a_label);
}

const DepartmentOptions* Options::department_of(const mail::Address& address) const {
  const std::string folded = address.folded();
  if (const auto* exact = at_index(m_departments, m_department_address, folded)) return exact;
  if (const auto* domain = at_index(m_departments, m_department_domain, address.domain())) return domain;
  for (const auto& [glob, i] : m_department_globs)
    if (policies::glob_matches(glob, folded)) return &m_departments[i];
  return nullptr;
}

const DepartmentOptions* Options::find_department(const std::string& id) const {
  const auto found = std::find_if(m_departments.begin(), m_departments.end(), [&](const auto& d) { return d.id == id; });
  return found == m_departments.end() ? nullptr : &*found;
}

const IdentityOptions* Options::identity_of(const mail::Address& address) const {
  return at_index(m_identities, m_identity_index, address.folded());
}

const RouteOptions* Options::find_route(const std::string& name) const { return by_name(routes, name); }

const TlsOptions* Options::find_tls(const std::string& name) const { return by_name(tls, name); }

const DeMailAccountOptions* DeMailOptions::find_account(const std::string& name) const { return by_name(accounts, name); }

std::optional<DeMailOptions::Line> DeMailOptions::line_of(const mail::Address& sender) const {
  const std::string folded = sender.folded();
  std::optional<Line> found;
  for (const DeMailAccountOptions& account : accounts)
    for (const DeMailAddress& line : account.addresses) {
      if (line.mail == folded) return Line{&account, line.demail};
      if (found) continue;
      std::string demail = translated(line.mail, line.demail, folded);
      // a local part that no address of theirs can have is nobody's
      if (!demail.empty() && mail::Address::parse(demail)) found = Line{&account, std::move(demail)};
    }
  return found;
}

std::optional<mail::Address> DeMailOptions::mailbox_of(const mail::Address& demail) const {
  const std::string folded = demail.folded();
  const auto parsed = [](const std::string& text) -> std::optional<mail::Address> {
    auto address = mail::Address::parse(text);
    if (!address) return std::nullopt;
    return *std::move(address);
  };
  std::optional<mail::Address> by_domain, fallback;
  for (const DeMailAccountOptions& account : accounts) {
    for (const DeMailAddress& line : account.addresses) {
      // one address for a whole domain of ours: none of its mailboxes is meant
      const bool names_one = !is_for_everybody(line.mail);
      if (names_one && line.demail == folded) return parsed(line.mail);
      if (!names_one && is_for_everybody(line.demail) && !by_domain)
        by_domain = parsed(translated(line.demail, line.mail, folded));
    }
    const bool is_ours = std::find(account.domains.begin(), account.domains.end(), demail.domain()) != account.domains.end();
    if (is_ours && !fallback) fallback = parsed(account.default_mailbox);
  }
  return by_domain ? by_domain : fallback;
}

policies::DeMailFacts DeMailOptions::facts_of(const std::optional<mail::Address>& sender, const mail::Address& recipient,
                                              base::Timestamp now) const {
  policies::DeMailFacts facts;
  facts.is_demail_address = is_demail_address(recipient);
  const auto line = sender ? line_of(*sender) : std::nullopt;
  if (!line) return facts;
  facts.account = line->account->name;
  facts.sender = line->demail;
  facts.may_high = line->account->high;
  facts.may_retrieve = line->account->may_retrieve;
  facts.has_ended = now >= line->account->valid_until;
  return facts;
}

const RouteOptions* Options::route_for(const std::string& a_label) const {
  const DomainOptions* domain = find_domain(a_label);
  if (domain != nullptr && !domain->route.empty()) return find_route(domain->route);
  const auto found = std::find_if(routes.begin(), routes.end(), [&](const RouteOptions& r) { return r.to.matches(a_label); });
  return found == routes.end() ? nullptr : &*found;
}

}  // namespace config
