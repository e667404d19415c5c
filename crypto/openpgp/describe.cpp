// A key of gpg as plain values. User ids are text that anybody can write: an address counts only if it parses, and whether
// the key belongs to it is for certs/find to say.

#include <algorithm>
#include <cstdlib>

#include "base/core/bytes.hpp"
#include "crypto/openpgp/context.hpp"

namespace crypto::openpgp {
namespace {

using std::chrono::seconds;

constexpr base::Timestamp k_never{std::chrono::sys_days{std::chrono::year{9999} / 12 / 31}};

bool is_usable(const _gpgme_subkey& subkey) {
  return subkey.revoked == 0 && subkey.disabled == 0 && subkey.invalid == 0;  // expiry is judged by time, elsewhere
}

std::string algorithm_of(const _gpgme_subkey& subkey) {
  if (subkey.curve != nullptr) return subkey.curve;
  switch (subkey.pubkey_algo) {
    case GPGME_PK_RSA:
    case GPGME_PK_RSA_E:
    case GPGME_PK_RSA_S: return "RSA-" + std::to_string(subkey.length);
    case GPGME_PK_DSA: return "DSA-" + std::to_string(subkey.length);
    case GPGME_PK_ELG:
    case GPGME_PK_ELG_E: return "ElGamal-" + std::to_string(subkey.length);
    default: return "unknown";
  }
}

bool is_rsa(const _gpgme_subkey& subkey) { return algorithm_of(subkey).starts_with("RSA-"); }

std::string plain(const char* text) { return text == nullptr ? std::string() : std::string(text); }

void describe_user_ids(gpgme_key_t key, certs::KeyInfo& info) {
  std::size_t count = 0;
  for (gpgme_user_id_t id = key->uids; id != nullptr && count < k_max_user_ids; id = id->next, ++count) {
    if (info.subject.empty()) info.subject = plain(id->uid);
    if (id->revoked != 0 || id->invalid != 0) continue;
    const auto address = mail::Address::parse(plain(id->email));
    if (!address) continue;
    const std::string folded = address->folded();
    if (std::find(info.addresses.begin(), info.addresses.end(), folded) == info.addresses.end()) info.addresses.push_back(folded);
  }
}

}  // namespace

KeyRecord describe(gpgme_key_t key) {
  gpgme_key_ref(key);
  KeyRecord out{.info = {}, .handle = KeyHandle(key, ReleaseKey{}), .encryption_ids = {}, .subkeys = {}};
  certs::KeyInfo& info = out.info;
  info.method = certs::Method::openpgp;
  info.is_revoked = key->revoked != 0;
  info.has_private = key->secret != 0;  // for material outside a ring this is the only mark
  info.not_after = k_never;
  describe_user_ids(key, info);
  const gpgme_subkey_t primary = key->subkeys;
  if (primary == nullptr) return out;
  info.fingerprint = {plain(primary->fpr)};
  info.algorithm = algorithm_of(*primary);
  info.not_before = base::Timestamp{seconds{primary->timestamp}};
  base::Timestamp encryption_ends{};
  for (gpgme_subkey_t subkey = primary; subkey != nullptr; subkey = subkey->next) {
    std::optional<base::Timestamp> expiry;
    if (subkey->expires != 0) expiry = base::Timestamp{seconds{subkey->expires}};
    out.subkeys.emplace(plain(subkey->fpr), expiry);
    info.has_private = info.has_private || subkey->secret != 0;
    if (subkey == primary && expiry) info.not_after = *expiry;
    if (!is_usable(*subkey)) continue;
    info.can_sign = info.can_sign || (subkey->can_sign != 0 && !info.is_revoked);
    const bool encrypts = subkey->can_encrypt != 0;
    if ((encrypts || subkey->can_sign != 0) && is_rsa(*subkey) && (info.rsa_bits == 0 || static_cast<int>(subkey->length) < info.rsa_bits))
      info.rsa_bits = static_cast<int>(subkey->length);
    if (!encrypts) continue;
    out.encryption_ids.insert(plain(subkey->keyid));
    if (!info.can_encrypt && subkey != primary) info.algorithm += "/" + algorithm_of(*subkey);
    info.can_encrypt = !info.is_revoked;
    encryption_ends = std::max(encryption_ends, expiry.value_or(k_never));
  }
  // whoever encrypts needs a live subkey as well as a live primary key
  if (info.can_encrypt) info.not_after = std::min(info.not_after, encryption_ends);
  return out;
}

}  // namespace crypto::openpgp
