// AUTH PLAIN and LOGIN (RFC 4954, RFC 4616), only under TLS.
#include "smtp/server/engine.hpp"

namespace smtp::server {
namespace {

constexpr std::size_t k_max_credential = 1024;  // bytes of a name or password

Reply malformed() { return {501, "5.5.2", "Credentials are not valid base64"}; }

}  // namespace

std::optional<Action> Engine::on(const Auth& auth) {
  if (!m_options.auth) return refuse({503, "5.5.1", "Authentication is not available here"}), std::nullopt;
  if (!m_tls) return refuse({538, "5.7.11", "Authentication needs TLS"}), std::nullopt;
  if (!m_account.empty() || m_in_mail) return refuse({503, "5.5.1", "Not now"}), std::nullopt;
  const bool login = auth.mechanism == "login";
  if (!login && auth.mechanism != "plain") return refuse({504, "5.5.4", "Mechanism not known; PLAIN or LOGIN"}), std::nullopt;
  AuthDialogue dialogue{login, {}, false};
  if (login) {
    m_state = dialogue;
    if (auth.initial) return login_step(std::get<AuthDialogue>(m_state), *auth.initial);
    say({334, "", "VXNlcm5hbWU6"});
    return std::nullopt;
  }
  if (auth.initial) return plain_credentials(*auth.initial);
  m_state = dialogue;
  say({334, "", std::string()});
  return std::nullopt;
}

std::optional<Action> Engine::auth_line(std::string_view line) {
  if (line == "*") {
    m_state = Idle{};
    refuse({501, "5.7.0", "Authentication cancelled"});
    return std::nullopt;
  }
  auto& dialogue = std::get<AuthDialogue>(m_state);
  if (dialogue.login) return login_step(dialogue, line);
  return plain_credentials(line);
}

std::optional<Action> Engine::login_step(AuthDialogue& dialogue, std::string_view coded) {
  auto text = base::parse_base64(coded);
  if (!text || text->size() > k_max_credential) {
    m_state = Idle{};
    refuse(malformed());
    return std::nullopt;
  }
  if (!dialogue.have_user) {
    dialogue.user = *std::move(text);
    dialogue.have_user = true;
    say({334, "", "UGFzc3dvcmQ6"});
    return std::nullopt;
  }
  const std::string user = dialogue.user;
  base::SecretBytes password = base::SecretBytes::copy_of(*text);
  base::wipe(*text);
  return check_credentials(user, std::move(password));
}

// RFC 4616: authorisation identity NUL name NUL password; we let nobody act for another
std::optional<Action> Engine::plain_credentials(std::string_view coded) {
  m_state = Idle{};
  auto text = base::parse_base64(coded == "=" ? "" : coded);
  if (!text || text->size() > 3 * k_max_credential) return refuse(malformed()), std::nullopt;
  const auto one = text->find('\0'), two = one == std::string::npos ? one : text->find('\0', one + 1);
  if (two == std::string::npos || text->find('\0', two + 1) != std::string::npos) return refuse(malformed()), std::nullopt;
  const std::string authorise = text->substr(0, one), user = text->substr(one + 1, two - one - 1);
  base::SecretBytes password = base::SecretBytes::copy_of(base::ByteView(*text).substr(two + 1));
  base::wipe(*text);
  if (!authorise.empty() && authorise != user) return refuse({535, "5.7.8", "Authentication failed"}), std::nullopt;
  return check_credentials(user, std::move(password));
}

std::optional<Action> Engine::check_credentials(const std::string& user, base::SecretBytes password) {
  m_state = Idle{};
  if (user.empty() || user.find('\0') != std::string::npos) return refuse({535, "5.7.8", "Authentication failed"}), std::nullopt;
  m_account = user;  // forgotten again unless the answer is good
  m_waiting = Waiting::password;
  return CheckPassword{user, std::move(password)};
}

void Engine::password_checked(PasswordResult result) {
  m_waiting = Waiting::none;
  if (result == PasswordResult::good) return say({235, "2.7.0", "Authentication successful"});
  m_account.clear();
  if (result == PasswordResult::temporary)
    refuse({454, "4.7.0", "Authentication is busy, try again"});
  else
    refuse({535, "5.7.8", "Authentication failed"});
}

}  // namespace smtp::server
