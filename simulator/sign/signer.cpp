#include "simulator/sign/signer.hpp"

#include <openssl/rsa.h>

#include "base/core/bytes.hpp"
#include "simulator/sign/openssl.hpp"

namespace simulator {
namespace {

using ContextPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX_free>>;

const EVP_MD* md_of(Hash hash) {
  switch (hash) {
    case Hash::sha384: return EVP_sha384();
    case Hash::sha512: return EVP_sha512();
    case Hash::sha256: break;
  }
  return EVP_sha256();
}

}  // namespace

std::string digest(Hash hash, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(bytes.data(), bytes.size(), out, &size, md_of(hash), nullptr);
  return {reinterpret_cast<char*>(out), size};
}

base::Result<std::string> sign_bytes(const Signer& signer, Hash hash, Scheme scheme, std::string_view bytes) {
  const KeyPtr key = key_of(signer.key_pem);
  const ContextPtr context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* parameters = nullptr;
  const bool rsa = scheme == Scheme::rsa || scheme == Scheme::rsassa_pss;
  if (!key || EVP_PKEY_is_a(key.get(), rsa ? "RSA" : "EC") != 1) return crypto_error("a key of another kind");
  if (EVP_DigestSignInit(context.get(), &parameters, md_of(hash), nullptr, key.get()) != 1) return crypto_error("sign");
  if (scheme == Scheme::rsassa_pss && (EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) != 1 ||
                                       EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) != 1))
    return crypto_error("PSS");
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, base::u8(bytes), bytes.size()) != 1) return crypto_error("sign");
  std::string out(size, '\0');
  if (EVP_DigestSign(context.get(), base::u8(out), &size, base::u8(bytes), bytes.size()) != 1) return crypto_error("sign");
  out.resize(size);
  return out;
}

}  // namespace simulator
