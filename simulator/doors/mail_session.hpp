// Promise: what IMAP and POP3 have in common: a login to a mailbox over TLS, and an engine that is fed bytes and gives bytes.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "simulator/doors/acceptor.hpp"
#include "simulator/provider/world.hpp"

namespace simulator {

inline constexpr std::size_t k_max_mail_line = 64 * 1024;

// One session's dialogue without I/O.
class MailEngine {
 public:
  virtual ~MailEngine() = default;
  virtual std::string greeting() = 0;
  // Takes bytes, gives what is to be said.
  virtual std::string feed(std::string_view bytes) = 0;
  virtual bool is_over() const = 0;
};

// Whose mailbox it is: with a password, or with the certificate that the connection showed. `shown`: its account, or null.
struct MailboxLogin {
  const Account* account = nullptr;
  demail::AuthLevel level = demail::AuthLevel::normal;
};
std::optional<MailboxLogin> log_in(World& world, Side side, const Account* shown, std::string_view name,
                                   std::string_view password);
// EXTERNAL: the certificate alone.
std::optional<MailboxLogin> log_in(World& world, const Account* shown);
// The three parts of SASL PLAIN (RFC 4616): name and password. nullopt where it is none.
std::optional<std::pair<std::string, std::string>> plain_credentials(std::string_view coded);

using EngineMaker = std::function<std::unique_ptr<MailEngine>(World&, Side, const Account* shown)>;
base::net::Awaitable<void> serve_mailbox(base::net::Stream stream, World& world, Side side, base::net::TlsServerPtr tls,
                                         EngineMaker make);

}  // namespace simulator
