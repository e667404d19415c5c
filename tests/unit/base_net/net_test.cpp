#include <array>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/core/errors.hpp"
#include "base/net/connect.hpp"
#include "base/net/pool.hpp"
#include "base/net/stream.hpp"

namespace base::net {
namespace {

using asio::ip::tcp;

// Runs one coroutine to its end on a loop of its own.
void run(asio::io_context& io, Awaitable<void> work) {
  std::exception_ptr failed;
  asio::co_spawn(io, std::move(work), [&](std::exception_ptr e) {
    failed = e;
    io.stop();
  });
  io.run();
  if (failed) std::rethrow_exception(failed);
}

Awaitable<void> silent_peer(asio::io_context& io, Code& seen) {
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  const auto port = acceptor.local_endpoint().port();
  auto stream = co_await connect("127.0.0.1", port, std::chrono::seconds(5));
  if (!stream) co_return;
  std::array<char, 10> buffer{};
  stream->expires_after(std::chrono::milliseconds(30));
  const auto got = co_await stream->read_some(buffer);
  if (!got) seen = got.error().code;
}

TEST(Stream, SilentPeerMeetsTheDeadline) {
  asio::io_context io(1);
  Code seen;
  run(io, silent_peer(io, seen));
  EXPECT_EQ(seen, k_timeout);
}

Awaitable<void> echo_once(tcp::acceptor& acceptor) {
  tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
  Stream stream(std::move(socket));
  std::array<char, 10> buffer{};
  stream.expires_after(std::chrono::seconds(5));
  const auto got = co_await stream.read_some(buffer);
  if (!got) co_return;
  const std::string text(buffer.data(), *got);
  const auto sent = co_await stream.write(text);
  EXPECT_TRUE(sent);
}

Awaitable<void> talk(asio::io_context& io, std::string& heard) {
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  const auto port = acceptor.local_endpoint().port();
  asio::co_spawn(io, echo_once(acceptor), [](std::exception_ptr) {});
  auto stream = co_await connect("127.0.0.1", port, std::chrono::seconds(5));
  EXPECT_TRUE(stream);
  EXPECT_EQ(stream->peer_address(), "127.0.0.1");
  stream->expires_after(std::chrono::seconds(5));
  const std::string hello = "hallo";
  const auto sent = co_await stream->write(hello);
  EXPECT_TRUE(sent);
  std::array<char, 10> buffer{};
  const auto got = co_await stream->read_some(buffer);
  EXPECT_TRUE(got);
  heard.assign(buffer.data(), *got);
  // the peer is gone now: an error, not a hang
  const auto end = co_await stream->read_some(buffer);
  EXPECT_EQ(end.error().code, k_connection);
}

TEST(Stream, TalksAndNoticesTheEnd) {
  asio::io_context io(1);
  std::string heard;
  run(io, talk(io, heard));
  EXPECT_EQ(heard, "hallo");
}

Awaitable<void> refused(asio::io_context& io, Code& seen) {
  std::uint16_t port = 0;
  {
    tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    port = acceptor.local_endpoint().port();
  }
  auto stream = co_await connect("127.0.0.1", port, std::chrono::seconds(5));
  if (!stream) seen = stream.error().code;
}

TEST(Connect, RefusedIsAnErrorOfTheConnection) {
  asio::io_context io(1);
  Code seen;
  run(io, refused(io, seen));
  EXPECT_EQ(seen, k_connection);
}

Awaitable<void> on_pool(Pool& pool, std::thread::id& there, std::thread::id& back, std::string& result) {
  auto work = [&there] {
    there = std::this_thread::get_id();
    return std::string("fertig");
  };
  result = co_await run_on(pool, std::move(work));
  back = std::this_thread::get_id();
}

TEST(Pool, WorksElsewhereAndComesBack) {
  asio::io_context io(1);
  Pool pool(2);
  std::thread::id there, back;
  std::string result;
  run(io, on_pool(pool, there, back, result));
  EXPECT_EQ(result, "fertig");
  EXPECT_TRUE(there != std::this_thread::get_id());
  EXPECT_TRUE(back == std::this_thread::get_id());
  pool.join();
}

TEST(HostPort, Table) {
  EXPECT_EQ(parse_host_port("relay.example.net:587")->port, 587);
  EXPECT_EQ(parse_host_port("[2001:db8::1]:25")->host, "2001:db8::1");
  for (const char* bad : {"", "x", "x:", ":25", "x:99999", "2001:db8::1:25", "x:25a"}) EXPECT_FALSE(parse_host_port(bad)) << bad;
  EXPECT_TRUE(is_loopback("127.8.8.8"));
  EXPECT_TRUE(is_loopback("::1"));
  EXPECT_FALSE(is_loopback("192.0.2.1"));
}

}  // namespace
}  // namespace base::net
