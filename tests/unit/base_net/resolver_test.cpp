// The resolver against a name server of our own: a UDP socket whose answers are written here, byte by byte.
#include <array>
#include <map>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/redirect_error.hpp>

#include "base/core/bytes.hpp"
#include "base/core/errors.hpp"
#include "base/net/resolver.hpp"

namespace base::net {
namespace {

using asio::ip::udp;

std::string name_in_wire(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto label = name.substr(0, name.find('.'));
    out += static_cast<char>(label.size());
    out += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return out + '\0';
}

std::string u16(unsigned n) { return {static_cast<char>(n >> 8), static_cast<char>(n & 255)}; }

struct Zone {
  std::multimap<std::pair<std::string, int>, std::string> records;  // name in wire form and type to data
  int rcode = 0;
  bool silent = false;
  std::size_t asked = 0;
  void mx(const std::string& name, unsigned preference, const std::string& host) {
    records.emplace(std::pair(name_in_wire(name), 15), u16(preference) + (host == "." ? std::string(1, '\0') : name_in_wire(host)));
  }
};

Awaitable<void> serve(udp::socket& socket, Zone& zone) {
  while (true) {
    std::array<char, 1500> buffer{};
    udp::endpoint peer;
    boost::system::error_code ec;
    const std::size_t n = co_await socket.async_receive_from(asio::buffer(buffer), peer, asio::redirect_error(asio::use_awaitable, ec));
    if (ec || n < 17) co_return;
    ++zone.asked;
    if (zone.silent) continue;
    const std::string_view question(buffer.data() + 12, n - 12);
    const std::size_t end = question.find('\0') + 5;
    const std::string name = to_lower(question.substr(0, end - 4));
    const int type = static_cast<unsigned char>(question[end - 4]) << 8 | static_cast<unsigned char>(question[end - 3]);
    const auto [first, last] = zone.records.equal_range({name, type});
    const bool known = std::any_of(zone.records.begin(), zone.records.end(), [&](const auto& r) { return r.first.first == name; });
    const int rcode = zone.rcode != 0 ? zone.rcode : known ? 0 : 3;
    std::string answer(buffer.data(), 2);
    answer += u16(0x8180u | static_cast<unsigned>(rcode)) + u16(1) + u16(static_cast<unsigned>(std::distance(first, last))) + u16(0) + u16(0);
    answer += question.substr(0, end);
    for (auto it = first; it != last; ++it) answer += "\xc0\x0c" + u16(static_cast<unsigned>(type)) + u16(1) + u16(0) + u16(300) + u16(static_cast<unsigned>(it->second.size())) + it->second;
    const std::size_t sent = co_await socket.async_send_to(asio::buffer(answer), peer, asio::redirect_error(asio::use_awaitable, ec));
    if (sent == 0) co_return;
  }
}

// Asks one question of a resolver that forwards to the zone.
template <class Answer, class Ask>
Result<Answer> ask(Zone& zone, Ask question, std::chrono::milliseconds deadline = std::chrono::seconds(20)) {
  asio::io_context io(1);
  udp::socket socket(io, {asio::ip::make_address("127.0.0.1"), 0});
  ResolverOptions options;
  options.forwarders = {"127.0.0.1@" + std::to_string(socket.local_endpoint().port())};
  options.deadline = deadline;
  auto resolver = Resolver::make(io.get_executor(), options);
  if (!resolver) return std::move(resolver).error();
  asio::co_spawn(io, serve(socket, zone), [](std::exception_ptr) {});
  Result<Answer> out = fail(k_resolve, "never answered");
  asio::co_spawn(io, question(**resolver, out), [&](std::exception_ptr) { io.stop(); });
  io.run();
  return out;
}

Awaitable<void> ask_mx(Resolver& resolver, Result<MxAnswer>& out) { out = co_await resolver.mx("stadt.example"); }
Awaitable<void> ask_addresses(Resolver& resolver, Result<std::vector<std::string>>& out) { out = co_await resolver.addresses("mx.stadt.example"); }

TEST(Resolver, MxByPreference) {
  Zone zone;
  zone.mx("stadt.example", 20, "B.stadt.example");
  zone.mx("stadt.example", 5, "a.stadt.example");
  const auto answer = ask<MxAnswer>(zone, ask_mx);
  ASSERT_TRUE(answer) << answer.error().describe();
  ASSERT_EQ(answer->hosts.size(), 2u);
  EXPECT_EQ(answer->hosts[0].host, "a.stadt.example");
  EXPECT_EQ(answer->hosts[1].host, "b.stadt.example");
  EXPECT_FALSE(answer->null_mx);
  EXPECT_FALSE(answer->secure);
}

TEST(Resolver, NullMxNeedsToStandAlone) {
  Zone zone;
  zone.mx("stadt.example", 0, ".");
  auto answer = ask<MxAnswer>(zone, ask_mx);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->null_mx);
  EXPECT_TRUE(answer->hosts.empty());
  zone.mx("stadt.example", 10, "a.stadt.example");
  answer = ask<MxAnswer>(zone, ask_mx);
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->null_mx);
  EXPECT_EQ(answer->hosts.size(), 1u);
}

TEST(Resolver, NoIsTwoThings) {
  Zone zone;
  EXPECT_EQ(ask<MxAnswer>(zone, ask_mx).error().code, k_no_such_domain);
  zone.records.emplace(std::pair(name_in_wire("stadt.example"), 16), "\x01x");
  const auto empty = ask<MxAnswer>(zone, ask_mx);
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->hosts.empty() && !empty->null_mx);
}

TEST(Resolver, TroubleIsNeverNo) {
  for (const int rcode : {2, 5}) {
    Zone zone;
    zone.rcode = rcode;
    EXPECT_EQ(ask<MxAnswer>(zone, ask_mx).error().code, k_resolve) << rcode;
    EXPECT_EQ(ask<std::vector<std::string>>(zone, ask_addresses).error().code, k_resolve) << rcode;
  }
}

TEST(Resolver, SilentServerMeetsTheDeadline) {
  Zone zone;
  zone.silent = true;
  EXPECT_EQ(ask<MxAnswer>(zone, ask_mx, std::chrono::milliseconds(200)).error().code, k_resolve);
  EXPECT_GT(zone.asked, 0u);
}

TEST(Resolver, AddressesOfBothKinds) {
  Zone zone;
  zone.records.emplace(std::pair(name_in_wire("mx.stadt.example"), 1), "\xc0\x00\x02\x01");
  zone.records.begin()->second = std::string("\xc0\x00\x02\x01", 4);
  auto answer = ask<std::vector<std::string>>(zone, ask_addresses);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, std::vector<std::string>{"192.0.2.1"});
  zone.records.emplace(std::pair(name_in_wire("mx.stadt.example"), 28), std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01");
  answer = ask<std::vector<std::string>>(zone, ask_addresses);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, (std::vector<std::string>{"192.0.2.1", "2001:db8::1"}));
}

TEST(Resolver, EqualsComeInAnyOrder) {
  const auto order = [](std::size_t pick) {
    std::vector<MxHost> hosts{{10, "a"}, {10, "b"}, {5, "c"}, {20, "d"}};
    order_hosts(hosts, [&](std::size_t below) { return std::min(pick, below - 1); });
    std::string out;
    for (const MxHost& host : hosts) out += host.host;
    return out;
  };
  std::set<std::string> seen;
  for (std::size_t pick = 0; pick < 4; ++pick) seen.insert(order(pick));
  EXPECT_EQ(seen, (std::set<std::string>{"cabd", "cbad"}));
}

}  // namespace
}  // namespace base::net
