#include "smtp/client/connection.hpp"

#include <array>

#include "smtp/wire/dots.hpp"

namespace smtp::client {
namespace {

using base::net::Awaitable;

constexpr std::size_t k_piece = 64 * 1024;

}  // namespace

Connection::Connection(base::net::Stream stream, Options options, base::net::TlsClientPtr tls, std::string host)
    : m_stream(std::move(stream)),
      m_options(options),
      m_engine(std::move(options)),
      m_tls(std::move(tls)),
      m_host(std::move(host)) {}

Awaitable<std::variant<std::unique_ptr<Connection>, Outcome>> Connection::open(base::net::Stream stream, Options options,
                                                                               base::net::TlsClientPtr tls, std::string host) {
  const bool implicit = options.implicit_tls;
  std::unique_ptr<Connection> self(new Connection(std::move(stream), std::move(options), std::move(tls), std::move(host)));
  if (implicit) co_await self->start_tls();
  while (true) {
    Action action = self->m_engine.next();
    if (std::holds_alternative<Ready>(action)) break;
    if (std::holds_alternative<Close>(action)) {
      self->m_stream.close();
      Outcome failure = self->m_engine.failure();
      co_return failure;
    }
    co_await self->step(std::move(action));
  }
  co_return self;
}

Awaitable<std::vector<Outcome>> Connection::send(Transaction transaction, base::ContentPtr content, bool has_dot_lines) {
  m_content = std::move(content);
  m_has_dot_lines = has_dot_lines;
  m_engine.begin(std::move(transaction));
  while (true) {
    Action action = m_engine.next();
    if (std::holds_alternative<Finished>(action) || std::holds_alternative<Ready>(action)) break;
    if (std::holds_alternative<Close>(action)) break;
    co_await step(std::move(action));
  }
  m_content.reset();
  const Action after = m_engine.next();
  if (!std::holds_alternative<Ready>(after)) {
    m_usable = false;
    m_stream.close();
  }
  co_return m_engine.outcomes();
}

Awaitable<void> Connection::quit() {
  m_engine.quit();
  m_options.command_time = std::chrono::seconds(5);
  while (true) {
    Action action = m_engine.next();
    if (std::holds_alternative<Close>(action)) break;
    if (auto* read = std::get_if<Read>(&action)) read->time = m_options.command_time;
    co_await step(std::move(action));
  }
  m_usable = false;
  co_await m_stream.shutdown_and_close();
}

Awaitable<void> Connection::step(Action action) {
  if (const auto* w = std::get_if<Write>(&action)) {
    m_stream.expires_after(m_options.command_time);
    const auto done = co_await m_stream.write(w->bytes);
    if (!done) m_engine.lost(done.error().describe());
  } else if (const auto* r = std::get_if<Read>(&action)) {
    std::array<char, 4096> buffer;
    m_stream.expires_after(r->time);
    const auto got = co_await m_stream.read_some(buffer);
    if (got)
      m_engine.received({buffer.data(), *got});
    else
      m_engine.lost(got.error().describe());
  } else if (std::holds_alternative<StartTls>(action)) {
    co_await start_tls();
  } else if (std::holds_alternative<SendBody>(action)) {
    co_await send_body();
  }
}

Awaitable<void> Connection::start_tls() {
  m_stream.expires_after(std::chrono::seconds(30));
  auto info = co_await m_stream.connect_tls(m_tls, m_host);
  if (!info) {
    m_engine.lost(info.error().describe());
    co_return;
  }
  m_tls_info = *info;
  m_engine.tls_started(info->peer_verified, info->verify_error);
}

// A body that cannot be read to its end is never ended with a dot: the peer must not take half a message for a whole one.
Awaitable<void> Connection::send_body() {
  auto source = m_content->open();
  if (!source) {
    m_engine.lost(source.error().describe());
    m_stream.close();
    co_return;
  }
  Stuffer stuffer(m_has_dot_lines);
  const auto piece = std::make_unique_for_overwrite<std::array<char, k_piece>>();
  std::string out;
  bool more = true;
  while (more) {
    out.clear();
    // sources give what they have, which may be a header of ours alone: a small message and its dot leave in one write
    while (more && out.size() < k_piece) {
      const auto got = (*source)->read(*piece);
      if (!got) {
        m_engine.lost(got.error().describe());
        m_stream.close();
        co_return;
      }
      more = *got > 0;
      if (more)
        stuffer.feed({piece->data(), *got}, out);
      else
        stuffer.finish(out);
    }
    m_stream.expires_after(m_options.command_time);
    const auto done = co_await m_stream.write(out);
    if (!done) {
      // the dot may have left before the error: only then is the outcome unknown
      if (!more) m_engine.body_sent();
      m_engine.lost(done.error().describe());
      co_return;
    }
  }
  m_engine.body_sent();
}

}  // namespace smtp::client
