// Promise: says whether a certificate may be used for one purpose, at one time, for one address, and every reason why not: a
// verdict is a set, never a yes that hides a no. Trust comes from the anchors that the caller names and from nowhere else: no
// system store, nothing that came with a message, nothing fetched. What OpenSSL reports and we do not know by name forbids.
// Standards: RFC 5280 section 6 (paths), RFC 8550 sections 3 and 4 (S/MIME), RFC 9336, RFC 9598; TR-02102-1 (key lengths).
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/clock.hpp"
#include "base/core/result.hpp"
#include "certs/model/errors.hpp"
#include "certs/model/key.hpp"

namespace certs {

// attest: signatures and seals over documents, by certificates that are not made for mail: extended key usage missing, or one of
// emailProtection, documentSigning (RFC 9336) and any; above the leaf no extended key usage is asked for.
enum class Purpose { encrypt, sign, attest };
// none: CRLs are not looked at; soft: those that are known count; hard: without a current one the verdict is unknown.
enum class Revocation { none, soft, hard };

inline constexpr int k_max_path = 8;               // certificates above the leaf
inline constexpr std::size_t k_max_bag = 100;      // hints that came with a message

// DER throughout.
struct TrustMaterial {
  std::vector<std::string> anchors;        // authorities, or single certificates that somebody vouches for
  std::vector<std::string> intermediates;  // help to find a path, are not trusted
  std::vector<std::string> crls;
};

class TrustStore;  // parsed once, read by any number of threads
using TrustStorePtr = std::shared_ptr<const TrustStore>;
base::Result<TrustStorePtr> make_trust_store(const TrustMaterial& material);  // k_bad_certificate
// Other anchors (DER), no intermediates, and the revocation lists of that store. k_bad_certificate.
base::Result<TrustStorePtr> with_anchors(const TrustStore& lists, const std::vector<std::string>& anchors);

inline constexpr std::size_t k_max_kept_crl = 1024 * 1024;  // bytes of a list that is worth keeping beside a verdict
// The revocation lists (DER) that the issuers of these certificates signed: for whoever checks a verdict later.
std::vector<std::string> crls_about(const TrustStore& store, const std::vector<std::string>& chain);

struct PathQuestion {
  std::string leaf;
  std::vector<std::string> bag;            // more hints, as from a message; never trusted
  base::Timestamp at{};
  Purpose purpose = Purpose::encrypt;
  std::optional<mail::Address> address;    // must stand in the certificate
  Revocation revocation = Revocation::soft;
};

struct PathVerdict {
  std::set<Finding> findings;              // forbids_use(findings) is the answer
  std::vector<std::string> chain;          // DER, leaf first, as far as it was found
  KeyInfo info;
};
PathVerdict verify_path(const TrustStore& store, const PathQuestion& question);

}  // namespace certs
