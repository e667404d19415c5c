// Key files as people have them: one function that tries the forms in turn, because the name of a file says nothing.

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs7.h>

#include "crypto/protect/errors.hpp"
#include "crypto/smime/identity.hpp"
#include "crypto/smime/openssl.hpp"

namespace crypto::smime {
namespace {

using Pkcs7Ptr = std::unique_ptr<PKCS7, Freed<PKCS7_free>>;
using Pkcs12Ptr = std::unique_ptr<PKCS12, Freed<PKCS12_free>>;

// RC2 and old 3DES key files need the legacy provider. It lives in a context of its own, so that nothing else in the process
// can use what it offers.
OSSL_LIB_CTX* legacy_context() {
  static OSSL_LIB_CTX* context = [] {
    OSSL_LIB_CTX* made = OSSL_LIB_CTX_new();
    if (made != nullptr) {
      OSSL_PROVIDER_load(made, "default");
      OSSL_PROVIDER_load(made, "legacy");
    }
    return made;
  }();
  return context;
}

int give_password(char* buffer, int size, int, void* user) {
  const auto* password = static_cast<const base::SecretBytes*>(user);
  // without a password of ours OpenSSL would ask the terminal
  if (password->empty() || password->size() > static_cast<std::size_t>(size)) return -1;
  password->view().copy(buffer, password->size());
  return static_cast<int>(password->size());
}

base::Result<void> take_key(EVP_PKEY* key, ImportedKeys& out) {
  if (!out.private_key.empty()) return base::fail(k_bad_key, "more than one private key");
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(key));
  unsigned char* der = nullptr;
  const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der) : 0;
  if (size <= 0) return base::fail(k_bad_key, "private key cannot be encoded");
  out.private_key = base::SecretBytes::copy_of({reinterpret_cast<char*>(der), static_cast<std::size_t>(size)});
  OPENSSL_clear_free(der, static_cast<std::size_t>(size));
  return base::Done{};
}

base::Result<void> take_certificate(const X509* x509, ImportedKeys& out) {
  if (out.certificates.size() >= k_max_certificates) return base::fail(k_bad_key, "too many certificates");
  out.certificates.push_back(to_der(x509));
  return base::Done{};
}

base::Result<void> take_certificates(const STACK_OF(X509) * stack, ImportedKeys& out) {
  for (int i = 0; i < sk_X509_num(stack); ++i)
    if (auto taken = take_certificate(sk_X509_value(stack, i), out); !taken) return taken;
  return base::Done{};
}

const STACK_OF(X509) * certificates_of(const PKCS7* p7) {
  if (PKCS7_type_is_signed(p7) && p7->d.sign != nullptr) return p7->d.sign->cert;
  return nullptr;
}

base::Result<void> take_pem_block(const std::string& name, base::ByteView der, ImportedKeys& out) {
  const unsigned char* at = base::u8(der);
  const auto size = static_cast<long>(der.size());
  if (name == PEM_STRING_X509 || name == PEM_STRING_X509_OLD || name == PEM_STRING_X509_TRUSTED) {
    const X509Ptr x509(name == PEM_STRING_X509_TRUSTED ? d2i_X509_AUX(nullptr, &at, size) : d2i_X509(nullptr, &at, size));
    return x509 ? take_certificate(x509.get(), out) : base::Result<void>(base::fail(k_bad_key, "PEM: broken certificate"));
  }
  if (name == PEM_STRING_PKCS7 || name == "CMS") {
    const Pkcs7Ptr p7(d2i_PKCS7(nullptr, &at, size));
    return p7 ? take_certificates(certificates_of(p7.get()), out) : base::Result<void>(base::fail(k_bad_key, "PEM: broken PKCS#7"));
  }
  return base::Done{};  // parameters, requests, CRLs: nothing of ours
}

bool is_private_key(const std::string& name) { return name.size() >= 11 && name.ends_with("PRIVATE KEY"); }

// One private key in a PEM text, decrypted with the password if it must be.
base::Result<void> take_pem_key(base::ByteView text, const base::SecretBytes& password, ImportedKeys& out) {
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  auto* user = const_cast<base::SecretBytes*>(&password);
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, give_password, user));
  if (!key) return base::fail(k_bad_key, "PEM: private key cannot be read (wrong password?): " + ErrorScope::drain());
  return take_key(key.get(), out);
}

base::Result<void> parse_pem(base::ByteView text, const base::SecretBytes& password, ImportedKeys& out) {
  const BioPtr bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  while (true) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long size = 0;
    const auto begin = static_cast<std::size_t>(BIO_tell(bio.get()) < 0 ? 0 : text.size() - BIO_pending(bio.get()));
    if (PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) {
      const auto reason = ERR_GET_REASON(ERR_peek_last_error());
      ERR_clear_error();
      if (reason == PEM_R_NO_START_LINE) return base::Done{};  // the end
      return base::fail(k_bad_key, "PEM: broken block");
    }
    const std::string block(name);
    auto taken = is_private_key(block)
                     ? take_pem_key(text.substr(begin), password, out)
                     : take_pem_block(block, {reinterpret_cast<char*>(data), static_cast<std::size_t>(size)}, out);
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(data, static_cast<std::size_t>(size));
    if (!taken) return taken;
  }
}

// Null where it is no PKCS#12 at all.
Pkcs12Ptr read_pkcs12(base::ByteView bytes, OSSL_LIB_CTX* context) {
  PKCS12* raw = context != nullptr ? PKCS12_init_ex(NID_pkcs7_data, context, nullptr) : nullptr;
  const BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (d2i_PKCS12_bio(bio.get(), &raw) == nullptr) return nullptr;
  return Pkcs12Ptr(raw);
}

base::Result<void> open_pkcs12(PKCS12* p12, const base::SecretBytes& password, ImportedKeys& out) {
  // the library wants a terminated string
  base::SecretBytes terminated(password.size() + 1);
  password.view().copy(reinterpret_cast<char*>(terminated.data()), password.size());
  EVP_PKEY* key = nullptr;
  X509* leaf = nullptr;
  STACK_OF(X509)* others = nullptr;
  const int parsed = PKCS12_parse(p12, reinterpret_cast<const char*>(terminated.data()), &key, &leaf, &others);
  const KeyPtr own_key(key);
  const X509Ptr own_leaf(leaf);
  const CertificatesPtr own_others(others);
  if (parsed != 1) return base::fail(k_bad_key, "PKCS#12 (wrong password?): " + ErrorScope::drain());
  if (leaf != nullptr)
    if (auto taken = take_certificate(leaf, out); !taken) return taken;
  if (auto taken = take_certificates(others, out); !taken) return taken;
  return key != nullptr ? take_key(key, out) : base::Result<void>(base::Done{});
}

base::Result<bool> try_pkcs12(base::ByteView bytes, const base::SecretBytes& password, ImportedKeys& out) {
  const Pkcs12Ptr modern = read_pkcs12(bytes, nullptr);
  ERR_clear_error();
  if (!modern) return false;
  auto opened = open_pkcs12(modern.get(), password, out);
  if (opened) return true;
  ERR_clear_error();
  const Pkcs12Ptr old = read_pkcs12(bytes, legacy_context());
  ImportedKeys again;
  if (!old || !open_pkcs12(old.get(), password, again)) return opened.error();
  out = std::move(again);
  return true;
}

base::Result<void> parse_der(base::ByteView bytes, const base::SecretBytes& password, ImportedKeys& out) {
  if (const X509Ptr x509 = parse_x509(bytes)) return take_certificate(x509.get(), out);
  ERR_clear_error();
  auto done = try_pkcs12(bytes, password, out);
  if (!done) return std::move(done).error();
  if (*done) return base::Done{};
  const auto size = static_cast<long>(bytes.size());
  const unsigned char* at = base::u8(bytes);
  if (const Pkcs7Ptr p7(d2i_PKCS7(nullptr, &at, size)); p7) return take_certificates(certificates_of(p7.get()), out);
  at = base::u8(bytes);
  if (const KeyPtr key(d2i_AutoPrivateKey(nullptr, &at, size)); key) return take_key(key.get(), out);
  ERR_clear_error();
  const BioPtr bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  if (const KeyPtr key(d2i_PKCS8PrivateKey_bio(bio.get(), nullptr, give_password, const_cast<base::SecretBytes*>(&password))); key)
    return take_key(key.get(), out);
  return base::fail(k_bad_key, "neither PEM, certificate, PKCS#7, PKCS#12 nor private key");
}

}  // namespace

base::Result<ImportedKeys> parse_key_file(base::ByteView bytes, const base::SecretBytes& password) {
  const ErrorScope errors;
  if (bytes.empty() || bytes.size() > k_max_key_file.value) return base::fail(k_bad_key, "key file: size");
  ImportedKeys out;
  const bool pem = bytes.find("-----BEGIN ") != base::ByteView::npos;
  if (auto parsed = pem ? parse_pem(bytes, password, out) : parse_der(bytes, password, out); !parsed) return parsed.error();
  if (out.certificates.empty() && out.private_key.empty()) return base::fail(k_bad_key, "no certificate and no key in the file");
  return out;
}

}  // namespace crypto::smime
