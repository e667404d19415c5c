// Headers as haproxy.org's "proxy-protocol.txt" lays them out.
#include <array>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "base/core/errors.hpp"
#include "base/net/connect.hpp"
#include "base/net/proxy_header.hpp"

namespace base::net {
namespace {

constexpr const char* k_signature = "0d0a0d0a000d0a515549540a";

std::string bytes_of(const std::string& hex) { return *parse_hex(hex); }

std::string two_bytes(std::size_t number) { return {static_cast<char>(number >> 8), static_cast<char>(number & 0xff)}; }

// Signature, command, family, the length that is right, and the rest.
std::string header(const char* command_and_family, const std::string& rest_hex) {
  const std::string rest = bytes_of(rest_hex);
  return bytes_of(std::string(k_signature) + command_and_family) + two_bytes(rest.size()) + rest;
}

const std::string k_four_addresses = "c0000207" "c6336401" "c350" "0019";  // 192.0.2.7:50000 to 198.51.100.1:25
const std::string k_six_addresses = "20010db8000000000000000000000007" "20010db8000000000000000000000001" "c350" "0019";

TEST(ProxyHeader, NamesThePeer) {
  const auto four = parse_proxy_header(header("2111", k_four_addresses));
  ASSERT_TRUE(four && *four);
  EXPECT_EQ((*four)->address, "192.0.2.7");
  EXPECT_EQ((*four)->port, 50000);
  const auto six = parse_proxy_header(header("2121", k_six_addresses));
  ASSERT_TRUE(six && *six);
  EXPECT_EQ((*six)->address, "2001:db8::7");
  EXPECT_EQ((*six)->port, 50000);
  // a mapped address is the address that it maps: networks are compared with it
  const auto mapped = parse_proxy_header(header("2121", "00000000000000000000ffffc0000207" "20010db8000000000000000000000001" "c350" "0019"));
  ASSERT_TRUE(mapped && *mapped);
  EXPECT_EQ((*mapped)->address, "192.0.2.7");
}

TEST(ProxyHeader, LocalIsTheProxyItself) {
  for (const char* rest : {"", "00", "ffff"}) {
    const auto local = parse_proxy_header(header("2000", rest));
    ASSERT_TRUE(local) << rest;
    EXPECT_FALSE(*local);
  }
}

TEST(ProxyHeader, TlvsAreSkippedAndMustAddUp) {
  EXPECT_TRUE(parse_proxy_header(header("2111", k_four_addresses + "040000" "02000a" "67772e6578616d706c65")));
  for (const char* bad : {"04", "0400", "040001", "0400ff00", "03000412345678", "030003000000"})
    EXPECT_EQ(parse_proxy_header(header("2111", k_four_addresses + bad)).error().code, k_malformed) << bad;
  std::string many;
  for (std::size_t i = 0; i < k_proxy_max_tlvs; ++i) many += "040000";
  EXPECT_TRUE(parse_proxy_header(header("2111", k_four_addresses + many)));
  EXPECT_EQ(parse_proxy_header(header("2111", k_four_addresses + many + "040000")).error().code, k_too_large);
}

TEST(ProxyHeader, WhatIsNoAddressIsNoPeer) {
  const struct {
    const char *head, *rest;
  } rows[] = {
      {"2100", ""},                   // PROXY, but of nobody
      {"2112", "c0000207c6336401c3500019"},  // UDP
      {"2131", ""},                   // Unix sockets
      {"2211", "c0000207c6336401c3500019"},  // unknown command
      {"1111", "c0000207c6336401c3500019"},  // version 1 in these bytes
      {"3111", "c0000207c6336401c3500019"},
      {"2111", "c0000207c6336401c350"},      // too short for the family
      {"2121", "c0000207c6336401c3500019"},
  };
  for (const auto& row : rows) EXPECT_EQ(parse_proxy_header(header(row.head, row.rest)).error().code, k_malformed) << row.head;
  EXPECT_EQ(parse_proxy_header("PROXY TCP4 192.0.2.7 198.51.100.1 50000 25\r\n").error().code, k_malformed);
  EXPECT_EQ(parse_proxy_header("").error().code, k_malformed);
}

TEST(ProxyHeader, EveryCutAndEveryChangedByteOfTheFixedPart) {
  const std::string whole = header("2111", k_four_addresses);
  for (std::size_t n = 0; n < whole.size(); ++n) EXPECT_FALSE(parse_proxy_header(whole.substr(0, n))) << n;
  EXPECT_FALSE(parse_proxy_header(whole + "x"));
  for (std::size_t at = 0; at < 12; ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(parse_proxy_header(changed)) << at;
  }
  std::string longest = bytes_of(std::string(k_signature) + "2111") + two_bytes(k_proxy_max_rest + 1);
  EXPECT_EQ(proxy_rest_length(longest).error().code, k_too_large);
}

// --- over a connection ---

struct Seen {
  std::string address, rest;
  Code error;
  bool heard = false;
};

Awaitable<void> send_in_pieces(asio::io_context& io, std::string bytes, std::size_t piece, std::chrono::milliseconds patience, Seen& seen) {
  asio::ip::tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
  auto client = co_await connect("127.0.0.1", acceptor.local_endpoint().port(), std::chrono::seconds(5));
  EXPECT_TRUE(client);
  if (!client) co_return;
  Stream server(acceptor.accept());
  client->expires_after(std::chrono::seconds(5));
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    const std::string part = bytes.substr(at, piece);
    const auto sent = co_await client->write(part);
    EXPECT_TRUE(sent);
  }
  server.expires_after(patience);
  const auto peer = co_await read_proxy_header(server, seen.heard);
  if (!peer) {
    seen.error = peer.error().code;
    co_return;
  }
  if (*peer) seen.address = (*peer)->address;
  std::array<char, 100> buffer{};
  const auto got = co_await server.read_some(buffer);
  if (got) seen.rest.assign(buffer.data(), *got);
}

Seen talk(const std::string& bytes, std::size_t piece, std::chrono::milliseconds patience) {
  asio::io_context io(1);
  Seen seen;
  asio::co_spawn(io, send_in_pieces(io, bytes, piece, patience, seen), [&](std::exception_ptr) { io.stop(); });
  io.run();
  return seen;
}

TEST(ProxyHeader, ExactlyTheHeaderIsRead) {
  for (const std::size_t piece : {1, 7, 1000}) {
    const Seen seen = talk(header("2111", k_four_addresses + "040000") + "EHLO x\r\n", piece, std::chrono::seconds(5));
    EXPECT_EQ(seen.address, "192.0.2.7");
    EXPECT_TRUE(std::string("EHLO x\r\n").starts_with(seen.rest) && !seen.rest.empty()) << seen.rest;
  }
}

TEST(ProxyHeader, SlowIsOver) {
  const Seen half = talk(header("2111", k_four_addresses).substr(0, 20), 1000, std::chrono::milliseconds(30));
  EXPECT_EQ(half.error, k_timeout);
  EXPECT_TRUE(half.heard);
  const Seen silent = talk("", 1, std::chrono::milliseconds(30));
  EXPECT_EQ(silent.error, k_timeout);
  EXPECT_FALSE(silent.heard);
}

}  // namespace
}  // namespace base::net
