#include <algorithm>

#include <openssl/rsa.h>

#include "crypto/protect/errors.hpp"
#include "crypto/smime/openssl.hpp"
#include "crypto/smime/write.hpp"

namespace crypto::smime {
namespace {

struct Digest {
  const EVP_MD* md = nullptr;
  const char* micalg = "";
};

// A signature is as strong as the weaker of curve and digest; a key of type RSA-PSS may name the only digest it allows.
Digest digest_for(EVP_PKEY* key) {
  int nid = NID_undef;
  const bool demanded = EVP_PKEY_is_a(key, "RSA-PSS") && EVP_PKEY_get_default_digest_nid(key, &nid) == 2;
  const int bits = EVP_PKEY_is_a(key, "EC") ? EVP_PKEY_get_bits(key) : 0;
  if ((demanded && nid == NID_sha384) || (bits > 256 && bits <= 384)) return {EVP_sha384(), "sha-384"};
  if ((demanded && nid == NID_sha512) || bits > 384) return {EVP_sha512(), "sha-512"};
  if (demanded && nid != NID_sha256) return {};
  return {EVP_sha256(), "sha-256"};
}

using CapabilitiesPtr = std::unique_ptr<STACK_OF(X509_ALGOR), Freed<[](STACK_OF(X509_ALGOR) * s) { sk_X509_ALGOR_pop_free(s, X509_ALGOR_free); }>>;

// The library's own list offers RC2 and DES and leaves GCM out: partners would believe it.
bool add_capabilities(CMS_SignerInfo* signer) {
  STACK_OF(X509_ALGOR)* list = nullptr;
  const bool listed = CMS_add_simple_smimecap(&list, NID_aes_256_gcm, -1) == 1 &&
                      CMS_add_simple_smimecap(&list, NID_aes_256_cbc, -1) == 1 &&
                      CMS_add_simple_smimecap(&list, NID_aes_128_cbc, -1) == 1;
  const CapabilitiesPtr owned(list);
  return listed && CMS_add_smimecap(signer, list) == 1;
}

// Without this a key of type RSA-PSS is labelled rsaEncryption, which no reader can verify; the default salt is the longest
// possible one, the usual one is as long as the digest (RFC 4056 section 2.2).
bool set_pss(CMS_SignerInfo* signer) {
  EVP_PKEY_CTX* context = CMS_SignerInfo_get0_pkey_ctx(signer);
  return context != nullptr && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

}  // namespace

struct Signer::Impl {
  IdentityPtr identity;
  CmsPtr cms;
  BioChainPtr input;
  const char* micalg = "";
};

Signer::Signer(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Signer::~Signer() = default;
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
const char* Signer::micalg() const { return m_impl->micalg; }

base::Result<Signer> Signer::start(IdentityPtr identity) {
  const ErrorScope errors;
  auto impl = std::make_unique<Impl>();
  impl->identity = std::move(identity);
  const Identity& id = *impl->identity;
  const Digest digest = digest_for(id.key());
  if (digest.md == nullptr) return base::fail(k_bad_key, "the key demands a digest that is not used here");
  impl->micalg = digest.micalg;
  impl->cms.reset(CMS_sign(nullptr, nullptr, nullptr, nullptr, CMS_PARTIAL | CMS_DETACHED | CMS_BINARY));
  if (!impl->cms) return base::fail(k_protect_failed, "CMS_sign: " + ErrorScope::drain());
  const bool pss = EVP_PKEY_is_a(id.key(), "RSA-PSS") == 1;
  const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_NOSMIMECAP | (pss ? CMS_KEY_PARAM : 0u);
  CMS_SignerInfo* signer = CMS_add1_signer(impl->cms.get(), id.certificate().x509(), id.key(), digest.md, flags);
  if (signer == nullptr || !add_capabilities(signer) || (pss && !set_pss(signer)))
    return base::fail(k_bad_key, "signer: " + ErrorScope::drain());
  for (int i = 0; i < sk_X509_num(id.chain()); ++i)
    if (CMS_add1_cert(impl->cms.get(), sk_X509_value(id.chain(), i)) != 1) ErrorScope::drain();  // twice the same: no harm
  impl->input.reset(CMS_dataInit(impl->cms.get(), nullptr));
  if (!impl->input) return base::fail(k_protect_failed, "CMS_dataInit: " + ErrorScope::drain());
  return Signer(std::move(impl));
}

base::Result<void> Signer::write(base::ByteView bytes) {
  std::size_t written = 0;
  if (bytes.empty()) return base::Done{};
  if (BIO_write_ex(m_impl->input.get(), bytes.data(), bytes.size(), &written) != 1 || written != bytes.size())
    return base::fail(k_protect_failed, "digest: " + ErrorScope::drain());
  return base::Done{};
}

base::Result<std::string> Signer::finish() {
  const ErrorScope errors;
  if (CMS_dataFinal(m_impl->cms.get(), m_impl->input.get()) != 1)
    return base::fail(k_protect_failed, "CMS_dataFinal: " + ErrorScope::drain());
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(m_impl->cms.get(), &der);
  if (size <= 0) return base::fail(k_protect_failed, "encode: " + ErrorScope::drain());
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace crypto::smime
