#include <array>
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
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

// --- Unix sockets, interruption ---

class SocketPath {
 public:
  SocketPath() {
    char name[] = "/tmp/amtsbote-net-XXXXXX";
    m_directory = ::mkdtemp(name);
  }
  ~SocketPath() { std::filesystem::remove_all(m_directory); }
  std::string path() const { return m_directory + "/socket"; }

 private:
  std::string m_directory;
};

Awaitable<void> talk_locally(asio::io_context& io, const std::string& path, std::string& heard, std::string& address) {
  asio::local::stream_protocol::acceptor acceptor(io, asio::local::stream_protocol::endpoint(path));
  auto stream = co_await connect_local(path, std::chrono::seconds(5));
  EXPECT_TRUE(stream);
  if (!stream) co_return;
  Stream other(acceptor.accept());
  address = other.peer_address();
  stream->expires_after(std::chrono::seconds(5));
  other.expires_after(std::chrono::seconds(5));
  const auto sent = co_await stream->write("LHLO");
  EXPECT_TRUE(sent);
  std::array<char, 10> buffer{};
  const auto got = co_await other.read_some(buffer);
  if (got) heard.assign(buffer.data(), *got);
}

TEST(Connect, UnixSocket) {
  asio::io_context io(1);
  const SocketPath socket;
  std::string heard, address;
  run(io, talk_locally(io, socket.path(), heard, address));
  EXPECT_EQ(heard, "LHLO");
  EXPECT_EQ(address, "unix");
}

Awaitable<void> dial_nothing(std::string path, Code& seen) {
  auto stream = co_await connect_local(std::move(path), std::chrono::seconds(5));
  if (!stream) seen = stream.error().code;
}

TEST(Connect, UnixSocketThatIsNotThere) {
  asio::io_context io(1);
  const SocketPath socket;
  Code seen;
  run(io, dial_nothing(socket.path(), seen));
  EXPECT_EQ(seen, k_connection);
  io.restart();
  run(io, dial_nothing(std::string(200, 'x'), seen));
  EXPECT_EQ(seen, k_malformed);
}

Awaitable<void> interrupt_reads(asio::io_context& io, std::vector<std::string>& seen) {
  tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  auto stream = co_await connect("127.0.0.1", acceptor.local_endpoint().port(), std::chrono::seconds(5));
  EXPECT_TRUE(stream);
  if (!stream) co_return;
  Stream other(acceptor.accept());
  std::array<char, 10> buffer{};
  stream->expires_after(std::chrono::seconds(5));
  other.expires_after(std::chrono::seconds(5));
  asio::post(io, stream->interrupter());  // runs while the read waits
  const auto waiting = co_await stream->read_some(buffer);
  seen.emplace_back(waiting ? "read" : waiting.error().code.name);
  stream->interrupter()();                // before the read begins
  const auto next = co_await stream->read_some(buffer);
  seen.emplace_back(next ? "read" : next.error().code.name);
  const auto sent = co_await other.write("x");  // the stream goes on
  EXPECT_TRUE(sent);
  const auto after = co_await stream->read_some(buffer);
  seen.emplace_back(after ? "read" : after.error().code.name);
}

TEST(Stream, InterruptionEndsOneReadAndNothingElse) {
  asio::io_context io(1);
  std::vector<std::string> seen;
  run(io, interrupt_reads(io, seen));
  EXPECT_EQ(seen, (std::vector<std::string>{"cancelled", "cancelled", "read"}));
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
