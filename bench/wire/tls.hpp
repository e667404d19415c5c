// Promise: TLS contexts for the bench: a server with a throw-away P-256 certificate made in memory, a client that takes any
// certificate. Nothing is verified: who may speak to whom is not what is measured, and both ends stand on loopback.
#pragma once

#include <openssl/ssl.h>

#include <memory>

namespace bench {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

TlsContext make_server_tls();
TlsContext make_client_tls();

}  // namespace bench
