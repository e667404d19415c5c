// The port between the connection and what answers: one Exchange for each request. The session never asks for more after a
// Response was given.
#pragma once

#include <memory>

#include "base/net/asio.hpp"
#include "gateway/web/message.hpp"

namespace web {

class Exchange {
 public:
  virtual ~Exchange() = default;
  // Before a byte of the body is taken. A Response here refuses the rest unread.
  virtual base::net::Awaitable<std::optional<Response>> begin() = 0;
  // A piece of the body; a Response refuses the rest unread.
  virtual std::optional<Response> write(base::ByteView piece) = 0;
  // write() gave a Response, which goes out after this: the place to record why.
  virtual base::net::Awaitable<void> note_refusal() { co_return; }
  // The request is whole.
  virtual base::net::Awaitable<Response> finish() = 0;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // `request` and `client` live as long as the exchange.
  virtual std::unique_ptr<Exchange> open(const Request& request, const Client& client) = 0;
  // The answer to a request that was none; also the place to count and to record it.
  virtual base::net::Awaitable<Response> refuse(const Client& client, int status, std::string what) = 0;
};

}  // namespace web
