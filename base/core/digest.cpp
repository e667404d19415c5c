#include "base/core/digest.hpp"

#include <cassert>
#include <cstdlib>

#include <openssl/evp.h>
#include <sodium.h>

namespace base {
namespace {

const EVP_MD* sha256_algorithm() {
  // an implicit fetch at each use would halve the rate
  static EVP_MD* md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  if (md == nullptr) std::abort();
  return md;
}

}  // namespace

struct Sha256::Context {
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(ctx); }
};

Sha256::Sha256() : m_context(std::make_unique<Context>()) {
  EVP_DigestInit_ex2(m_context->ctx, sha256_algorithm(), nullptr);
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

Sha256& Sha256::update(ByteView bytes) {
  EVP_DigestUpdate(m_context->ctx, bytes.data(), bytes.size());
  return *this;
}

Sha256Digest Sha256::finish() {
  Sha256Digest out{};
  EVP_DigestFinal_ex(m_context->ctx, out.data(), nullptr);
  EVP_DigestInit_ex2(m_context->ctx, nullptr, nullptr);
  return out;
}

Sha256Digest sha256(ByteView bytes) { return sha256(bytes, {}); }

Sha256Digest sha256(ByteView first, ByteView second) {
  thread_local Sha256 hash;
  return hash.update(first).update(second).finish();
}

Sha256Digest hmac_sha256(ByteView key, ByteView bytes) {
  // libsodium's: OpenSSL 3 looks the algorithm up at each use, which costs more than the few words that are hashed here
  Sha256Digest out{};
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, u8(key), key.size());
  crypto_auth_hmacsha256_update(&state, u8(bytes), bytes.size());
  crypto_auth_hmacsha256_final(&state, out.data());
  sodium_memzero(&state, sizeof state);
  return out;
}

Ed25519Key Ed25519Key::from_seed(ByteView seed) {
  assert(seed.size() == crypto_sign_SEEDBYTES);
  Ed25519Key key;
  key.m_secret = SecretBytes(crypto_sign_SECRETKEYBYTES);
  crypto_sign_seed_keypair(key.m_public.data(), key.m_secret.data(), u8(seed));
  return key;
}

Ed25519Signature Ed25519Key::sign(ByteView bytes) const {
  Ed25519Signature out{};
  crypto_sign_detached(out.data(), nullptr, u8(bytes), bytes.size(), m_secret.data());
  return out;
}

bool verify_ed25519(const Ed25519PublicKey& key, ByteView bytes, const Ed25519Signature& signature) {
  return crypto_sign_verify_detached(signature.data(), u8(bytes), bytes.size(), key.data()) == 0;
}

}  // namespace base
