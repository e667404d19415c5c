#include "simulator/sign/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/core/errors.hpp"

namespace simulator {
namespace {

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(size)};
}

BioPtr reader_of(std::string_view text) { return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }

}  // namespace

base::Error crypto_error(const char* what) {
  char reason[256] = "";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, reason, sizeof reason);
  ERR_clear_error();
  return base::fail(base::k_crypto_primitive, std::string(what) + ": " + reason);
}

std::string pem_of(const X509* certificate) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(bio.get(), const_cast<X509*>(certificate));
  return text_of(bio.get());
}

std::string pem_of(const EVP_PKEY* key) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(bio.get(), const_cast<EVP_PKEY*>(key), nullptr, nullptr, 0, nullptr, nullptr);
  return text_of(bio.get());
}

std::string der_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size > 0 ? size : 0));
  OPENSSL_free(der);
  return out;
}

X509Ptr certificate_of(std::string_view pem) {
  X509Ptr out(PEM_read_bio_X509(reader_of(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return out;
}

KeyPtr key_of(std::string_view pem) {
  KeyPtr out(PEM_read_bio_PrivateKey(reader_of(pem).get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  return out;
}

}  // namespace simulator
