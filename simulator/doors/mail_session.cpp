#include "simulator/doors/mail_session.hpp"

#include <array>

#include "simulator/doors/smtp_door.hpp"

namespace simulator {
namespace {

using base::net::Awaitable;

constexpr std::chrono::seconds k_tls{30};
constexpr std::chrono::minutes k_idle{30};

}  // namespace

std::optional<MailboxLogin> log_in(World& world, Side side, const Account* shown, std::string_view name,
                                   std::string_view password) {
  const Account* account = world.directory.find_login(name);
  if (account == nullptr || account->side != side || account->is_closed || account->password.empty()) return std::nullopt;
  if (!base::equal_secrets(account->password, password)) return std::nullopt;
  const MailboxLogin out{account, shown == account ? demail::AuthLevel::high : account->password_level};
  world.log_in(*account, out.level);
  return out;
}

std::optional<MailboxLogin> log_in(World& world, const Account* shown) {
  if (shown == nullptr) return std::nullopt;
  world.log_in(*shown, demail::AuthLevel::high);
  return MailboxLogin{shown, demail::AuthLevel::high};
}

std::optional<std::pair<std::string, std::string>> plain_credentials(std::string_view coded) {
  const auto text = base::parse_base64(coded);
  if (!text) return std::nullopt;
  const auto one = text->find('\0'), two = one == std::string::npos ? one : text->find('\0', one + 1);
  if (two == std::string::npos) return std::nullopt;
  return std::pair{text->substr(one + 1, two - one - 1), text->substr(two + 1)};
}

Awaitable<void> serve_mailbox(base::net::Stream stream, World& world, Side side, base::net::TlsServerPtr tls, EngineMaker make) {
  stream.expires_after(k_tls);
  const auto info = co_await stream.accept_tls(tls);
  if (!info) co_return;
  const std::unique_ptr<MailEngine> engine = make(world, side, account_of(world, side, *info));
  std::string out = engine->greeting();
  std::array<char, 16 * 1024> buffer{};
  while (true) {
    stream.expires_after(k_idle);
    if (!out.empty()) {
      const auto done = co_await stream.write(out);
      if (!done) co_return;
    }
    if (engine->is_over()) break;
    const auto got = co_await stream.read_some(buffer);
    if (!got) co_return;
    out = engine->feed({buffer.data(), *got});
  }
  co_await stream.shutdown_and_close();
}

}  // namespace simulator
