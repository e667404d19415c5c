#include "base/net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/core/errors.hpp"
#include "base/net/tls_context.hpp"

namespace base::net {
namespace {

using boost::system::error_code;

void harden(SSL_CTX* ctx) {
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  // TR-02102-2: forward secrecy and authenticated encryption under TLS 1.2; the suites of TLS 1.3 all have both
  SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM");
  SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
}

Error tls_error(const char* what, const error_code& ec) { return fail(k_tls, std::string(what) + ": " + ec.message()); }

Result<void> use_identity(boost::asio::ssl::context& context, std::string_view certificate_pem, const SecretBytes& key_pem) {
  error_code ec;
  context.use_certificate_chain(boost::asio::buffer(certificate_pem), ec);
  if (ec) return tls_error("certificate", ec);
  context.use_private_key(boost::asio::buffer(key_pem.view()), boost::asio::ssl::context::pem, ec);
  if (ec) return tls_error("private key", ec);
  if (SSL_CTX_check_private_key(context.native_handle()) == 1) return Done{};
  ERR_clear_error();
  return fail(k_tls, "the private key does not belong to the certificate");
}

}  // namespace

Result<TlsServerPtr> make_tls_server(std::string_view certificate_pem, const SecretBytes& key_pem,
                                     const std::optional<std::filesystem::path>& client_anchors) {
  auto out = std::make_shared<TlsServerContext>();
  auto& context = out->context;
  error_code ec;
  harden(context.native_handle());
  const auto identity = use_identity(context, certificate_pem, key_pem);
  if (!identity) return identity.error();
  static constexpr unsigned char k_session[] = "amtsbote";
  SSL_CTX_set_session_id_context(context.native_handle(), k_session, sizeof k_session - 1);
  SSL_CTX_set_num_tickets(context.native_handle(), 1);
  if (client_anchors) {
    context.load_verify_file(client_anchors->string(), ec);
    if (ec) return tls_error("client anchors", ec);
    // asked for, not demanded: an unverified client is told so by SMTP, in words
    SSL_CTX_set_verify(context.native_handle(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  }
  return TlsServerPtr(std::move(out));
}

Result<TlsClientPtr> make_tls_client(const std::optional<std::filesystem::path>& anchors) {
  auto out = std::make_shared<TlsClientContext>();
  auto& context = out->context;
  error_code ec;
  harden(context.native_handle());
  if (anchors)
    context.load_verify_file(anchors->string(), ec);
  else
    context.set_default_verify_paths(ec);
  if (ec) return tls_error("anchors", ec);
  // the verdict is read after the handshake: opportunistic TLS goes on without it, `verified` does not
  SSL_CTX_set_verify(context.native_handle(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
  return TlsClientPtr(std::move(out));
}

Result<TlsClientPtr> make_tls_client(const std::optional<std::filesystem::path>& anchors, std::string_view certificate_pem, const SecretBytes& key_pem) {
  auto out = make_tls_client(anchors);
  if (!out) return out;
  const auto identity = use_identity(const_cast<TlsClientContext&>(**out).context, certificate_pem, key_pem);
  if (!identity) return identity.error();
  return out;
}

Result<TlsClientPtr> make_pinned_tls_client(const std::filesystem::path& certificate) {
  auto out = make_tls_client(certificate);
  if (out) X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(const_cast<TlsClientContext&>(**out).context.native_handle()), X509_V_FLAG_PARTIAL_CHAIN);
  return out;
}

}  // namespace base::net
