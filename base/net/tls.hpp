// Promise: TLS settings as values, loaded once, shared by connections; TLS 1.2 and 1.3 only (BSI TR-02102-2).
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "base/core/result.hpp"
#include "base/core/secret.hpp"

namespace base::net {

// What a connection negotiated.
struct TlsInfo {
  std::string version;             // "TLSv1.3"
  std::string cipher;
  bool peer_verified = false;      // the peer's certificate led to an anchor and, on the client side, names the host
  std::string peer_subject;        // common name of a verified client certificate; untrusted text
  std::string peer_fingerprint;    // SHA-256 of its DER, upper-case hex; "" without one
  std::string verify_error;        // why not verified
};

class TlsServerContext;
class TlsClientContext;
using TlsServerPtr = std::shared_ptr<const TlsServerContext>;
using TlsClientPtr = std::shared_ptr<const TlsClientContext>;

// PEM chain and key. `client_anchors`: PEM file; client certificates are asked for and checked against it, never demanded
// by TLS itself (what an unverified client may do is the protocol's decision). k_tls says what does not fit.
Result<TlsServerPtr> make_tls_server(std::string_view certificate_pem, const SecretBytes& key_pem,
                                     const std::optional<std::filesystem::path>& client_anchors);

// `anchors`: PEM file of trusted roots; without it the system's.
Result<TlsClientPtr> make_tls_client(const std::optional<std::filesystem::path>& anchors);
// The same, and shows this PEM chain where the server asks for a certificate. k_tls says what does not fit.
Result<TlsClientPtr> make_tls_client(const std::optional<std::filesystem::path>& anchors, std::string_view certificate_pem, const SecretBytes& key_pem);
// Trusts the certificates of this file themselves, be they roots or not: for a peer whose certificate is known beforehand.
Result<TlsClientPtr> make_pinned_tls_client(const std::filesystem::path& certificate);

}  // namespace base::net
