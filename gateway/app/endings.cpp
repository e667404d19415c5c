#include "gateway/app/endings.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace app {
namespace {

using certs::Method;

// The addresses that sign with a key of this kind.
std::set<std::string> addresses_with(const config::Options& options, const certs::Snapshot& known, Method method) {
  std::set<std::string> out;
  for (const certs::Entry& entry : known.entries)
    if (entry.metadata.role == certs::Role::own && entry.info.method == method)
      for (const std::string& address : entry.metadata.addresses) out.insert(address);
  for (const config::IdentityOptions& identity : options.identities())
    if (!(method == Method::smime ? identity.smime : identity.openpgp).empty()) out.insert(identity.addresses.begin(), identity.addresses.end());
  return out;
}

// When the key ends that signs for this address; of one that signs no more, when its last one ended.
std::optional<base::Timestamp> end_of(const config::Options& options, const Keys& keys, const certs::Snapshot& known, const std::string& text, Method method,
                                      base::Timestamp now) {
  const auto address = mail::Address::parse(text);
  if (!address) return std::nullopt;
  const certs::KeyFacts facts = keys.signer_key(options, *address, method, now);
  if (facts.chosen && facts.state == certs::Lookup::known)
    return facts.chosen->not_after == base::Timestamp{} ? std::nullopt : std::optional(facts.chosen->not_after);
  std::optional<base::Timestamp> last;
  for (const certs::Entry& entry : known.entries) {
    const auto& of = entry.info.addresses;
    if (entry.metadata.role != certs::Role::own || entry.info.method != method || std::find(of.begin(), of.end(), text) == of.end()) continue;
    if (entry.info.not_after != base::Timestamp{} && entry.info.not_after <= now) last = std::max(last.value_or(entry.info.not_after), entry.info.not_after);
  }
  return last;
}

}  // namespace

std::vector<web::Ending> find_endings(const pipeline::Snapshot& snapshot, const Keys& keys, base::Timestamp now) {
  std::vector<web::Ending> out;
  for (const auto& [name, not_after] : snapshot.tls_ends) out.push_back({"tls", name, not_after});
  const auto known = keys.store().snapshot();
  for (const Method method : {Method::smime, Method::openpgp}) {
    std::optional<base::Timestamp> first;
    for (const std::string& address : addresses_with(*snapshot.options, *known, method))
      if (const auto end = end_of(*snapshot.options, keys, *known, address, method, now)) first = std::min(first.value_or(*end), *end);
    if (first) out.push_back({certs::name_of(method), "", *first});
  }
  return out;
}

std::vector<pipeline::EndingLine> ending_lines(const pipeline::Snapshot& snapshot, const Keys& keys, base::Timestamp now) {
  constexpr std::chrono::hours k_soon{30 * 24};
  const bool german = snapshot.options->site.language != "en";
  std::vector<pipeline::EndingLine> out;
  for (const web::Ending& e : find_endings(snapshot, keys, now)) {
    if (e.not_after >= now + k_soon) continue;
    out.push_back({e.kind == "tls" ? (german ? "TLS-Zertifikat \"" : "TLS certificate \"") + e.name + "\""
                                   : (german ? "Der erste unserer Schlüssel, die signieren (" : "The first of our keys that sign (") + e.kind + ")",
                   e.not_after});
  }
  return out;
}

}  // namespace app
