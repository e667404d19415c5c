#include <openssl/err.h>
#include <openssl/rsa.h>

#include "crypto/protect/errors.hpp"
#include "crypto/smime/cms_shape.hpp"
#include "crypto/smime/openssl.hpp"
#include "crypto/smime/write.hpp"

namespace crypto::smime {
namespace {

bool set_oaep(CMS_RecipientInfo* info) {
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(info);
  return context != nullptr && EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) > 0 &&
         EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0;
}

// The default is the SHA-1 KDF (dhSinglePass-stdDH-sha1kdf).
bool set_ecdh(CMS_RecipientInfo* info) {
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(info);
  EVP_CIPHER_CTX* wrap = CMS_RecipientInfo_kari_get0_ctx(info);
  return context != nullptr && wrap != nullptr && EVP_PKEY_CTX_set_ecdh_kdf_md(context, EVP_sha256()) > 0 &&
         EVP_EncryptInit_ex(wrap, EVP_aes_256_wrap(), nullptr, nullptr, nullptr) == 1;
}

base::Result<void> add_recipient(CMS_ContentInfo* cms, const Recipient& recipient) {
  X509* x509 = recipient.certificate->x509();
  const EVP_PKEY* key = X509_get0_pubkey(x509);
  const int type = key != nullptr ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE;
  const std::string name = "recipient " + recipient.certificate->fingerprint().hex + ": ";
  // RSA-PSS keys sign only; X25519 is unknown to the CMS of OpenSSL 3.0
  if (type != EVP_PKEY_RSA && type != EVP_PKEY_EC) return base::fail(k_bad_key, name + "key type unusable for encryption");
  if (type == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) < 2048) return base::fail(k_bad_key, name + "RSA below 2048 bits");
  const bool parameters = type == EVP_PKEY_EC || recipient.oaep;
  CMS_RecipientInfo* info = CMS_add1_recipient_cert(cms, x509, parameters ? CMS_KEY_PARAM : 0u);
  const bool good = info != nullptr && (type == EVP_PKEY_EC ? set_ecdh(info) : !recipient.oaep || set_oaep(info));
  if (!good) return base::fail(k_bad_key, name + ErrorScope::drain());
  return base::Done{};
}

}  // namespace

struct Encryptor::Impl {
  CmsPtr cms;
  SinkTarget target;
  BioPtr out;
  BioChainPtr input;
};

Encryptor::Encryptor(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
Encryptor::~Encryptor() = default;
Encryptor::Encryptor(Encryptor&&) noexcept = default;
Encryptor& Encryptor::operator=(Encryptor&&) noexcept = default;

base::Result<Encryptor> Encryptor::start(const std::vector<Recipient>& recipients, bool gcm, base::ByteSink& out) {
  const ErrorScope errors;
  if (recipients.empty() || recipients.size() > k_max_recipients) return base::fail(k_bad_key, "number of recipients");
  auto impl = std::make_unique<Impl>();
  impl->cms.reset(CMS_encrypt(nullptr, nullptr, gcm ? EVP_aes_256_gcm() : EVP_aes_256_cbc(), CMS_STREAM | CMS_PARTIAL | CMS_BINARY));
  if (!impl->cms) return base::fail(k_protect_failed, "CMS_encrypt: " + ErrorScope::drain());
  for (const Recipient& recipient : recipients)
    if (auto added = add_recipient(impl->cms.get(), recipient); !added) return added.error();
  impl->target.sink = &out;
  impl->out = make_sink_bio(impl->target);
  BIO* chain = impl->out ? BIO_new_CMS(impl->out.get(), impl->cms.get()) : nullptr;
  if (chain == nullptr) return base::fail(k_protect_failed, "BIO_new_CMS: " + ErrorScope::drain());
  // the chain ends in our sink, which has an owner already
  BIO_up_ref(impl->out.get());
  impl->input.reset(chain);
  return Encryptor(std::move(impl));
}

base::Result<void> Encryptor::write(base::ByteView bytes) {
  std::size_t written = 0;
  if (bytes.empty()) return base::Done{};
  if (BIO_write_ex(m_impl->input.get(), bytes.data(), bytes.size(), &written) == 1 && written == bytes.size()) return base::Done{};
  if (!m_impl->target.result) return m_impl->target.result;
  return base::fail(k_protect_failed, "encrypt: " + ErrorScope::drain());
}

base::Result<void> Encryptor::finish() {
  const ErrorScope errors;
  const bool flushed = BIO_flush(m_impl->input.get()) == 1;
  if (!m_impl->target.result) return m_impl->target.result;
  if (!flushed) return base::fail(k_protect_failed, "encrypt: " + ErrorScope::drain());
  return base::Done{};
}

}  // namespace crypto::smime
