// Promise: one HTTP connection from its first byte to its close: TLS, requests one after the other (keep-alive and pipelined),
// each wait with its deadline, no request half answered. Where a body is refused unread the answer still reaches a peer that
// is busy writing (RFC 9112 section 9.6). Never throws away a deadline: a peer that drips bytes is cut off.
#pragma once

#include "base/core/clock.hpp"
#include "base/net/stream.hpp"
#include "gateway/web/exchange.hpp"
#include "gateway/web/reader.hpp"

namespace web {

struct SessionOptions {
  base::net::TlsServerPtr tls;                    // null: plain HTTP
  const base::Clock* clock = &base::system_clock();
  ReaderLimits limits;
  std::chrono::seconds tls_time{10};
  std::chrono::seconds idle_time{60};             // between requests
  std::chrono::seconds head_time{15};             // from the first byte of a header to its last
  std::chrono::seconds body_time{30};             // without any byte of a body
  std::uint64_t body_rate = 1024;                 // bytes a second that a body must reach once body_time is over
};

base::net::Awaitable<void> serve(base::net::Stream stream, SessionOptions options, Handler& handler);

}  // namespace web
