#include "crypto/seal/seal.hpp"

#include <sodium.h>

#include "base/core/digest.hpp"
#include "base/core/errors.hpp"
#include "base/core/random.hpp"
#include "crypto/seal/errors.hpp"

namespace crypto::seal {
namespace {

constexpr std::size_t k_nonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t k_tag = crypto_aead_xchacha20poly1305_ietf_ABYTES;

}  // namespace

base::Result<RootKey> RootKey::of(base::SecretBytes bytes) {
  if (bytes.size() != 32) return base::fail(base::k_malformed, "a root key has 32 bytes, this one has " + std::to_string(bytes.size()));
  RootKey out;
  out.m_key = std::move(bytes);
  out.m_id = base::Bytes(base::view(base::hmac_sha256(out.m_key.view(), "amtsbote root key id"))).substr(0, 8);
  return out;
}

base::SecretBytes RootKey::derive(std::string_view purpose) const {
  return base::SecretBytes::copy_of(base::view(base::hmac_sha256(m_key.view(), "amtsbote derive " + std::string(purpose))));
}

base::Bytes RootKey::wrap(const base::SecretBytes& key, base::ByteView associated) const {
  return m_id + seal(m_key, key.view(), m_id + base::Bytes(associated));
}

base::Result<base::SecretBytes> RootKey::unwrap(base::ByteView wrapped, base::ByteView associated) const {
  if (wrapped.size() < m_id.size()) return base::fail(k_sealed_broken, "wrapped key");
  if (wrapped.substr(0, m_id.size()) != m_id) return base::fail(k_wrong_root_key, "sealed under key " + base::to_hex(wrapped.substr(0, m_id.size())));
  auto plain = unseal(m_key, wrapped.substr(m_id.size()), m_id + base::Bytes(associated));
  if (!plain) return std::move(plain).error();
  auto key = base::SecretBytes::copy_of(*plain);
  base::wipe(*plain);
  return key;
}

base::SecretBytes make_message_key() { return base::SecretBytes::random(crypto_aead_xchacha20poly1305_ietf_KEYBYTES); }

base::Bytes seal(const base::SecretBytes& key, base::ByteView plain, base::ByteView associated) {
  // random nonces of 192 bits do not meet again, whatever the number of messages
  base::Bytes out(k_nonce + plain.size() + k_tag, '\0');
  base::fill_random(out.data(), k_nonce);
  crypto_aead_xchacha20poly1305_ietf_encrypt(base::u8(out) + k_nonce, nullptr, base::u8(plain), plain.size(), base::u8(associated),
                                             associated.size(), nullptr, base::u8(out), key.data());
  return out;
}

base::Result<base::Bytes> unseal(const base::SecretBytes& key, base::ByteView sealed, base::ByteView associated) {
  if (sealed.size() < k_nonce + k_tag) return base::fail(k_sealed_broken, "too short");
  base::Bytes out(sealed.size() - k_nonce - k_tag, '\0');
  const int rc = crypto_aead_xchacha20poly1305_ietf_decrypt(base::u8(out), nullptr, nullptr, base::u8(sealed) + k_nonce, sealed.size() - k_nonce,
                                                            base::u8(associated), associated.size(), base::u8(sealed), key.data());
  if (rc != 0) return base::fail(k_sealed_broken, "does not authenticate");
  return out;
}

base::Result<std::string> hash_password(base::ByteView password) {
  char out[crypto_pwhash_STRBYTES] = {};
  if (crypto_pwhash_str(out, password.data(), password.size(), 2, 19u << 20) != 0) return base::fail(k_busy, "no memory for Argon2id");
  return std::string(out);
}

base::Result<bool> verify_password(const std::string& stored, base::ByteView password) {
  // verification uses the stored string's own parameters: one that asks for more than ours is not from us
  if (!stored.starts_with("$argon2id$") || stored.size() >= crypto_pwhash_STRBYTES || crypto_pwhash_str_needs_rehash(stored.c_str(), 2, 19u << 20) != 0)
    return base::fail(base::k_malformed, "password hash with foreign parameters");
  errno = 0;
  const int rc = crypto_pwhash_str_verify(stored.c_str(), password.data(), password.size());
  if (rc != 0 && errno == ENOMEM) return base::fail(k_busy, "no memory for Argon2id");
  return rc == 0;
}

}  // namespace crypto::seal
