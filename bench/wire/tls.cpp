#include "bench/wire/tls.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "bench/wire/arguments.hpp"

namespace bench {
namespace {

void use_fresh_certificate(SSL_CTX* context) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 24L * 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("sink.invalid"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  const bool made = X509_sign(certificate, key, EVP_sha256()) > 0 && SSL_CTX_use_certificate(context, certificate) == 1 &&
                    SSL_CTX_use_PrivateKey(context, key) == 1;
  X509_free(certificate);
  EVP_PKEY_free(key);
  if (!made) stop("cannot make a certificate");
}

TlsContext make(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method));
  if (!context) stop("no TLS context");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  return context;
}

}  // namespace

TlsContext make_server_tls() {
  TlsContext context = make(TLS_server_method());
  use_fresh_certificate(context.get());
  static const unsigned char k_session_id[] = "bench";
  SSL_CTX_set_session_id_context(context.get(), k_session_id, sizeof k_session_id - 1);
  return context;
}

TlsContext make_client_tls() {
  TlsContext context = make(TLS_client_method());
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

}  // namespace bench
