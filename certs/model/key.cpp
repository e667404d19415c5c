#include "certs/model/key.hpp"

#include <algorithm>

namespace certs {

const char* name_of(Method method) { return method == Method::smime ? "smime" : "openpgp"; }

const char* name_of(Lookup lookup) {
  switch (lookup) {
    case Lookup::known: return "known";
    case Lookup::absent: return "absent";
    case Lookup::unknown: return "unknown";
  }
  return "unknown";
}

const char* name_of(Finding finding) {
  switch (finding) {
    case Finding::rsa_below_3000: return "rsa_below_3000";
    case Finding::cbc_only: return "cbc_only";
    case Finding::classical_key_agreement: return "classical_key_agreement";
    case Finding::key_unconfirmed: return "key_unconfirmed";
    case Finding::no_email_in_key: return "no_email_in_key";
    case Finding::not_yet_valid: return "not_yet_valid";
    case Finding::expired: return "expired";
    case Finding::revoked: return "revoked";
    case Finding::no_chain: return "no_chain";
    case Finding::bad_signature: return "bad_signature";
    case Finding::wrong_purpose: return "wrong_purpose";
    case Finding::address_mismatch: return "address_mismatch";
    case Finding::weak_algorithm: return "weak_algorithm";
    case Finding::weak_key: return "weak_key";
    case Finding::unsupported_key: return "unsupported_key";
    case Finding::no_encryption_subkey: return "no_encryption_subkey";
    case Finding::ambiguous: return "ambiguous";
    case Finding::malformed: return "malformed";
    case Finding::revocation_unknown: return "revocation_unknown";
  }
  return "malformed";
}

bool forbids_use(Finding finding) { return static_cast<int>(finding) >= 200; }

bool forbids_use(const std::set<Finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](Finding f) { return forbids_use(f); });
}

}  // namespace certs
