#include "simulator/doors/pop3.hpp"

#include <charconv>

#include "base/core/bytes.hpp"
#include "smtp/wire/dots.hpp"

namespace simulator {
namespace {

std::string stuffed(std::string_view text) {
  std::string out;
  smtp::Stuffer stuffer(true);
  stuffer.feed(text, out);
  stuffer.finish(out);
  return out;
}

// Header and so many lines of the body.
std::string_view top_of(std::string_view message, std::size_t lines) {
  const auto end = message.find("\r\n\r\n");
  std::size_t at = end == std::string_view::npos ? message.size() : end + 4;
  for (; lines > 0 && at < message.size(); --lines) {
    const auto crlf = message.find("\r\n", at);
    at = crlf == std::string_view::npos ? message.size() : crlf + 2;
  }
  return message.substr(0, at);
}

std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return out;
}

}  // namespace

std::string Pop3::greeting() { return "+OK " + provider_of(m_side).hostname + " ready\r\n"; }

std::string Pop3::feed(std::string_view bytes) {
  m_in += bytes;
  std::string out;
  while (!m_over) {
    const auto crlf = m_in.find("\r\n");
    if (crlf == std::string::npos) {
      m_over = m_in.size() > k_max_mail_line;
      break;
    }
    const std::string line = m_in.substr(0, crlf);
    m_in.erase(0, crlf + 2);
    out += act(line);
  }
  return out;
}

std::string Pop3::act(std::string_view line) {
  if (std::exchange(m_sasl, false)) {
    const auto credentials = plain_credentials(line);
    if (!credentials) return "-ERR not understood\r\n";
    return logged_in(log_in(m_world, m_side, m_shown, credentials->first, credentials->second));
  }
  const std::string verb = base::to_lower(line.substr(0, line.find(' ')));
  const std::string_view argument = line.substr(std::min(verb.size() + 1, line.size()));
  if (verb == "capa") return "+OK\r\nUSER\r\nSASL PLAIN EXTERNAL\r\nTOP\r\nUIDL\r\n.\r\n";
  if (verb == "quit") return quit();
  return m_login ? transaction(verb, argument) : before_login(verb, argument);
}

std::string Pop3::before_login(const std::string& verb, std::string_view argument) {
  if (verb == "user") {
    m_user = argument;
    return "+OK\r\n";
  }
  if (verb == "pass") return logged_in(log_in(m_world, m_side, m_shown, m_user, argument));
  if (verb != "auth") return "-ERR log in first\r\n";
  const std::string mechanism = base::to_lower(argument.substr(0, argument.find(' ')));
  const std::string_view initial = argument.substr(std::min(mechanism.size() + 1, argument.size()));
  if (mechanism == "external") return logged_in(log_in(m_world, m_shown));
  if (mechanism != "plain") return "-ERR mechanism not known\r\n";
  if (initial.empty()) {
    m_sasl = true;
    return "+ \r\n";
  }
  const auto credentials = plain_credentials(initial);
  if (!credentials) return "-ERR not understood\r\n";
  return logged_in(log_in(m_world, m_side, m_shown, credentials->first, credentials->second));
}

std::string Pop3::logged_in(std::optional<MailboxLogin> login) {
  if (!login) return "-ERR [AUTH] wrong\r\n";
  m_login = login;
  for (const Stored& m : box().messages())
    if (Mailbox::is_visible(m, m_login->level)) m_view.push_back(m.uid);
  return "+OK " + std::to_string(m_view.size()) + " messages\r\n";
}

std::string Pop3::transaction(const std::string& verb, std::string_view argument) {
  if (verb == "stat" || verb == "list" || verb == "uidl") return list(verb, argument);
  if (verb == "retr") return retrieve(argument, false);
  if (verb == "top") return retrieve(argument, true);
  if (verb == "dele") return mark(argument);
  if (verb == "noop") return "+OK\r\n";
  if (verb != "rset") return "-ERR not known\r\n";
  m_marked.clear();
  return "+OK\r\n";
}

Stored* Pop3::find(std::string_view text) {
  const auto number = number_of(text);
  if (!number || *number == 0 || *number > m_view.size() || m_marked.contains(m_view[*number - 1])) return nullptr;
  return box().find(m_view[*number - 1]);
}

std::string Pop3::list(const std::string& verb, std::string_view argument) {
  const auto entry = [&](const Stored& m) {
    return verb == "uidl" ? std::to_string(box().uid_validity) + "-" + std::to_string(m.uid) : std::to_string(m.bytes.size());
  };
  if (!argument.empty()) {
    const Stored* m = find(argument);
    return m == nullptr ? "-ERR no such message\r\n" : "+OK " + std::string(argument) + " " + entry(*m) + "\r\n";
  }
  std::string lines;
  std::size_t count = 0, size = 0;
  for (std::size_t i = 0; i < m_view.size(); ++i) {
    const Stored* m = find(std::to_string(i + 1));
    if (m == nullptr) continue;
    lines += std::to_string(i + 1) + " " + entry(*m) + "\r\n";
    ++count;
    size += m->bytes.size();
  }
  if (verb == "stat") return "+OK " + std::to_string(count) + " " + std::to_string(size) + "\r\n";
  return "+OK\r\n" + lines + ".\r\n";
}

std::string Pop3::retrieve(std::string_view argument, bool top) {
  const Stored* m = find(argument.substr(0, argument.find(' ')));
  if (m == nullptr) return "-ERR no such message\r\n";
  if (!top) return "+OK\r\n" + stuffed(m->bytes);
  const auto lines = number_of(argument.substr(std::min(argument.find(' '), argument.size() - 1) + 1));
  return lines ? "+OK\r\n" + stuffed(top_of(m->bytes, *lines)) : "-ERR how many lines?\r\n";
}

std::string Pop3::mark(std::string_view argument) {
  const Stored* m = find(argument);
  if (m == nullptr) return "-ERR no such message\r\n";
  if (!box().may_delete(*m, m_login->level, m_world.now()))
    return "-ERR a confirmation was asked for it: 90 days, or a login at the level high\r\n";
  m_marked.insert(m->uid);
  return "+OK\r\n";
}

std::string Pop3::quit() {
  m_over = true;
  for (const std::uint32_t uid : m_marked) box().remove(uid);
  return "+OK until next time\r\n";
}

}  // namespace simulator
