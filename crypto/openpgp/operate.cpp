#include "crypto/openpgp/operate.hpp"

#include <algorithm>
#include <array>

#include "crypto/openpgp/context.hpp"
#include "crypto/openpgp/packets.hpp"
#include "crypto/protect/errors.hpp"

namespace crypto::openpgp {
namespace {

base::Result<KeyRecord> need_key(const Home& home, const certs::Fingerprint& key) {
  auto found = home.find_key(key);
  if (!found) return std::move(found).error();
  if (!*found) return base::fail(k_bad_key, "no key " + key.hex + " in the home");
  return std::move(**found);
}

// Without a signer of ours gpg takes the first secret key it finds, silently: so one is always set, and the result compared.
base::Result<void> set_signer(gpgme_ctx_t context, const KeyRecord& key) {
  if (!key.info.has_private || !key.info.can_sign) return base::fail(k_bad_key, "not a signing key of ours: " + key.info.fingerprint.hex);
  gpgme_signers_clear(context);
  if (const auto error = gpgme_signers_add(context, key.handle.get()); error) return error_of("signer", error);
  return base::Done{};
}

base::Result<void> check_signer(gpgme_ctx_t context, const KeyRecord& key) {
  const gpgme_sign_result_t result = gpgme_op_sign_result(context);
  const gpgme_new_signature_t made = result == nullptr ? nullptr : result->signatures;
  if (made == nullptr || made->next != nullptr || result->invalid_signers != nullptr) return base::fail(k_output_mismatch, "number of signatures");
  if (made->fpr == nullptr || !key.subkeys.contains(made->fpr)) return base::fail(k_output_mismatch, "signed by another key");
  if (made->hash_algo != GPGME_MD_SHA512) return base::fail(k_output_mismatch, "digest is not the one announced");
  return base::Done{};
}

base::Result<void> check_done(const char* what, gpgme_error_t error, const Data& in, const Data& out) {
  for (const Data* data : {&in, &out})
    if (!data->result()) return data->result();
  if (out.limit_was_hit()) return base::fail(k_protect_failed, std::string(what) + ": output limit");
  if (error) return error_of(what, error);
  return base::Done{};
}

std::string lower(const char* text) { return text == nullptr ? std::string() : base::to_lower(text); }

// Of an unknown key only the id is there, and of a bad signature only 16 digits of it.
base::Result<SignatureFound> describe_signature(const Home& home, const _gpgme_signature& signature) {
  SignatureFound out;
  const std::string id = signature.fpr == nullptr ? "" : signature.fpr;
  out.fingerprint = {id};
  out.digest = lower(gpgme_hash_algo_name(signature.hash_algo));
  if (signature.timestamp != 0) out.time = base::Timestamp{std::chrono::seconds{signature.timestamp}};
  auto key = home.find_by_subkey(id);
  if (!key) return std::move(key).error();
  if (!*key) return out;
  out.is_known = true;
  out.fingerprint = (*key)->info.fingerprint;
  out.addresses = (*key)->info.addresses;
  const auto status = gpgme_err_code(signature.status);
  // the model "always" never sets VALID in the summary: the status and a whole fingerprint are the test
  if (status == GPG_ERR_NO_ERROR) out.is_valid = id.size() >= 40;
  if (status == GPG_ERR_KEY_EXPIRED && out.time && id.size() >= 40) {
    // expired since: what was signed before stays signed
    const auto subkey = (*key)->subkeys.find(id);
    const auto primary = (*key)->subkeys.find(out.fingerprint.hex);
    const auto alive = [&](auto it) { return it != (*key)->subkeys.end() && (!it->second || *out.time <= *it->second); };
    out.is_valid = alive(subkey) && alive(primary);
  }
  return out;
}

base::Result<std::vector<SignatureFound>> signatures_of(const Home& home, gpgme_ctx_t context) {
  std::vector<SignatureFound> out;
  const gpgme_verify_result_t result = gpgme_op_verify_result(context);
  for (gpgme_signature_t s = result == nullptr ? nullptr : result->signatures; s != nullptr && out.size() < 20; s = s->next) {
    auto found = describe_signature(home, *s);
    if (!found) return std::move(found).error();
    out.push_back(std::move(*found));
  }
  return out;
}

// Who is named? gpg would try every secret key it has; only those that the envelope allows may matter.
base::Result<bool> is_for(const Home& home, const std::vector<certs::Fingerprint>& allowed, const base::Content& message, bool& parses) {
  auto source = message.open();
  if (!source) return std::move(source).error();
  ArmourReader reader;
  std::array<char, 16384> piece{};
  parses = true;
  while (parses) {
    const auto got = (*source)->read(piece);
    if (!got) return got.error();
    if (*got == 0) break;
    parses = bool(reader.feed({piece.data(), *got}));
  }
  if (!parses) return false;
  const auto shape = reader.finish();
  parses = shape.has_value();
  if (!parses) return false;
  const bool hidden = std::any_of(shape->key_ids.begin(), shape->key_ids.end(), [](const std::string& id) { return id == "0000000000000000"; });
  auto keys = home.keys();
  if (!keys) return std::move(keys).error();
  bool all_are_allowed = !allowed.empty();
  for (const KeyRecord& key : *keys) {
    if (!key.info.has_private) continue;
    const bool is_allowed = std::find(allowed.begin(), allowed.end(), key.info.fingerprint) != allowed.end();
    all_are_allowed = all_are_allowed && is_allowed;
    if (is_allowed && std::any_of(shape->key_ids.begin(), shape->key_ids.end(), [&](const std::string& id) { return key.encryption_ids.contains(id); }))
      return true;
  }
  // a hidden recipient is found by trying, and nobody can tell gpg which keys to try
  return hidden && all_are_allowed;
}

}  // namespace

base::Result<std::string> sign_detached(const Home& home, const certs::Fingerprint& key, base::ByteSource& in) {
  auto record = need_key(home, key);
  if (!record) return std::move(record).error();
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  if (auto set = set_signer((*context)->get(), *record); !set) return set.error();
  base::StringSink sink;
  const Data from(in), to(sink, {k_max_signature});
  const auto error = gpgme_op_sign((*context)->get(), from.get(), to.get(), GPGME_SIG_MODE_DETACH);
  if (auto done = check_done("sign", error, from, to); !done) return done.error();
  if (auto same = check_signer((*context)->get(), *record); !same) return same.error();
  return std::move(sink.bytes());
}

base::Result<void> encrypt(const Home& home, const std::vector<certs::Fingerprint>& recipients,
                           const std::optional<certs::Fingerprint>& signer, base::ByteSource& in, base::ByteSink& out) {
  // to GPGME an empty list means "by password"
  if (recipients.empty() || recipients.size() > k_max_recipients) return base::fail(k_bad_key, "number of recipients");
  std::vector<KeyRecord> records;
  std::vector<gpgme_key_t> keys;
  for (const certs::Fingerprint& recipient : recipients) {
    auto record = need_key(home, recipient);
    if (!record) return std::move(record).error();
    if (!record->info.can_encrypt) return base::fail(k_bad_key, "cannot encrypt to " + recipient.hex);
    keys.push_back(record->handle.get());
    records.push_back(std::move(*record));
  }
  keys.push_back(nullptr);
  std::optional<KeyRecord> own;
  if (signer) {
    auto record = need_key(home, *signer);
    if (!record) return std::move(record).error();
    own = std::move(*record);
  }
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  if (own)
    if (auto set = set_signer((*context)->get(), *own); !set) return set;
  const Data from(in), to(out, {UINT64_MAX});
  const auto flags = static_cast<gpgme_encrypt_flags_t>(GPGME_ENCRYPT_ALWAYS_TRUST | GPGME_ENCRYPT_NO_ENCRYPT_TO | GPGME_ENCRYPT_NO_COMPRESS);
  const auto error = own ? gpgme_op_encrypt_sign((*context)->get(), keys.data(), flags, from.get(), to.get())
                         : gpgme_op_encrypt((*context)->get(), keys.data(), flags, from.get(), to.get());
  if (const gpgme_encrypt_result_t result = gpgme_op_encrypt_result((*context)->get()); result != nullptr && result->invalid_recipients != nullptr) {
    const auto* bad = result->invalid_recipients;
    return base::fail(k_bad_key, std::string("recipient ") + (bad->fpr != nullptr ? bad->fpr : "") + ": " + text_of(bad->reason));
  }
  if (auto done = check_done("encrypt", error, from, to); !done) return done;
  return own ? check_signer((*context)->get(), *own) : base::Result<void>(base::Done{});
}

base::Result<std::set<std::string>> encryption_key_ids(const Home& home, const certs::Fingerprint& key) {
  auto record = need_key(home, key);
  if (!record) return std::move(record).error();
  if (record->encryption_ids.empty()) return base::fail(k_bad_key, "cannot encrypt to " + key.hex);
  return std::move(record->encryption_ids);
}

base::Result<std::vector<SignatureFound>> verify_detached(const Home& home, base::ByteView signature, base::ByteSource& in) {
  if (signature.size() > k_max_signature) return std::vector<SignatureFound>{};
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  const Data block(signature), from(in);
  const auto error = gpgme_op_verify((*context)->get(), block.get(), from.get(), nullptr);
  if (!from.result()) return from.result().error();
  if (error && is_engine_trouble(error)) return error_of("verify", error);
  if (error) return std::vector<SignatureFound>{};
  return signatures_of(home, (*context)->get());
}

base::Result<Decrypted> decrypt(const Home& home, const std::vector<certs::Fingerprint>& allowed, const base::Content& message,
                                base::ByteSink& out, base::ByteCount limit) {
  Decrypted result;
  bool parses = false;
  const auto for_us = is_for(home, allowed, message, parses);
  if (!for_us) return for_us.error();
  if (!*for_us) {
    result.outcome = parses ? Outcome::no_key : Outcome::damaged;
    return result;
  }
  auto source = message.open();
  if (!source) return std::move(source).error();
  auto context = Context::make(home);
  if (!context) return std::move(context).error();
  const base::ByteCount cap{std::min(limit.value, std::max(message.size().value * k_max_expansion, base::mib(1).value))};
  const Data from(**source), to(out, cap);
  const auto error = gpgme_op_decrypt_verify((*context)->get(), from.get(), to.get());
  if (to.limit_was_hit()) {
    result.outcome = Outcome::too_large;
    return result;
  }
  for (const Data* data : {&from, &to})
    if (!data->result()) return data->result().error();
  // the message names a key that we hold: without it now, the agent is in trouble and not the message
  if (error && (is_engine_trouble(error) || gpgme_err_code(error) == GPG_ERR_NO_SECKEY)) return base::fail(k_engine, "decrypt: " + text_of(error));
  const gpgme_decrypt_result_t decrypted = gpgme_op_decrypt_result((*context)->get());
  if (error || decrypted == nullptr || decrypted->legacy_cipher_nomdc != 0 || decrypted->unsupported_algorithm != nullptr) return result;
  auto signatures = signatures_of(home, (*context)->get());
  if (!signatures) return std::move(signatures).error();
  result.outcome = Outcome::good;
  result.cipher = decrypted->symkey_algo == nullptr ? "" : decrypted->symkey_algo;
  result.signatures = std::move(*signatures);
  return result;
}

}  // namespace crypto::openpgp
