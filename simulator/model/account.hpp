// Promise: the two providers and who has an account there, as values. An address belongs to one account at most.
// Standard: BSI TR 01201 part 2.1 (accounts, addresses, system addresses), part 3.4.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.hpp"
#include "demail/model/fields.hpp"
#include "mail/address/address.hpp"

namespace simulator {

enum class Side { a, b };
inline constexpr std::array k_sides{Side::a, Side::b};
const char* name_of(Side side);  // "a", "b"

struct Provider {
  Side side = Side::a;
  std::string domain;    // of its system addresses and of the people with an account there
  std::string hostname;  // x-de-mail-originator-provider, and the name in its TLS certificate
  std::string name;      // for people
};
const Provider& provider_of(Side side);

// Providers spell what the standard leaves open each in its own way; whoever reads them must take both.
enum class SystemAddress { dispatch, receipt, retrieve, malware, notice };
mail::Address system_address(Side side, SystemAddress which);

struct Account {
  std::string name;  // of the login, and the common name of its client certificate
  Side side = Side::a;
  std::vector<std::string> addresses;  // folded; "*@domain" for all of a domain
  std::string password;                // "" : none
  demail::AuthLevel password_level = demail::AuthLevel::normal;
  bool can_high = true;       // its holder has the means for a login at the level high
  bool may_retrieve = false;  // a body that may serve documents formally
  bool is_closed = false;
  bool is_pushed = false;  // what comes for it is handed on by SMTP
  std::string holder;

  bool has(const mail::Address& address) const;
  bool has_pseudonym(const mail::Address& address) const;  // "pn_…": part 2.1, section 2.1
};

// "name=… side=a|b address=… [address=…] password=… level=normal|high can-high=no retrieve=yes push=yes closed=yes holder=…";
// the holder is the rest of the line. k_malformed says what is wrong.
base::Result<Account> parse_account(std::string_view text);
// A town that may serve, at A; a citizen at A; a company, a citizen without the means for "high", and a closed account at B.
std::vector<Account> default_accounts();

class Directory {
 public:
  // `suffixes`: domains that, with all below them, are De-Mail.
  Directory(std::vector<Account> accounts, std::vector<std::string> suffixes);

  std::vector<Account>& accounts() { return m_accounts; }
  const std::vector<Account>& accounts() const { return m_accounts; }
  const Account* find_login(std::string_view name) const;
  const Account* find_address(const mail::Address& address) const;
  bool is_demail(const mail::Address& address) const;
  // Whose domain that is, also of addresses that nobody has; `otherwise` for a third provider's.
  Side side_of(const mail::Address& address, Side otherwise) const;

 private:
  std::vector<Account> m_accounts;
  std::vector<std::string> m_suffixes;
};

}  // namespace simulator
