#include "crypto/smime/identity.hpp"

#include "certs/model/certificate.hpp"
#include "crypto/protect/errors.hpp"
#include "crypto/smime/openssl.hpp"

namespace crypto::smime {
namespace {

bool is_usable_type(int type) { return type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS || type == EVP_PKEY_EC; }

base::Result<CertificatesPtr> load_chain(const std::vector<std::string>& chain) {
  CertificatesPtr out(sk_X509_new_null());
  for (const std::string& der : chain) {
    X509Ptr x509 = parse_x509(der);
    if (!x509) return base::fail(k_bad_key, "chain: not a certificate");
    if (sk_X509_push(out.get(), x509.get()) <= 0) return base::fail(k_bad_key, "chain: memory");
    (void)x509.release();  // now the stack's
  }
  return out;
}

KeyPtr load_pkcs8(base::ByteView der) {
  const unsigned char* at = base::u8(der);
  const Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(der.size())));
  if (!info || at != base::u8(der) + der.size()) return nullptr;
  return KeyPtr(EVP_PKCS82PKEY(info.get()));
}

}  // namespace

Certificate::Certificate(X509Ptr x509) : m_x509(std::move(x509)), m_fingerprint(certs::fingerprint_of(to_der(m_x509.get()))) {
  // fills the cached extensions now: threads that share the certificate then only read
  X509_check_purpose(m_x509.get(), -1, 0);
}

base::Result<CertificatePtr> load_certificate(base::ByteView der) {
  const ErrorScope errors;
  X509Ptr x509 = parse_x509(der);
  if (!x509) return base::fail(k_bad_key, "not a certificate: " + ErrorScope::drain());
  if (X509_get0_pubkey(x509.get()) == nullptr) return base::fail(k_bad_key, "public key: " + ErrorScope::drain());
  return std::make_shared<const Certificate>(std::move(x509));
}

base::Result<IdentityPtr> load_identity(base::ByteView certificate_der, const std::vector<std::string>& chain,
                                        const base::SecretBytes& private_key) {
  const ErrorScope errors;
  auto certificate = load_certificate(certificate_der);
  if (!certificate) return std::move(certificate).error();
  if (private_key.empty() || private_key.size() > k_max_key_file.value) return base::fail(k_bad_key, "private key: size");
  KeyPtr key = load_pkcs8(private_key.view());
  if (!key) return base::fail(k_bad_key, "private key: " + ErrorScope::drain());
  const int type = EVP_PKEY_get_base_id(key.get());
  if (!is_usable_type(type)) return base::fail(k_bad_key, "private key: type unusable in CMS");
  if (type != EVP_PKEY_EC && EVP_PKEY_get_bits(key.get()) < 2048) return base::fail(k_bad_key, "private key: RSA below 2048 bits");
  if (X509_check_private_key((*certificate)->x509(), key.get()) != 1)
    return base::fail(k_bad_key, "private key does not belong to the certificate");
  auto intermediates = load_chain(chain);
  if (!intermediates) return std::move(intermediates).error();
  return std::make_shared<const Identity>(std::move(*certificate), std::move(key), *std::move(intermediates));
}

certs::Fingerprint fingerprint_of(const Certificate& certificate) { return certificate.fingerprint(); }
certs::Fingerprint fingerprint_of(const Identity& identity) { return identity.certificate().fingerprint(); }
std::string der_of(const Certificate& certificate) { return to_der(certificate.x509()); }
CertificatePtr certificate_of(const Identity& identity) { return identity.shared_certificate(); }

}  // namespace crypto::smime
