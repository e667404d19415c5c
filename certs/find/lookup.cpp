// Choosing among candidates: pure over a snapshot.
#include <algorithm>

#include "certs/find/key_store.hpp"

namespace certs {
namespace {

struct Candidate {
  const Entry* entry = nullptr;
  std::set<Finding> findings;
};

void judge_openpgp(const Entry& entry, Purpose purpose, const mail::Address& address, base::Timestamp now, std::set<Finding>& findings) {
  const KeyInfo& info = entry.info;
  if (now < info.not_before) findings.insert(Finding::not_yet_valid);
  if (now > info.not_after) findings.insert(Finding::expired);
  if (info.is_revoked) findings.insert(Finding::revoked);
  if (purpose == Purpose::encrypt && !info.can_encrypt && !info.is_revoked) findings.insert(Finding::no_encryption_subkey);
  if (purpose == Purpose::sign && !(info.can_sign && info.has_private)) findings.insert(Finding::wrong_purpose);
  if (info.rsa_bits > 0 && info.rsa_bits < 2048) findings.insert(Finding::weak_key);
  if (info.rsa_bits >= 2048 && info.rsa_bits < 3000) findings.insert(Finding::rsa_below_3000);
  if (info.algorithm.starts_with("DSA") || info.algorithm.find("ElGamal") != std::string::npos) findings.insert(Finding::weak_algorithm);
  if (std::find(info.addresses.begin(), info.addresses.end(), address.folded()) == info.addresses.end())
    findings.insert(info.addresses.empty() ? Finding::no_email_in_key : Finding::address_mismatch);
}

Candidate judge(const Snapshot& snapshot, const Entry& entry, Purpose purpose, const mail::Address& address, base::Timestamp now, Revocation revocation) {
  Candidate out{&entry, {}};
  if (entry.info.method == Method::openpgp) {
    judge_openpgp(entry, purpose, address, now, out.findings);
  } else {
    out.findings = verify_path(*snapshot.trust, {entry.der, {}, now, purpose, address, revocation}).findings;
    if (purpose == Purpose::encrypt && !entry.info.reads_gcm) out.findings.insert(Finding::cbc_only);
  }
  if (purpose == Purpose::encrypt && !entry.metadata.confirmed) out.findings.insert(Finding::key_unconfirmed);
  return out;
}

bool is_better(const Candidate& a, const Candidate& b) {
  const auto rank = [](const Candidate& c) {
    return std::tuple(!forbids_use(c.findings), c.entry->metadata.confirmed, c.entry->info.not_before, c.entry->info.fingerprint.hex);
  };
  return rank(a) > rank(b);
}

// Nobody compared any of several keys: choosing the newest would let whoever sent the last one read the mail.
void forbid_ambiguity(std::vector<Candidate>& candidates) {
  const auto usable = [](const Candidate& c) { return !forbids_use(c.findings); };
  const auto count = std::count_if(candidates.begin(), candidates.end(), usable);
  const bool any_confirmed = std::any_of(candidates.begin(), candidates.end(), [&](const Candidate& c) { return usable(c) && c.entry->metadata.confirmed; });
  if (count < 2 || any_confirmed) return;
  for (Candidate& candidate : candidates)
    if (usable(candidate)) candidate.findings.insert(Finding::ambiguous);
}

std::vector<Candidate> candidates_for(const Snapshot& snapshot, const mail::Address& address, Method method, Purpose purpose, base::Timestamp now, Revocation revocation) {
  std::vector<Candidate> out;
  const auto [begin, end] = snapshot.by_address.equal_range(address.folded());
  for (auto it = begin; it != end; ++it) {
    const Entry& entry = snapshot.entries[it->second];
    if (entry.info.method != method || entry.metadata.role == Role::authority) continue;
    if (purpose == Purpose::sign && (entry.metadata.role != Role::own || !entry.info.has_private)) continue;
    out.push_back(judge(snapshot, entry, purpose, address, now, revocation));
  }
  if (method == Method::openpgp && purpose == Purpose::encrypt) forbid_ambiguity(out);
  std::sort(out.begin(), out.end(), is_better);
  return out;
}

// Own keys that the name fits; more than one: it names none of them.
std::vector<const Entry*> named_entries(const Snapshot& snapshot, std::string_view name) {
  std::vector<const Entry*> out;
  for (const Entry& entry : snapshot.entries)
    if (entry.metadata.role == Role::own && entry.info.has_private && entry.info.fingerprint.hex.starts_with(name)) out.push_back(&entry);
  return out;
}

// Something that could not be read, and that could hold a key for this address.
std::string why_unknown(const Snapshot& snapshot, const mail::Address& address, Method method) {
  if (method == Method::openpgp && !snapshot.openpgp_error.empty()) return snapshot.openpgp_error;
  for (const Unreadable& file : snapshot.unreadable) {
    const auto& whom = file.addresses;
    if (whom.empty() || std::find(whom.begin(), whom.end(), address.folded()) != whom.end()) return file.file + ": " + file.why;
  }
  return {};
}

KeyFacts find(const Snapshot& snapshot, const mail::Address& address, Method method, Purpose purpose, base::Timestamp now, Revocation revocation) {
  KeyFacts out;
  bool only_revocation = false;  // a candidate that nothing speaks against but a CRL that could not be had
  for (Candidate& candidate : candidates_for(snapshot, address, method, purpose, now, revocation)) {
    if (!out.chosen && !forbids_use(candidate.findings)) {
      out.chosen = candidate.entry->info;
      out.findings = std::move(candidate.findings);
      continue;
    }
    auto without = candidate.findings;
    only_revocation = only_revocation || (without.erase(Finding::revocation_unknown) > 0 && !forbids_use(without));
    out.rejected.push_back({candidate.entry->info.fingerprint, std::move(candidate.findings)});
  }
  out.detail = why_unknown(snapshot, address, method);
  if (only_revocation && out.detail.empty()) out.detail = "no current CRL";
  if (out.chosen) out.detail.clear();
  out.state = out.chosen ? Lookup::known : out.detail.empty() ? Lookup::absent : Lookup::unknown;
  return out;
}

}  // namespace

KeyFacts KeyStore::find_recipient_key(const mail::Address& address, Method method, base::Timestamp now) const {
  return find(*snapshot(), address, method, Purpose::encrypt, now, m_options.revocation);
}

KeyFacts KeyStore::find_identity(const mail::Address& address, Method method, base::Timestamp now) const {
  return find(*snapshot(), address, method, Purpose::sign, now, m_options.revocation);
}

KeyFacts KeyStore::find_named_identity(const mail::Address& address, Method method, std::string_view name, base::Timestamp now) const {
  const SnapshotPtr current = snapshot();
  KeyFacts out;
  const auto entries = named_entries(*current, name);
  if (entries.size() > 1) {
    out.detail = "several keys begin with " + std::string(name);
    return out;
  }
  if (entries.size() == 1 && entries.front()->info.method == method) {
    Candidate candidate = judge(*current, *entries.front(), Purpose::sign, address, now, m_options.revocation);
    if (!forbids_use(candidate.findings)) {
      out.chosen = entries.front()->info;
      out.findings = std::move(candidate.findings);
    } else {
      if (candidate.findings.contains(Finding::revocation_unknown)) out.detail = "no current CRL";
      out.rejected.push_back({entries.front()->info.fingerprint, std::move(candidate.findings)});
    }
  }
  if (entries.empty()) {
    if (method == Method::openpgp) out.detail = current->openpgp_error;
    for (const Unreadable& file : current->unreadable)
      if (file.file.starts_with(name)) out.detail = file.file + ": " + file.why;
  }
  out.state = out.chosen ? Lookup::known : out.detail.empty() ? Lookup::absent : Lookup::unknown;
  return out;
}

std::vector<KeyInfo> KeyStore::own_keys(const std::vector<std::string>& names) const {
  const SnapshotPtr current = snapshot();
  std::vector<KeyInfo> out;
  for (const std::string& name : names)
    if (const auto entries = named_entries(*current, name); entries.size() == 1) out.push_back(entries.front()->info);
  return out;
}

std::vector<KeyInfo> KeyStore::identities_for(const mail::Address& address) const {
  const SnapshotPtr now = snapshot();
  std::vector<KeyInfo> out;
  const auto [begin, end] = now->by_address.equal_range(address.folded());
  for (auto it = begin; it != end; ++it) {
    const Entry& entry = now->entries[it->second];
    if (entry.metadata.role == Role::own && entry.info.has_private) out.push_back(entry.info);
  }
  return out;
}

bool KeyStore::may_miss_own_key(const mail::Address& address, const std::vector<std::string>& names) const {
  const SnapshotPtr now = snapshot();
  const std::string whom = address.folded();
  return std::any_of(now->unreadable.begin(), now->unreadable.end(), [&](const Unreadable& file) {
    if (file.file.ends_with(".crl")) return false;
    if (!names.empty()) return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return file.file.starts_with(name); });
    return file.addresses.empty() || std::find(file.addresses.begin(), file.addresses.end(), whom) != file.addresses.end();
  });
}

std::vector<Explained> KeyStore::explain(const mail::Address& address, base::Timestamp now) const {
  const SnapshotPtr current = snapshot();
  std::vector<Explained> out;
  for (const Method method : {Method::smime, Method::openpgp}) {
    bool chosen = false;
    for (Candidate& candidate : candidates_for(*current, address, method, Purpose::encrypt, now, m_options.revocation)) {
      const bool is_chosen = !chosen && !forbids_use(candidate.findings);
      chosen = chosen || is_chosen;
      out.push_back({candidate.entry->info, candidate.entry->metadata, std::move(candidate.findings), is_chosen});
    }
  }
  return out;
}

}  // namespace certs
