// Promise: the port through which accepted mail leaves this room. The gateway implements it; this room never learns what
// stands behind. One SessionSink a connection, used by one coroutine at a time on the connection's executor.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/net/asio.hpp"
#include "base/net/tls.hpp"
#include "smtp/server/engine.hpp"

namespace smtp::server {

struct SessionInfo {
  std::string peer_address;
  std::uint16_t peer_port = 0;
  std::string helo;
  bool esmtp = false;
  std::optional<base::net::TlsInfo> tls;
  std::string account;             // authenticated as; "" if not
};

// A message while it arrives. Destroyed without commit(), everything of it is gone.
class Incoming {
 public:
  virtual ~Incoming() = default;
  // Takes message bytes; must not block for long. A Reply is a refusal: nothing more is written.
  virtual std::optional<Reply> write(base::ByteView bytes) = 0;
  // The message is whole. A 250 is given only after message and receipt are durable.
  virtual base::net::Awaitable<Reply> commit() = 0;
};

class SessionSink {
 public:
  virtual ~SessionSink() = default;
  virtual base::net::Awaitable<PasswordResult> check_password(const SessionInfo& session, std::string account, base::SecretBytes password) = 0;
  // 250 or a refusal.
  virtual base::net::Awaitable<Reply> sender(const SessionInfo& session, const Envelope& envelope) = 0;
  virtual base::net::Awaitable<Reply> recipient(const SessionInfo& session, const Envelope& envelope, const Recipient& recipient) = 0;
  // Never null without a refusal.
  virtual std::unique_ptr<Incoming> open(const SessionInfo& session, const Envelope& envelope, std::optional<Reply>& refusal) = 0;
};

class MailSink {
 public:
  virtual ~MailSink() = default;
  // Null with a refusal: the connection gets it as its greeting and is closed.
  virtual std::unique_ptr<SessionSink> connect(const SessionInfo& session, std::optional<Reply>& refusal) = 0;
};

}  // namespace smtp::server
