#include "gateway/pipeline/access.hpp"

#include <algorithm>

#include "base/core/bytes.hpp"

namespace pipeline {
namespace {

bool is_own_sender(const Claim& claim) { return !policies::is_from_outside(claim.role); }

// What a provider may bring: mail for De-Mail addresses of ours, of the accounts that the listener is for.
Direction check_demail_recipient(const config::Options& options, const config::ListenerOptions* listener, const mail::Address& recipient) {
  Direction out;
  out.direction = policies::Direction::inbound;
  const auto takes = [&](const config::DeMailAccountOptions& account) {
    const auto has = [](const std::vector<std::string>& list, const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); };
    const bool is_meant = listener == nullptr || listener->accounts.empty() || has(listener->accounts, account.name);
    return is_meant && has(account.domains, recipient.domain());
  };
  const auto& accounts = options.demail.accounts;
  const bool taken = std::any_of(accounts.begin(), accounts.end(), takes) && options.demail.mailbox_of(recipient);
  if (!taken) out.denied = Denied{Refusal::unknown_recipient, recipient.text()};
  return out;
}

bool account_covers(const Claim& claim, const mail::Address& address) {
  return std::any_of(claim.account_addresses.begin(), claim.account_addresses.end(), [&](const std::string& p) { return covers(p, address); });
}

// An address of ours in any From field, however many there are and however they are written: some reader would show it.
std::optional<std::string> own_address_in_from(const config::Options& options, const mail::MessageFacts& facts) {
  for (const auto& field : facts.header.fields()) {
    if (!field.is("From")) continue;
    const std::string value = field.value();
    if (const auto list = mail::parse_mailbox_list(value)) {
      for (const auto& mailbox : *list)
        if (options.is_own_domain(mailbox.address.domain())) return mailbox.address.text();
      continue;
    }
    const std::string lower = base::to_lower(value);
    for (const auto& domain : options.domains())
      if (lower.find("@" + domain.name) != std::string::npos) return "@" + domain.name;
  }
  return std::nullopt;
}

// The department that this address belongs to, if the claim allows it to be used.
std::optional<std::string> allowed_department(const config::Options& options, const Claim& claim, const mail::Address& address) {
  const config::DepartmentOptions* department = options.department_of(address);
  if (claim.role == config::ListenerRole::relay || claim.proof == policies::Proof::certificate) {
    if (department == nullptr) return std::nullopt;
    const auto& named = claim.listener->departments;
    return std::find(named.begin(), named.end(), department->id) != named.end() ? std::optional(department->id) : std::nullopt;
  }
  if (!account_covers(claim, address)) return std::nullopt;
  return department == nullptr ? std::string{} : department->id;
}

// The "by" word of a Received field (RFC 5321 section 4.4), behind any fold.
bool received_by(const std::string& value, const std::string& hostname) {
  std::string flat;
  for (const char c : value) flat += c == '\t' ? ' ' : c;
  return (" " + flat).find(" by " + hostname + " ") != std::string::npos;
}

}  // namespace

bool covers(const std::string& pattern, const mail::Address& address) {
  if (pattern.starts_with("*@")) return base::equal_ignoring_case(pattern.substr(2), address.domain());
  return base::to_lower(pattern) == address.folded();
}

std::optional<Denied> check_reverse_path(const config::Options& options, const Claim& claim, const mail::ReversePath& path) {
  if (!path) return std::nullopt;  // a report: From decides
  if (!is_own_sender(claim)) {
    if (options.is_own_domain(path->domain()) && !claim.trusted_network) return Denied{Refusal::own_domain_from_outside, path->text()};
    return std::nullopt;
  }
  if (!allowed_department(options, claim, *path)) return Denied{Refusal::sender_not_yours, path->text()};
  return std::nullopt;
}

Sender check_from(const config::Options& options, const Claim& claim, const mail::ReversePath& path, const mail::MessageFacts& facts) {
  using mail::Defect;
  Sender out;
  if (!is_own_sender(claim)) {
    if (!claim.trusted_network)
      if (const auto ours = own_address_in_from(options, facts)) out.denied = Denied{Refusal::own_domain_from_outside, *ours};
    return out;
  }
  if (!facts.from) {
    out.denied = Denied{facts.defects.contains(Defect::several_from)  ? Refusal::several_from
                        : facts.defects.contains(Defect::malformed_from) ? Refusal::malformed_from
                                                                         : Refusal::no_from,
                        ""};
    return out;
  }
  const auto from = allowed_department(options, claim, facts.from->address);
  if (!from) {
    out.denied = Denied{Refusal::from_not_yours, facts.from->address.text()};
    return out;
  }
  if (path) {
    const auto behind = allowed_department(options, claim, *path);
    if (!behind)
      out.denied = Denied{Refusal::sender_not_yours, path->text()};
    else if (*behind != *from)
      out.denied = Denied{Refusal::two_departments, path->text()};
  }
  out.department = *from;
  return out;
}

Direction check_recipient(const config::Options& options, const Claim& claim, const mail::Address& recipient) {
  if (claim.role == config::ListenerRole::demail) return check_demail_recipient(options, claim.listener, recipient);
  Direction out;
  const config::DomainOptions* domain = options.find_domain(recipient.domain());
  if (domain == nullptr) {
    if (!is_own_sender(claim)) out.denied = Denied{Refusal::relay_denied, recipient.text()};
    return out;
  }
  out.direction = is_own_sender(claim) ? policies::Direction::internal : policies::Direction::inbound;
  if (domain->recipients && !domain->recipients->contains(recipient.folded())) out.denied = Denied{Refusal::unknown_recipient, recipient.text()};
  return out;
}

std::optional<Denied> check_message(const config::Options& options, const Claim& claim, const mail::MessageFacts& facts) {
  using mail::Defect;
  if (facts.defects.contains(Defect::header_too_large)) return Denied{Refusal::header_too_large, ""};
  if (facts.received > options.limits.count.received) return Denied{Refusal::loop, ""};
  std::size_t ours = 0;
  for (const auto& field : facts.header.fields())
    if (field.is("Received") && received_by(field.value(), options.site.hostname)) ++ours;
  if (ours >= 3) return Denied{Refusal::loop, ""};
  if (!is_own_sender(claim)) return std::nullopt;
  if (facts.defects.contains(Defect::too_many_keywords)) return Denied{Refusal::too_many_keywords, ""};
  // a line that is no field, or two of a kind, is read differently by different readers: own users can mend it
  if (facts.defects.contains(Defect::malformed_header) || facts.defects.contains(Defect::duplicate_field)) {
    if (!facts.defects.contains(Defect::several_from)) return Denied{Refusal::malformed_header, ""};
  }
  return std::nullopt;
}

}  // namespace pipeline
