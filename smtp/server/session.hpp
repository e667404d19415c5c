// Promise: does what the engine says, on one connection, until it says Close. No rule of the dialogue is here.
#pragma once

#include "base/net/stream.hpp"
#include "smtp/server/sink.hpp"

namespace smtp::server {

struct SessionOptions {
  Options engine;
  base::net::TlsServerPtr tls;     // null: no TLS
  bool implicit_tls = false;       // 465
};

// Runs to the end of the connection; never throws for what the peer does. The stream's interrupter() ends it with a 421 at the
// next moment at which the server may speak.
base::net::Awaitable<void> serve(base::net::Stream stream, SessionOptions options, MailSink& sink);

}  // namespace smtp::server
