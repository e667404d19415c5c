// The Asio side of tls.hpp; for base/net only.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include "base/net/tls.hpp"

namespace base::net {

class TlsServerContext {
 public:
  mutable boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
};

class TlsClientContext {
 public:
  mutable boost::asio::ssl::context context{boost::asio::ssl::context::tls_client};
};

}  // namespace base::net
