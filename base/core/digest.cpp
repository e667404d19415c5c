#include "base/core/digest.hpp"

#include <cassert>
#include <cstdlib>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <sodium.h>

namespace base {
namespace {

EVP_MD* fetched(const char* name) {
  EVP_MD* md = EVP_MD_fetch(nullptr, name, nullptr);
  if (md == nullptr) std::abort();
  return md;
}

const EVP_MD* sha256_algorithm() {
  // an implicit fetch at each use would halve the rate
  static EVP_MD* md = fetched("SHA256");
  return md;
}

const EVP_MD* algorithm_of(HashAlgorithm algorithm) {
  static EVP_MD *sha384 = fetched("SHA384"), *sha512 = fetched("SHA512");
  return algorithm == HashAlgorithm::sha512 ? sha512 : algorithm == HashAlgorithm::sha384 ? sha384 : sha256_algorithm();
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

std::size_t size_of(HashAlgorithm algorithm) { return static_cast<std::size_t>(EVP_MD_get_size(algorithm_of(algorithm))); }

struct Hasher::Context {
  EVP_MD_CTX* ctx = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(ctx); }
};

Hasher::Hasher(HashAlgorithm algorithm) : m_context(std::make_unique<Context>()) {
  EVP_DigestInit_ex2(m_context->ctx, algorithm_of(algorithm), nullptr);
}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

Hasher& Hasher::update(ByteView bytes) {
  EVP_DigestUpdate(m_context->ctx, bytes.data(), bytes.size());
  return *this;
}

Bytes Hasher::finish() {
  Bytes out(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  EVP_DigestFinal_ex(m_context->ctx, u8(out), &size);
  EVP_DigestInit_ex2(m_context->ctx, nullptr, nullptr);
  out.resize(size);
  return out;
}

Bytes hash(HashAlgorithm algorithm, ByteView bytes) { return Hasher(algorithm).update(bytes).finish(); }

bool verify_signature(ByteView public_key, SignatureScheme scheme, HashAlgorithm algorithm, ByteView bytes, ByteView signature) {
  const unsigned char* at = u8(public_key);
  EVP_PKEY* key = d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key.size()));
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  bool good = key != nullptr && context != nullptr && at == u8(public_key) + public_key.size();
  const int type = good ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
  // the library would verify by whatever scheme the key is for
  switch (scheme) {
    case SignatureScheme::rsa_pkcs1: good = good && type == EVP_PKEY_RSA; break;
    case SignatureScheme::rsa_pss: good = good && (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS); break;
    case SignatureScheme::ecdsa: good = good && type == EVP_PKEY_EC; break;
  }
  EVP_PKEY_CTX* parameters = nullptr;  // owned by the context
  good = good && EVP_DigestVerifyInit(context, &parameters, algorithm_of(algorithm), nullptr, key) == 1;
  if (good && scheme != SignatureScheme::ecdsa) {
    const bool pss = scheme == SignatureScheme::rsa_pss;
    good = EVP_PKEY_CTX_set_rsa_padding(parameters, pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) == 1 &&
           (!pss || EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1);
  }
  good = good && EVP_DigestVerify(context, u8(signature), signature.size(), u8(bytes), bytes.size()) == 1;
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  ERR_clear_error();
  return good;
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
