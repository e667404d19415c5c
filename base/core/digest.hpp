// Promise: SHA-256 and its kin by OpenSSL, the algorithm fetched once; Ed25519 and keyed hashes by libsodium.
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
