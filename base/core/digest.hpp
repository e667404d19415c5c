// Promise: SHA-256 and its kin by OpenSSL, the algorithm fetched once; Ed25519 and keyed hashes by libsodium. Signatures of
// others are verified by a bare public key: whose it is, and whether to believe that, is judged elsewhere (certs).
#pragma once

#include <array>
#include <memory>

#include "base/core/bytes.hpp"
#include "base/core/secret.hpp"

namespace base {

using Sha256Digest = std::array<unsigned char, 32>;
inline ByteView view(const Sha256Digest& d) { return {reinterpret_cast<const char*>(d.data()), d.size()}; }

// Streaming SHA-256 (FIPS 180-4).
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  Sha256& update(ByteView bytes);
  Sha256Digest finish();  // and starts anew

 private:
  struct Context;
  std::unique_ptr<Context> m_context;
};

Sha256Digest sha256(ByteView bytes);
Sha256Digest sha256(ByteView first, ByteView second);                    // of the concatenation
Sha256Digest hmac_sha256(ByteView key, ByteView bytes);                  // RFC 2104

// The SHA-2 hashes that others sign with (FIPS 180-4), streaming.
enum class HashAlgorithm { sha256, sha384, sha512 };
std::size_t size_of(HashAlgorithm algorithm);  // bytes of the digest

class Hasher {
 public:
  explicit Hasher(HashAlgorithm algorithm);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  Hasher& update(ByteView bytes);
  Bytes finish();  // and starts anew

 private:
  struct Context;
  std::unique_ptr<Context> m_context;
};

Bytes hash(HashAlgorithm algorithm, ByteView bytes);

// RSASSA-PKCS1-v1_5 and RSASSA-PSS (RFC 8017 section 8; MGF1 with the same hash, a salt of any length), ECDSA as the DER of
// ECDSA-Sig-Value (RFC 5754 section 3.3).
enum class SignatureScheme { rsa_pkcs1, rsa_pss, ecdsa };
// True if `signature` over `bytes` was made with the private key of `public_key`, a SubjectPublicKeyInfo as DER, by exactly this
// scheme and hash. A key of another kind, or one that cannot be read, verifies nothing.
bool verify_signature(ByteView public_key, SignatureScheme scheme, HashAlgorithm algorithm, ByteView bytes, ByteView signature);

// Ed25519 (RFC 8032).
using Ed25519Signature = std::array<unsigned char, 64>;
using Ed25519PublicKey = std::array<unsigned char, 32>;

class Ed25519Key {
 public:
  // seed: 32 bytes; asserts.
  static Ed25519Key from_seed(ByteView seed);
  const Ed25519PublicKey& public_key() const { return m_public; }
  Ed25519Signature sign(ByteView bytes) const;

 private:
  SecretBytes m_secret;
  Ed25519PublicKey m_public{};
};

bool verify_ed25519(const Ed25519PublicKey& key, ByteView bytes, const Ed25519Signature& signature);

}  // namespace base
