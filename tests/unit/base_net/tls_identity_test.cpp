// A client that shows its certificate, and the server that sees whose it is.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/core/errors.hpp"
#include "base/net/connect.hpp"
#include "base/net/stream.hpp"
#include "certs/model/certificate.hpp"
#include "certs/model/self_signed.hpp"

namespace base::net {
namespace {

using asio::ip::tcp;

certs::SelfSigned certificate_of(const std::string& name) {
  auto made = certs::make_server_certificate({name}, system_clock().now(), std::chrono::days(1));
  EXPECT_TRUE(made);
  return *std::move(made);
}

std::string der_of(std::string pem) {
  std::string text;
  for (std::size_t at = pem.find('\n') + 1; pem[at] != '-'; ++at)
    if (pem[at] != '\n') text += pem[at];
  return *parse_base64(text);
}

Awaitable<void> serve(tcp::acceptor& acceptor, TlsServerPtr context, TlsInfo& seen) {
  tcp::socket socket = co_await acceptor.async_accept(asio::use_awaitable);
  Stream stream(std::move(socket));
  stream.expires_after(std::chrono::seconds(5));
  const auto info = co_await stream.accept_tls(context);
  EXPECT_TRUE(info);
  if (info) seen = *info;
}

Awaitable<void> dial(std::uint16_t port, TlsClientPtr context) {
  auto stream = co_await connect("127.0.0.1", port, std::chrono::seconds(5));
  EXPECT_TRUE(stream);
  if (!stream) co_return;
  stream->expires_after(std::chrono::seconds(5));
  const auto info = co_await stream->connect_tls(context, "127.0.0.1");
  EXPECT_TRUE(info);
}

class TlsIdentity : public ::testing::Test {
 protected:
  TlsIdentity() {
    std::ofstream(m_anchors) << m_server.certificate << m_client.certificate;
    m_server_context = *make_tls_server(m_server.certificate, m_server.key, m_anchors);
  }
  ~TlsIdentity() override { std::filesystem::remove(m_anchors); }

  TlsInfo seen_by_the_server(TlsClientPtr client) {
    asio::io_context io(1);
    tcp::acceptor acceptor(io, {asio::ip::make_address("127.0.0.1"), 0});
    TlsInfo seen;
    asio::co_spawn(io, serve(acceptor, m_server_context, seen), [](std::exception_ptr e) { EXPECT_FALSE(e); });
    asio::co_spawn(io, dial(acceptor.local_endpoint().port(), std::move(client)), [](std::exception_ptr e) { EXPECT_FALSE(e); });
    io.run();
    return seen;
  }

  const std::filesystem::path m_anchors =
      std::filesystem::temp_directory_path() / ("amtsbote-tls-" + std::to_string(::getpid()) + ".pem");
  certs::SelfSigned m_server = certificate_of("127.0.0.1"), m_client = certificate_of("client.example");
  TlsServerPtr m_server_context;
};

TEST_F(TlsIdentity, IsShownWhereItIsAskedFor) {
  auto client = make_tls_client(m_anchors, m_client.certificate, m_client.key);
  ASSERT_TRUE(client) << client.error().describe();
  EXPECT_EQ(seen_by_the_server(*client).peer_fingerprint, certs::fingerprint_of(der_of(m_client.certificate)).hex);
}

TEST_F(TlsIdentity, WithoutOneNothingIsShown) {
  const TlsInfo seen = seen_by_the_server(*make_tls_client(m_anchors));
  EXPECT_EQ(seen.peer_fingerprint, "");
  EXPECT_EQ(seen.verify_error, "no certificate");
}

TEST_F(TlsIdentity, AForeignKeyDoesNotFit) {
  const auto client = make_tls_client(m_anchors, m_client.certificate, m_server.key);
  ASSERT_FALSE(client);
  EXPECT_EQ(client.error().code, k_tls);
}

}  // namespace
}  // namespace base::net
