#include "certs/model/self_signed.hpp"

#include <arpa/inet.h>

#include <memory>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/core/errors.hpp"

namespace certs {
namespace {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;
using NamesPtr = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;
using NumberPtr = std::unique_ptr<BIGNUM, Freed<BN_free>>;

constexpr std::size_t k_common_name = 64;  // ub-common-name, RFC 5280 appendix A.1
constexpr long k_version_3 = 2;
constexpr unsigned k_serial_bits = 159;    // positive, and at most 20 octets

base::Error failed(const char* what) {
  ERR_clear_error();
  return base::fail(base::k_crypto_primitive, std::string("cannot make a certificate: ") + what);
}

bool add_name(GENERAL_NAMES* names, int type, std::string_view text) {
  ASN1_STRING* value = type == GEN_IPADD ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
  GENERAL_NAME* name = GENERAL_NAME_new();
  if (value == nullptr || name == nullptr || ASN1_STRING_set(value, text.data(), static_cast<int>(text.size())) != 1) {
    ASN1_STRING_free(value);
    GENERAL_NAME_free(name);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, value);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

bool add_host(GENERAL_NAMES* names, const std::string& host) {
  unsigned char address[16];
  for (const auto& [family, size] : {std::pair{AF_INET, 4u}, {AF_INET6, 16u}})
    if (::inet_pton(family, host.c_str(), address) == 1) return add_name(names, GEN_IPADD, {reinterpret_cast<const char*>(address), size});
  return add_name(names, GEN_DNS, host);
}

bool add_extension(X509* x509, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, x509, x509, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value);
  const bool done = extension != nullptr && X509_add_ext(x509, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return done;
}

struct Subject {
  std::string common_name;
  const GENERAL_NAMES* names = nullptr;
  const char* usage = nullptr;
  const char* purpose = nullptr;
};

bool set_serial(X509* x509) {
  const NumberPtr number(BN_new());
  return number && BN_rand(number.get(), k_serial_bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x509)) != nullptr;
}

base::Result<X509Ptr> make_x509(EVP_PKEY* key, const Subject& subject, base::Timestamp from, std::chrono::days lifetime) {
  X509Ptr x509(X509_new());
  const std::time_t start = std::chrono::floor<std::chrono::seconds>(from).time_since_epoch().count();
  const std::time_t end = start + std::chrono::seconds(lifetime).count();
  const std::string common_name = subject.common_name.substr(0, k_common_name);
  X509_NAME* name = x509 ? X509_get_subject_name(x509.get()) : nullptr;
  if (name == nullptr || X509_set_version(x509.get(), k_version_3) != 1 || !set_serial(x509.get())) return failed("serial number");
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(common_name.data()), static_cast<int>(common_name.size()), -1, 0) != 1 ||
      X509_set_issuer_name(x509.get(), name) != 1)
    return failed("name");
  if (X509_time_adj_ex(X509_getm_notBefore(x509.get()), 0, 0, const_cast<std::time_t*>(&start)) == nullptr ||
      X509_time_adj_ex(X509_getm_notAfter(x509.get()), 0, 0, const_cast<std::time_t*>(&end)) == nullptr)
    return failed("dates");
  if (X509_set_pubkey(x509.get(), key) != 1) return failed("key");
  if (!add_extension(x509.get(), NID_basic_constraints, "critical,CA:FALSE") || !add_extension(x509.get(), NID_key_usage, subject.usage) ||
      !add_extension(x509.get(), NID_ext_key_usage, subject.purpose) || !add_extension(x509.get(), NID_subject_key_identifier, "hash") ||
      X509_add1_ext_i2d(x509.get(), NID_subject_alt_name, const_cast<GENERAL_NAMES*>(subject.names), 0, X509V3_ADD_DEFAULT) != 1)
    return failed("extensions");
  if (X509_sign(x509.get(), key, EVP_sha256()) == 0) return failed("signature");
  return x509;
}

base::Result<SelfSigned> pem_of(const X509* x509, const EVP_PKEY* key) {
  // what OpenSSL allocates for a secret memory BIO is wiped when it is freed
  const BioPtr secret(BIO_new(BIO_s_secmem())), open(BIO_new(BIO_s_mem()));
  char* data = nullptr;
  if (!secret || !open || PEM_write_bio_X509(open.get(), const_cast<X509*>(x509)) != 1 ||
      PEM_write_bio_PKCS8PrivateKey(secret.get(), const_cast<EVP_PKEY*>(key), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return failed("PEM");
  SelfSigned out;
  long size = BIO_get_mem_data(open.get(), &data);
  out.certificate.assign(data, static_cast<std::size_t>(size));
  size = BIO_get_mem_data(secret.get(), &data);
  out.key = base::SecretBytes::copy_of({data, static_cast<std::size_t>(size)});
  return out;
}

base::Result<SelfSigned> make(KeyPtr key, const Subject& subject, base::Timestamp from, std::chrono::days lifetime) {
  if (!key) return failed("key");
  const auto x509 = make_x509(key.get(), subject, from, lifetime);
  if (!x509) return x509.error();
  return pem_of(x509->get(), key.get());
}

}  // namespace

base::Result<SelfSigned> make_server_certificate(const std::vector<std::string>& names, base::Timestamp from, std::chrono::days lifetime) {
  if (names.empty()) return base::fail(base::k_malformed, "a server certificate needs a name");
  const NamesPtr all(GENERAL_NAMES_new());
  for (const std::string& name : names)
    if (!all || !add_host(all.get(), name)) return failed("names");
  return make(KeyPtr(EVP_EC_gen("P-256")), {names.front(), all.get(), "critical,digitalSignature", "serverAuth"}, from, lifetime);
}

base::Result<SelfSigned> make_mail_certificate(const std::string& name, const std::string& address, base::Timestamp from, std::chrono::days lifetime) {
  const NamesPtr all(GENERAL_NAMES_new());
  if (!all || !add_name(all.get(), GEN_EMAIL, address)) return failed("names");
  return make(KeyPtr(EVP_RSA_gen(3072)), {name, all.get(), "critical,digitalSignature,keyEncipherment", "emailProtection"}, from, lifetime);
}

}  // namespace certs
