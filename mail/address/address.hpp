// Promise: one strict parser for every address that decides anything. What does not parse is malformed, never guessed at.
// The domain is an A-label in lower case (RFC 5890), so that comparing domains is comparing bytes; the local part keeps its
// spelling. Standards: RFC 5321 section 4.1.2 (Mailbox), RFC 6531 (UTF-8 local parts), RFC 5322 section 3.4 (header lists).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.hpp"

namespace mail {

class Address {
 public:
  // Domain literals ("[192.0.2.1]") are refused: nothing we send to or key by is one. k_malformed_address.
  static base::Result<Address> parse(std::string_view text);

  const std::string& local() const { return m_local; }    // unquoted
  const std::string& domain() const { return m_domain; }  // A-label, lower case
  std::string text() const;                               // as it stands on the wire, quoted if it must be
  // Local part in lower case: for our own domains and for finding keys. Everything else compares the Address itself.
  std::string folded() const;
  bool needs_smtputf8() const;                            // a local part beyond ASCII

  friend bool operator==(const Address&, const Address&) = default;
  friend auto operator<=>(const Address&, const Address&) = default;

 private:
  std::string m_local, m_domain;
};

// MAIL FROM: an address, or the null reverse path "<>".
using ReversePath = std::optional<Address>;

struct Mailbox {
  std::string display_name;  // decoded to UTF-8; untrusted
  Address address;
  friend bool operator==(const Mailbox&, const Mailbox&) = default;
};

// The value of From, To, Cc: mailboxes and groups, comments and folding allowed (RFC 5322 section 3.4); obsolete forms
// (section 4) are refused. At most `limit` mailboxes. k_malformed_address, k_too_many_addresses.
base::Result<std::vector<Mailbox>> parse_mailbox_list(std::string_view value, std::size_t limit = 2000);

// A domain name as A-label in lower case, without a trailing dot; U-labels are converted (IDNA 2008). k_malformed_address.
base::Result<std::string> parse_domain(std::string_view text);

}  // namespace mail
