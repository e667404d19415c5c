#include "smtp/server/session.hpp"

#include <array>

#include "base/core/errors.hpp"

namespace smtp::server {
namespace {

using base::net::Awaitable;
using base::net::Stream;

constexpr std::size_t k_read_size = 64 * 1024;

// What one connection holds.
struct Session {
  Stream stream;
  SessionOptions options;
  SessionInfo info;
  Engine engine;
  std::unique_ptr<SessionSink> sink;
  std::unique_ptr<Incoming> incoming;
  bool stopped = false;  // from outside
  std::unique_ptr<std::array<char, k_read_size>> buffer = std::make_unique_for_overwrite<std::array<char, k_read_size>>();

  Session(Stream s, SessionOptions o, bool tls) : stream(std::move(s)), options(std::move(o)), engine(options.engine, tls) {}

  const SessionInfo& refresh() {
    info.helo = engine.helo();
    info.esmtp = engine.esmtp();
    info.account = engine.account();
    return info;
  }
};

Awaitable<void> read(Session& s, std::chrono::seconds time) {
  s.stream.expires_after(time);
  const auto got = co_await s.stream.read_some(*s.buffer);
  if (got) {
    s.engine.received({s.buffer->data(), *got});
  } else if (got.error().code == base::k_cancelled) {
    s.stopped = true;
    s.engine.stop();
  } else {
    s.engine.closed();  // gone, or silent beyond the deadline: the socket is closed, nothing more can be said
  }
}

Awaitable<void> write(Session& s, std::string bytes) {
  s.stream.expires_after(s.options.engine.limits.command_time);
  const auto done = co_await s.stream.write(bytes);
  if (!done) s.engine.closed();
}

Awaitable<void> start_tls(Session& s) {
  s.stream.expires_after(s.options.engine.limits.tls_time);
  auto info = co_await s.stream.accept_tls(s.options.tls);
  if (!info) {
    s.engine.closed();
    co_return;
  }
  s.info.tls = *std::move(info);
  s.engine.tls_started();
}

// The reply to STARTTLS must be on the wire before the handshake begins.
Awaitable<void> step(Session& s, Action action) {
  if (auto* w = std::get_if<Write>(&action)) {
    co_await write(s, std::move(w->bytes));
  } else if (const auto* r = std::get_if<Read>(&action)) {
    co_await read(s, r->time);
  } else if (std::holds_alternative<smtp::server::StartTls>(action)) {
    co_await start_tls(s);
  } else if (auto* p = std::get_if<CheckPassword>(&action)) {
    const auto result = co_await s.sink->check_password(s.refresh(), std::move(p->account), std::move(p->password));
    s.engine.password_checked(result);
  } else if (std::holds_alternative<AskSender>(action)) {
    Reply reply = co_await s.sink->sender(s.refresh(), s.engine.envelope());
    s.engine.asked(std::move(reply));
  } else if (const auto* a = std::get_if<AskRecipient>(&action)) {
    Reply reply = co_await s.sink->recipient(s.refresh(), s.engine.envelope(), a->recipient);
    s.engine.asked(std::move(reply));
  } else if (std::holds_alternative<OpenBody>(action)) {
    std::optional<Reply> refusal;
    s.incoming = s.sink->open(s.refresh(), s.engine.envelope(), refusal);
    s.engine.body_opened(std::move(refusal));
  } else if (const auto* b = std::get_if<BodyPiece>(&action)) {
    s.engine.body_written(s.incoming->write(b->bytes));
  } else if (std::holds_alternative<DropBody>(action)) {
    s.incoming.reset();
  } else if (std::holds_alternative<Accept>(action)) {
    const auto incoming = std::move(s.incoming);
    Reply reply = co_await incoming->commit();
    s.engine.asked(std::move(reply));
  }
}

}  // namespace

Awaitable<void> serve(Stream stream, SessionOptions options, MailSink& sink) {
  SessionInfo info;
  info.peer_address = stream.peer_address();
  info.peer_port = stream.peer_port();
  const bool implicit = options.implicit_tls;
  if (implicit) {
    stream.expires_after(options.engine.limits.tls_time);
    auto tls = co_await stream.accept_tls(options.tls);
    if (!tls) co_return;
    info.tls = *std::move(tls);
  }
  Session session(std::move(stream), std::move(options), implicit);
  session.info = std::move(info);
  std::optional<Reply> refusal;
  session.sink = sink.connect(session.info, refusal);
  if (refusal) {
    co_await write(session, format_reply(*refusal));
    co_return;
  }
  while (true) {
    Action action = session.engine.next();
    if (std::holds_alternative<Close>(action)) break;
    co_await step(session, std::move(action));
  }
  if (session.stopped)
    co_await session.stream.linger_and_close();  // in the middle of a message the peer is still sending
  else
    co_await session.stream.shutdown_and_close();
}

}  // namespace smtp::server
