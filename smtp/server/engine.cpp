#include "smtp/server/engine.hpp"

namespace smtp::server {

Engine::Engine(Options options, bool tls) : m_options(std::move(options)), m_tls(tls) {
  say({220, "", m_options.hostname + " ESMTP Amtsbote"});
}

Action Engine::next() {
  while (true) {
    if (m_gone) {
      if (!m_body_open) return Close{};
      m_body_open = false;
      return DropBody{};
    }
    if (m_closing) {
      if (!m_out.empty()) return Write{std::exchange(m_out, {})};
      m_gone = true;
      continue;
    }
    if (m_waiting == Waiting::tls) {  // the reply goes out in clear before the handshake
      if (!m_out.empty()) return Write{std::exchange(m_out, {})};
      return smtp::server::StartTls{};
    }
    std::optional<Action> action = std::holds_alternative<Body>(m_state) ? body_step() : take_line();
    if (action) return *std::move(action);
  }
}

void Engine::received(base::ByteView bytes) {
  if (m_in_at > 0) {
    m_in.erase(0, m_in_at);
    m_in_at = 0;
  }
  m_in.append(bytes);
}

void Engine::closed() { m_gone = true; }

// RFC 5321 section 3.8: a server that must go may say 421 at any time, also within a message, which then was not taken.
void Engine::stop() { end({421, "4.3.2", m_options.hostname + " is shutting down, try again later"}); }

// Replies wait in m_out while more commands of a pipelined group are in the buffer; they go out before each read.
std::optional<Action> Engine::take_line() {
  const auto lf = m_in.find('\n', m_in_at);
  const bool in_auth = std::holds_alternative<AuthDialogue>(m_state);
  const std::size_t limit = in_auth || m_in.compare(m_in_at, 4, "AUTH") == 0 ? k_max_auth_line : k_max_command_line;
  const std::size_t length = (lf == std::string::npos ? m_in.size() : lf) - m_in_at;
  if (length > limit) {
    end({500, "5.5.2", "Line too long"});
    return std::nullopt;
  }
  if (lf == std::string::npos) {
    if (!m_out.empty()) return Write{std::exchange(m_out, {})};
    return Read{m_options.limits.command_time};
  }
  std::string line = m_in.substr(m_in_at, lf - m_in_at);
  m_in_at = lf + 1;
  if (!line.ends_with('\r') || line.find('\r') + 1 != line.size()) {
    end({521, "5.5.2", "Bare CR or LF; a line ends with CRLF"});
    return std::nullopt;
  }
  line.pop_back();
  return in_auth ? auth_line(line) : command(line);
}

std::optional<Action> Engine::command(std::string_view line) {
  auto parsed = parse_command(line);
  if (auto* bad = std::get_if<Reply>(&parsed)) {
    refuse(std::move(*bad));
    return std::nullopt;
  }
  return std::visit([this](const auto& c) { return on(c); }, std::get<Command>(parsed));
}

std::optional<Action> Engine::on(const Hello& hello) {
  reset_transaction();
  m_helo = hello.name;
  m_esmtp = hello.extended;
  if (!hello.extended) {
    say({250, "", m_options.hostname});
    return std::nullopt;
  }
  std::vector<std::string> lines{m_options.hostname, "PIPELINING", "SIZE " + std::to_string(m_options.limits.message_size), "8BITMIME",
                                 "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING"};
  if (m_options.starttls && !m_tls) lines.emplace_back("STARTTLS");
  if (m_options.auth && m_tls && m_account.empty()) lines.emplace_back("AUTH PLAIN LOGIN");
  say({250, "", std::move(lines)});
  return std::nullopt;
}

std::optional<Action> Engine::on(const Mail& mail) {
  if (m_helo.empty()) return refuse({503, "5.5.1", "Say EHLO first"}), std::nullopt;
  if (m_in_mail) return refuse({503, "5.5.1", "One message at a time"}), std::nullopt;
  if (m_options.need_tls && !m_tls) return refuse({530, "5.7.0", "Must issue a STARTTLS command first"}), std::nullopt;
  if (m_options.need_auth && m_account.empty()) return refuse({530, "5.7.0", "Authentication required"}), std::nullopt;
  if (mail.parameters.size && *mail.parameters.size > m_options.limits.message_size)
    return refuse({552, "5.3.4", "Message is larger than " + std::to_string(m_options.limits.message_size) + " bytes"}), std::nullopt;
  m_envelope = {mail.reverse_path, mail.parameters, {}};
  m_body_refusal.reset();
  m_waiting = Waiting::sender;
  return AskSender{};
}

std::optional<Action> Engine::on(const Rcpt& rcpt) {
  if (!m_in_mail) return refuse({503, "5.5.1", "MAIL FROM first"}), std::nullopt;
  if (m_body_open) return refuse({503, "5.5.1", "The message has begun"}), std::nullopt;
  if (m_envelope.recipients.size() >= m_options.limits.recipients)
    return refuse({452, "4.5.3", "Too many recipients in one message"}), std::nullopt;
  if (rcpt.address.needs_smtputf8() && !m_envelope.parameters.smtputf8) return refuse({553, "5.6.7", "Address needs SMTPUTF8"}), std::nullopt;
  m_pending = {rcpt.address, rcpt.parameters};
  m_waiting = Waiting::recipient;
  return AskRecipient{m_pending};
}

std::optional<Action> Engine::on(const Data&) {
  if (m_envelope.recipients.empty()) return refuse({m_in_mail ? 554 : 503, "5.5.1", "No valid recipients"}), std::nullopt;
  if (m_body_open || m_body_refusal) return refuse({503, "5.5.1", "BDAT has begun"}), std::nullopt;
  if (past_sync_point("DATA")) return std::nullopt;
  return begin_body({});
}

std::optional<Action> Engine::on(const Bdat& bdat) {
  // the chunk follows whatever we say: it must be read away even where the command is refused (RFC 3030 section 2)
  Body body{true, bdat.last, bdat.size, {}, false};
  if (m_envelope.recipients.empty() && !m_body_refusal) m_body_refusal = Reply{503, "5.5.1", "No valid recipients"};
  return begin_body(body);
}

std::optional<Action> Engine::begin_body(Body body) {
  m_state = body;
  if (m_body_open || m_body_refusal) return std::nullopt;
  m_body_size = 0;
  m_waiting = Waiting::open;
  return OpenBody{};
}

void Engine::body_opened(std::optional<Reply> refusal) {
  m_waiting = Waiting::none;
  const bool chunked = std::get<Body>(m_state).chunked;
  if (!refusal) {
    m_body_open = true;
    if (!chunked) say({354, "", "Go ahead; end with <CRLF>.<CRLF>"});
    return;
  }
  if (chunked) {
    m_body_refusal = std::move(refusal);
    return;
  }
  m_state = Idle{};
  refuse(*std::move(refusal));
  reset_transaction();
}

// One piece of the message, or its end.
std::optional<Action> Engine::body_step() {
  Body& body = std::get<Body>(m_state);
  if (body.complete || (body.chunked && body.left == 0)) return finish_body();
  if (m_in_at == m_in.size()) {
    if (!m_out.empty()) return Write{std::exchange(m_out, {})};
    return Read{m_options.limits.data_time};
  }
  const base::ByteView in = base::ByteView(m_in).substr(m_in_at);
  m_piece.clear();
  if (body.chunked) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), body.left));
    m_piece.assign(in.substr(0, n));
    m_in_at += n;
    body.left -= n;
  } else {
    std::size_t taken = 0;
    const auto state = body.unstuffer.feed(in, m_piece, taken);
    m_in_at += taken;
    body.complete = state == Unstuffer::State::done;
    // nobody can agree with this peer any more where the message ends
    if (state == Unstuffer::State::bare_newline) return end({521, "5.5.2", "Bare CR or LF in the message"}), std::nullopt;
    if (state == Unstuffer::State::line_too_long) return end({500, "5.6.0", "A line of the message is too long"}), std::nullopt;
  }
  m_body_size += m_piece.size();
  if (!m_body_refusal && m_body_size > m_options.limits.message_size)
    m_body_refusal = Reply{552, "5.3.4", "Message is larger than " + std::to_string(m_options.limits.message_size) + " bytes"};
  if (m_body_size > 2 * m_options.limits.message_size) return end({552, "5.3.4", "Message is too large"}), std::nullopt;
  if (m_piece.empty()) return std::nullopt;
  if (m_body_refusal) {
    if (!m_body_open) return std::nullopt;
    m_body_open = false;
    return DropBody{};
  }
  m_waiting = Waiting::piece;
  return BodyPiece{m_piece};
}

void Engine::body_written(std::optional<Reply> refusal) {
  m_waiting = Waiting::none;
  if (refusal) m_body_refusal = std::move(refusal);
}

std::optional<Action> Engine::finish_body() {
  const Body body = std::get<Body>(m_state);
  m_state = Idle{};
  if (m_body_refusal) {
    const bool drop = std::exchange(m_body_open, false);
    const bool more = body.chunked && !body.last;
    Reply reply = *m_body_refusal;
    if (!more) {
      reset_transaction();
    }
    refuse(std::move(reply));
    if (drop) return DropBody{};
    return std::nullopt;
  }
  if (body.chunked && !body.last) {
    say({250, "2.0.0", std::to_string(m_body_size) + " bytes so far"});
    return std::nullopt;
  }
  m_body_open = false;
  m_waiting = Waiting::accept;
  return Accept{};
}

std::optional<Action> Engine::on(const smtp::StartTls&) {
  if (!m_options.starttls || m_tls) return refuse({503, "5.5.1", "TLS is not available here"}), std::nullopt;
  // clear text behind STARTTLS would be read as if it came through TLS (CVE-2011-0411)
  if (past_sync_point("STARTTLS")) return std::nullopt;
  say({220, "2.0.0", "Ready to start TLS"});
  m_waiting = Waiting::tls;
  return std::nullopt;
}

void Engine::tls_started() {
  m_waiting = Waiting::none;
  m_tls = true;
  // RFC 3207 section 4.2: what was said before TLS is forgotten
  m_helo.clear();
  m_in.clear();
  m_in_at = 0;
  reset_transaction();
}

std::optional<Action> Engine::on(const Rset&) {
  if (!idle_command()) return std::nullopt;
  const bool drop = std::exchange(m_body_open, false);
  reset_transaction();
  say({250, "2.0.0", "Ok"});
  if (drop) return DropBody{};
  return std::nullopt;
}

std::optional<Action> Engine::on(const Noop&) {
  if (idle_command()) say({250, "2.0.0", "Ok"});
  return std::nullopt;
}

std::optional<Action> Engine::on(const Vrfy&) {
  if (idle_command()) say({252, "2.1.5", "Send some mail, I will try my best"});
  return std::nullopt;
}

std::optional<Action> Engine::on(const Help&) {
  if (idle_command()) say({214, "2.0.0", "RFC 5321"});
  return std::nullopt;
}

std::optional<Action> Engine::on(const Quit&) {
  end({221, "2.0.0", "Bye"});
  return std::nullopt;
}

void Engine::asked(Reply reply) {
  const Waiting what = std::exchange(m_waiting, Waiting::none);
  const bool good = reply.positive();
  if (what == Waiting::sender) m_in_mail = good;
  if (what == Waiting::recipient && good) m_envelope.recipients.push_back(std::move(m_pending));
  if (what == Waiting::accept) {
    reset_transaction();
    m_idle_commands = 0;
  }
  if (reply.code == 421)
    end(std::move(reply));
  else if (good)
    say(reply);
  else
    refuse(std::move(reply));
}

void Engine::say(const Reply& reply) { m_out += format_reply(reply, m_envelope.parameters.smtputf8); }

void Engine::refuse(Reply reply) {
  say(reply);
  if (++m_errors >= m_options.limits.errors) end({421, "4.7.0", m_options.hostname + " too many errors, closing"});
}

void Engine::end(Reply reply) {
  say(reply);
  m_closing = true;
}

bool Engine::past_sync_point(const char* what) {
  if (m_in_at == m_in.size()) return false;
  end({554, "5.5.0", std::string("Data sent before the reply to ") + what});
  return true;
}

bool Engine::idle_command() {
  if (++m_idle_commands <= m_options.limits.idle_commands) return true;
  end({421, "4.7.0", m_options.hostname + " too many commands without a message, closing"});
  return false;
}

void Engine::reset_transaction() {
  m_envelope = {};
  m_in_mail = false;
  m_body_refusal.reset();
}

}  // namespace smtp::server
