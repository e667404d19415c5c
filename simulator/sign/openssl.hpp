// OpenSSL's objects, freed by themselves; inside simulator/sign only.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/core/result.hpp"

namespace simulator {

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

// Of the call that just failed; empties OpenSSL's queue. k_crypto_primitive.
base::Error crypto_error(const char* what);

std::string pem_of(const X509* certificate);
std::string pem_of(const EVP_PKEY* key);  // PKCS#8, in clear
std::string der_of(const X509* certificate);
// Null if it is none.
X509Ptr certificate_of(std::string_view pem);
KeyPtr key_of(std::string_view pem);

}  // namespace simulator
