#include "simulator/model/account.hpp"

#include <algorithm>

#include "base/core/bytes.hpp"
#include "base/core/errors.hpp"

namespace simulator {
namespace {

bool is_below(std::string_view domain, std::string_view top) {
  return domain == top || (domain.size() > top.size() && domain.ends_with(top) && domain[domain.size() - top.size() - 1] == '.');
}

std::string_view domain_of(std::string_view pattern) { return pattern.substr(pattern.find('@') + 1); }

base::Result<bool> yes_or_no(std::string_view value) {
  if (value != "yes" && value != "no") return base::fail(base::k_malformed, "yes or no, not " + std::string(value));
  return value == "yes";
}

base::Result<void> set_flag(bool& flag, std::string_view value) {
  const auto parsed = yes_or_no(value);
  if (!parsed) return parsed.error();
  flag = *parsed;
  return base::Done{};
}

base::Result<void> set_address(Account& account, std::string_view value) {
  if (value.starts_with("*@")) {
    const auto domain = mail::parse_domain(value.substr(2));
    if (!domain) return domain.error();
    account.addresses.push_back("*@" + *domain);
    return base::Done{};
  }
  const auto address = mail::Address::parse(value);
  if (!address) return address.error();
  account.addresses.push_back(address->folded());
  return base::Done{};
}

base::Result<void> set(Account& account, std::string_view key, std::string_view value) {
  if (key == "name")
    account.name = value;
  else if (key == "password")
    account.password = value;
  else if (key == "address")
    return set_address(account, value);
  else if (key == "retrieve")
    return set_flag(account.may_retrieve, value);
  else if (key == "can-high")
    return set_flag(account.can_high, value);
  else if (key == "push")
    return set_flag(account.is_pushed, value);
  else if (key == "closed")
    return set_flag(account.is_closed, value);
  else if (key == "side" && (value == "a" || value == "b"))
    account.side = value == "a" ? Side::a : Side::b;
  else if (key == "level" && (value == "normal" || value == "high"))
    account.password_level = value == "high" ? demail::AuthLevel::high : demail::AuthLevel::normal;
  else
    return base::fail(base::k_malformed, "account: " + std::string(key) + "=" + std::string(value));
  return base::Done{};
}

}  // namespace

const char* name_of(Side side) { return side == Side::a ? "a" : "b"; }

const Provider& provider_of(Side side) {
  static const Provider a{Side::a, "anbieter-a.de-mail.example", "mail.anbieter-a.de-mail.example", "De-Mail-Anbieter A"};
  static const Provider b{Side::b, "anbieter-b.de-mail.example", "mail.anbieter-b.de-mail.example", "De-Mail-Anbieter B"};
  return side == Side::a ? a : b;
}

mail::Address system_address(Side side, SystemAddress which) {
  static constexpr std::array k_names{"Versandbestaetigung", "Eingangsbestaetigung", "Abholbestaetigung", "Schadsoftware-Warnung",
                                      "Meldung"};
  return *mail::Address::parse(k_names.at(static_cast<std::size_t>(which)) + ("@" + provider_of(side).domain));
}

bool Account::has(const mail::Address& address) const {
  const std::string folded = address.folded();
  return std::any_of(addresses.begin(), addresses.end(), [&](const std::string& own) {
    return own == folded || (own.starts_with("*@") && domain_of(own) == address.domain());
  });
}

bool Account::has_pseudonym(const mail::Address& address) const {
  return has(address) && address.local().starts_with("pn_") && address.local().find('.') == std::string::npos;
}

base::Result<Account> parse_account(std::string_view text) {
  Account out;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    const auto equals = word.find('=');
    if (equals == std::string_view::npos) return base::fail(base::k_malformed, "account: key=value, not " + std::string(word));
    if (word.substr(0, equals) == "holder") {
      out.holder = text.substr(equals + 1);
      break;
    }
    const auto done = set(out, word.substr(0, equals), word.substr(equals + 1));
    if (!done) return done.error();
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  if (out.name.empty() || out.addresses.empty())
    return base::fail(base::k_malformed, "account: a name and an address are needed");
  const bool is_plain = std::all_of(out.name.begin(), out.name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  // it names files
  if (!is_plain || out.name.front() == '.') return base::fail(base::k_malformed, "account: a name has a-z, 0-9, - and .");
  if (out.holder.empty()) out.holder = out.name;
  return out;
}

std::vector<Account> default_accounts() {
  std::vector<Account> out;
  for (const char* text :
       {"name=stadt side=a address=*@stadt.de-mail.example password=geheim retrieve=yes push=yes holder=Stadt Musterhausen",
        "name=erika side=a address=erika.mustermann@anbieter-a.de-mail.example address=pn_erika@anbieter-a.de-mail.example "
        "password=erika level=high holder=Erika Mustermann",
        "name=firma side=b address=*@firma.de-mail.example password=firma level=high holder=Firma GmbH",
        "name=max side=b address=max.mustermann@anbieter-b.de-mail.example password=max can-high=no holder=Max Mustermann",
        "name=zu side=b address=zu@anbieter-b.de-mail.example password=zu closed=yes holder=Zuletzt GmbH"})
    out.push_back(*parse_account(text));
  return out;
}

Directory::Directory(std::vector<Account> accounts, std::vector<std::string> suffixes)
    : m_accounts(std::move(accounts)), m_suffixes(std::move(suffixes)) {}

const Account* Directory::find_login(std::string_view name) const {
  const auto it = std::find_if(m_accounts.begin(), m_accounts.end(), [&](const Account& a) { return a.name == name; });
  return it == m_accounts.end() ? nullptr : &*it;
}

const Account* Directory::find_address(const mail::Address& address) const {
  const auto it = std::find_if(m_accounts.begin(), m_accounts.end(), [&](const Account& a) { return a.has(address); });
  return it == m_accounts.end() ? nullptr : &*it;
}

bool Directory::is_demail(const mail::Address& address) const {
  return std::any_of(m_suffixes.begin(), m_suffixes.end(), [&](const std::string& s) { return is_below(address.domain(), s); });
}

Side Directory::side_of(const mail::Address& address, Side otherwise) const {
  if (const Account* account = find_address(address)) return account->side;
  for (const Side side : k_sides)
    if (is_below(address.domain(), provider_of(side).domain)) return side;
  for (const Account& account : m_accounts)
    for (const std::string& own : account.addresses)
      if (domain_of(own) == address.domain()) return account.side;
  return otherwise;
}

}  // namespace simulator
