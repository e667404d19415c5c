// Promise: submission as providers offer it to organisations: SMTP under TLS, with a client certificate (the level high) or a
// password (the account's level). The dialogue is that of smtp/server; here is who may send, and where it is made to fail.
#pragma once

#include "simulator/doors/acceptor.hpp"
#include "simulator/provider/world.hpp"

namespace simulator {

// The certificate's account at that provider, if it showed a good one.
const Account* account_of(const World& world, Side side, const base::net::TlsInfo& tls);

// One connection. `implicit`: TLS from its first byte, otherwise STARTTLS.
base::net::Awaitable<void> serve_submission(base::net::Stream stream, World& world, Side side, base::net::TlsServerPtr tls,
                                            bool implicit);

}  // namespace simulator
