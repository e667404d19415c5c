#include "gateway/web/session.hpp"

#include <array>

#include "base/core/errors.hpp"

namespace web {
namespace {

using base::net::Awaitable;
using base::net::Stream;

constexpr std::size_t k_read_size = 16 * 1024;
constexpr std::size_t k_linger = 64 * 1024 * 1024;  // bytes of a refused body that are read and dropped, so that the answer arrives
constexpr std::chrono::seconds k_linger_time{5};

struct Session {
  Stream stream;
  SessionOptions options;
  Client client;
  Reader reader;
  Handler& handler;
  base::Steady began{};                // of the request under way
  std::uint64_t body_bytes = 0;        // of the request under way
  bool stopped = false;                // we are to end: nothing more is read
  std::unique_ptr<std::array<char, k_read_size>> buffer = std::make_unique_for_overwrite<std::array<char, k_read_size>>();

  Session(Stream s, SessionOptions o, Handler& h) : stream(std::move(s)), options(std::move(o)), reader(options.limits), handler(h) {}
};

Awaitable<bool> read(Session& s) {
  const auto got = co_await s.stream.read_some(*s.buffer);
  if (!got) {
    s.stopped = got.error().code == base::k_cancelled;
    co_return false;
  }
  s.reader.feed({s.buffer->data(), *got});
  co_return true;
}

Awaitable<bool> write(Session& s, base::Bytes bytes) {
  s.stream.expires_after(s.options.body_time);
  const auto done = co_await s.stream.write(bytes);
  co_return done.has_value();
}

Awaitable<bool> respond(Session& s, Response response, bool keep_alive, bool head) {
  const std::string date = format_http_date(base::format_rfc5322(s.options.clock->now()));
  base::Bytes bytes = format_response(response, keep_alive, date, head);
  const bool written = co_await write(s, std::move(bytes));
  co_return written;
}

// The peer may still be writing; closing at once would reset the connection and take our answer with it.
Awaitable<void> linger(Session& s) {
  s.stream.expires_after(k_linger_time);
  for (std::size_t dropped = 0; dropped < k_linger;) {
    const auto got = co_await s.stream.read_some(*s.buffer);
    if (!got) break;
    dropped += *got;
  }
}

// Slower than a modem is not slow, it is an attack.
bool is_too_slow(const Session& s) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(s.options.clock->steady() - s.began);
  if (seconds < s.options.body_time) return false;
  return s.body_bytes < s.options.body_rate * static_cast<std::uint64_t>((seconds - s.options.body_time).count());
}

struct Head {
  std::optional<Request> request;  // absent: the connection is over
  std::optional<Fault> fault;
};

Awaitable<Head> read_head(Session& s) {
  bool begun = false;
  s.stream.expires_after(s.options.idle_time);
  while (true) {
    ReaderStep step = s.reader.next();
    if (auto* request = std::get_if<Request>(&step)) co_return Head{std::move(*request), std::nullopt};
    if (const auto* fault = std::get_if<Fault>(&step)) co_return Head{std::nullopt, *fault};
    if (!begun && s.reader.within_request()) {
      begun = true;  // from here the deadline stands: a byte now and then does not move it
      s.stream.expires_after(s.options.head_time);
    }
    const bool more = co_await read(s);
    if (!more) co_return Head{};
  }
}

struct Answer {
  std::optional<Response> response;  // absent: the peer is gone
  bool whole = true;                 // the request was read to its end
};

Awaitable<Answer> read_body(Session& s, Exchange& exchange) {
  while (true) {
    ReaderStep step = s.reader.next();
    if (std::holds_alternative<EndOfRequest>(step)) break;
    if (const auto* fault = std::get_if<Fault>(&step)) {
      Response response = co_await s.handler.refuse(s.client, fault->status, fault->what);
      co_return Answer{std::move(response), false};
    }
    if (const auto* piece = std::get_if<BodyPiece>(&step)) {
      s.body_bytes += piece->bytes.size();
      auto refused = exchange.write(piece->bytes);
      if (refused) {
        co_await exchange.note_refusal();
        co_return Answer{std::move(refused), false};
      }
      continue;
    }
    if (is_too_slow(s)) {
      Response response = co_await s.handler.refuse(s.client, 408, "the body comes too slowly");
      co_return Answer{std::move(response), false};
    }
    s.stream.expires_after(s.options.body_time);
    const bool more = co_await read(s);
    if (!more && s.stopped) {
      Response response = co_await s.handler.refuse(s.client, 503, "the gateway is stopping");
      co_return Answer{std::move(response), false};
    }
    if (!more) co_return Answer{std::nullopt, false};
  }
  Response response = co_await exchange.finish();
  co_return Answer{std::move(response), true};
}

// One request; false: the connection ends here.
Awaitable<bool> exchange_one(Session& s) {
  Head head = co_await read_head(s);
  if (head.fault) {
    Response response = co_await s.handler.refuse(s.client, head.fault->status, head.fault->what);
    const bool written = co_await respond(s, std::move(response), false, false);
    if (written) co_await linger(s);
    co_return false;
  }
  if (!head.request) co_return false;
  const Request& request = *head.request;
  s.began = s.options.clock->steady();
  s.body_bytes = 0;
  const auto exchange = s.handler.open(request, s.client);
  auto early = co_await exchange->begin();
  Answer answer;
  if (early) {
    answer = {std::move(early), !request.has_body()};
    if (answer.whole) (void)s.reader.next();  // the end of a request without a body
  } else {
    if (request.wants_continue && request.has_body()) {
      base::Bytes go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      const bool told = co_await write(s, std::move(go_on));
      if (!told) co_return false;
    }
    answer = co_await read_body(s, *exchange);
  }
  if (!answer.response) co_return false;
  const bool keep = request.keep_alive && answer.whole;
  const bool written = co_await respond(s, *std::move(answer.response), keep, request.method == "HEAD");
  if (written && !answer.whole && !s.stopped) co_await linger(s);
  co_return written && keep;
}

}  // namespace

Awaitable<void> serve(Stream stream, SessionOptions options, Handler& handler) {
  Client client{stream.peer_address(), stream.peer_port(), std::nullopt};
  if (options.tls) {
    stream.expires_after(options.tls_time);
    auto tls = co_await stream.accept_tls(options.tls);
    if (!tls) co_return;
    client.tls = *std::move(tls);
  }
  // a connection's buffers come with its first words
  Session session(std::move(stream), std::move(options), handler);
  session.client = std::move(client);
  bool more = true;
  while (more) more = co_await exchange_one(session);
  co_await session.stream.shutdown_and_close();
}

}  // namespace web
