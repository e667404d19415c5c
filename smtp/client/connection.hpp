// Promise: one kept connection to a server: opened once, used for one transaction after another, each wait under a deadline.
#pragma once

#include <memory>

#include "base/core/stream.hpp"
#include "base/net/stream.hpp"
#include "smtp/client/engine.hpp"

namespace smtp::client {

class Connection {
 public:
  // Greeting, EHLO, TLS and AUTH as the options demand. `host`: the name that the certificate must have. An outcome where
  // the peer or the route's floor says no.
  static base::net::Awaitable<std::variant<std::unique_ptr<Connection>, Outcome>> open(base::net::Stream stream, Options options,
                                                                                        base::net::TlsClientPtr tls, std::string host);
  // An outcome for every recipient, in their order. `content` is opened and read as it is sent.
  base::net::Awaitable<std::vector<Outcome>> send(Transaction transaction, base::ContentPtr content, bool has_dot_lines);
  base::net::Awaitable<void> quit();

  bool usable() const { return m_usable; }
  const Capabilities& capabilities() const { return m_engine.capabilities(); }
  const std::optional<base::net::TlsInfo>& tls() const { return m_tls_info; }

 private:
  Connection(base::net::Stream stream, Options options, base::net::TlsClientPtr tls, std::string host);
  base::net::Awaitable<void> step(Action action);
  base::net::Awaitable<void> start_tls();
  base::net::Awaitable<void> send_body();

  base::net::Stream m_stream;
  Options m_options;
  Engine m_engine;
  base::net::TlsClientPtr m_tls;
  std::string m_host;
  std::optional<base::net::TlsInfo> m_tls_info;
  base::ContentPtr m_content;
  bool m_has_dot_lines = true;
  bool m_usable = true;
};

}  // namespace smtp::client
