#include "smtp/client/engine.hpp"

#include <algorithm>
#include <charconv>

#include "base/core/bytes.hpp"

namespace smtp::client {
namespace {

PeerReply own_reply(std::string enhanced, std::string text) {
  PeerReply reply;
  reply.enhanced = std::move(enhanced);
  reply.text = base::RemoteText(std::move(text));
  return reply;
}

// 4yz, and whatever is neither a plain yes nor a plain no
OutcomeKind kind_of(const PeerReply& reply) { return reply.code >= 500 && reply.code < 600 ? OutcomeKind::permanent : OutcomeKind::temporary; }

Capabilities parse_capabilities(const PeerReply& reply) {
  Capabilities out;
  for (std::size_t i = 1; i < reply.lines.size(); ++i) {
    const std::string line = base::to_lower(reply.lines[i]);
    const std::string word = line.substr(0, line.find(' '));
    if (word == "pipelining") out.pipelining = true;
    if (word == "8bitmime") out.eight_bit = true;
    if (word == "smtputf8") out.smtputf8 = true;
    if (word == "dsn") out.dsn = true;
    if (word == "starttls") out.starttls = true;
    if (word == "auth") out.auth_plain = (line + " ").find(" plain ") != std::string::npos;
    if (word == "size" && line.size() > 5) {
      std::uint64_t size = 0;
      const auto [end, error] = std::from_chars(line.data() + 5, line.data() + line.size(), size);
      if (error == std::errc{} && size > 0) out.size = size;
    }
  }
  return out;
}

}  // namespace

Engine::Engine(Options options) : m_options(std::move(options)), m_tls(m_options.implicit_tls) {}

Action Engine::next() {
  while (true) {
    if (m_phase == Phase::closed) {
      if (std::exchange(m_finished, false)) return Finished{};
      return Close{};
    }
    if (!m_out.empty()) return Write{std::exchange(m_out, {})};
    if (m_phase == Phase::tls) return StartTls{};
    if (m_phase == Phase::body) return SendBody{};
    if (m_phase == Phase::ready) {
      if (std::exchange(m_finished, false)) return Finished{};
      return Ready{};
    }
    PeerReply reply;
    const auto got = m_reader.next(reply);
    if (!got) {
      lost("reply: " + got.error().detail);
      continue;
    }
    if (!*got) return Read{m_phase == Phase::final_reply ? m_options.final_time : m_options.command_time};
    on_reply(reply);
  }
}

void Engine::received(std::string_view bytes) { m_reader.feed(bytes); }

void Engine::lost(std::string why) {
  if (m_phase == Phase::closed) return;
  if (m_transaction.recipients.empty())
    fail(OutcomeKind::temporary, "4.4.2", std::move(why));
  else
    settle_open(m_dot_sent ? OutcomeKind::unknown : OutcomeKind::temporary, own_reply("4.4.2", std::move(why)), !m_dot_sent);
  m_phase = Phase::closed;
}

void Engine::on_reply(const PeerReply& reply) {
  switch (m_phase) {
    case Phase::greeting: return on_greeting(reply);
    case Phase::hello:
    case Phase::old_hello:
    case Phase::hello_again: return on_hello(reply);
    case Phase::starttls:
      if (!reply.positive()) {
        // offered and then refused: without a floor the clear line goes on, with one it is an error of this host
        if (m_options.floor != TlsFloor::any) return fail(OutcomeKind::temporary, reply);
        m_capabilities.starttls = false;
        return after_hello();
      }
      // what came behind the 220 was sent in clear: whoever sent it is not the peer that TLS will name (CVE-2011-0411)
      if (m_reader.has_unread()) return fail(OutcomeKind::temporary, "4.7.0", "data sent behind the reply to STARTTLS");
      m_phase = Phase::tls;
      return;
    case Phase::auth:
      if (!reply.positive()) return fail(OutcomeKind::temporary, reply);
      m_phase = Phase::ready;
      return;
    case Phase::envelope: return on_envelope(reply);
    case Phase::final_reply:
    case Phase::refuse_body: return on_final(reply);
    case Phase::rset:
      m_phase = reply.positive() ? Phase::ready : Phase::closed;
      m_finished = true;
      return;
    case Phase::quitting: m_phase = Phase::closed; return;
    case Phase::tls:
    case Phase::ready:
    case Phase::body:
    case Phase::closed: return fail(OutcomeKind::temporary, "4.5.0", "a reply nobody asked for");
  }
}

void Engine::on_greeting(const PeerReply& reply) {
  // a host that says 554 speaks for itself only: another may take the mail
  if (reply.code != 220) return fail(OutcomeKind::temporary, reply);
  say_hello(Phase::hello);
}

void Engine::say_hello(Phase phase) {
  m_phase = phase;
  m_out = std::string(m_options.lmtp ? "LHLO " : phase == Phase::old_hello ? "HELO " : "EHLO ") + m_options.helo + "\r\n";
}

void Engine::on_hello(const PeerReply& reply) {
  if (!reply.positive()) {
    const bool may_fall_back = m_phase == Phase::hello && reply.code >= 500 && !m_options.lmtp && m_options.floor == TlsFloor::any;
    if (may_fall_back) return say_hello(Phase::old_hello);
    return fail(OutcomeKind::temporary, reply);
  }
  m_capabilities = m_phase == Phase::old_hello ? Capabilities{} : parse_capabilities(reply);
  after_hello();
}

void Engine::after_hello() {
  if (!m_tls && m_options.can_tls && m_capabilities.starttls) {
    m_phase = Phase::starttls;
    m_out = "STARTTLS\r\n";
    return;
  }
  if (!m_tls && m_options.floor != TlsFloor::any) return fail(OutcomeKind::temporary, "4.7.4", "the server offers no TLS, which the route demands");
  if (m_options.user.empty()) {
    m_phase = Phase::ready;
    return;
  }
  if (!m_tls || !m_capabilities.auth_plain) return fail(OutcomeKind::temporary, "4.7.0", "the server offers no AUTH PLAIN under TLS");
  m_phase = Phase::auth;
  base::Bytes credentials = std::string(1, '\0') + m_options.user + std::string(1, '\0') + base::Bytes(m_options.password->view());
  m_out = "AUTH PLAIN " + base::to_base64(credentials) + "\r\n";
  base::wipe(credentials);
}

void Engine::tls_started(bool verified, std::string why_not) {
  m_tls = true;
  m_reader = {};
  if (m_options.floor == TlsFloor::verified && !verified)
    return fail(OutcomeKind::temporary, "4.7.5", "the server's certificate is not valid for the configured host: " + why_not);
  if (m_options.implicit_tls)
    m_phase = Phase::greeting;
  else
    say_hello(Phase::hello_again);
}

void Engine::begin(Transaction transaction) {
  m_transaction = std::move(transaction);
  m_outcomes.assign(m_transaction.recipients.size(), {});
  m_settled.assign(m_transaction.recipients.size(), false);
  m_sent = m_answered = m_next_final = 0;
  m_dot_sent = false;
  m_finished = false;
  if (!check_capabilities()) {
    m_finished = true;
    return;
  }
  m_phase = Phase::envelope;
  send_envelope_step();
}

// What this host can never take is said before it is asked.
bool Engine::check_capabilities() {
  const auto refuse = [this](const char* enhanced, std::string text) {
    settle_open(OutcomeKind::permanent, own_reply(enhanced, std::move(text)), false);
    return false;
  };
  const auto& p = m_transaction.parameters;
  if (m_capabilities.size && p.size && *p.size > *m_capabilities.size)
    return refuse("5.3.4", "the message has " + std::to_string(*p.size) + " bytes, the server takes " + std::to_string(*m_capabilities.size));
  if (m_transaction.eight_bit && !m_capabilities.eight_bit) return refuse("5.6.3", "the message is 8-bit and must not be changed; the server lacks 8BITMIME");
  if (p.smtputf8 && !m_capabilities.smtputf8) return refuse("5.6.7", "the message needs SMTPUTF8, which the server lacks");
  return true;
}

std::string Engine::mail_line() const {
  const auto& p = m_transaction.parameters;
  std::string line = "MAIL FROM:<" + (m_transaction.reverse_path ? m_transaction.reverse_path->text() : std::string{}) + ">";
  if (m_capabilities.size && p.size) line += " SIZE=" + std::to_string(*p.size);
  if (m_transaction.eight_bit) line += " BODY=8BITMIME";
  if (p.smtputf8) line += " SMTPUTF8";
  if (m_capabilities.dsn && p.ret_full) line += *p.ret_full ? " RET=FULL" : " RET=HDRS";
  if (m_capabilities.dsn && !p.envid.empty()) line += " ENVID=" + encode_xtext(p.envid);
  return line + "\r\n";
}

std::string Engine::rcpt_line(const TransactionRecipient& r) const {
  std::string line = "RCPT TO:<" + r.address.text() + ">";
  if (m_capabilities.dsn && !r.parameters.notify.empty()) {
    line += " NOTIFY=";
    bool first = true;
    for (const Notify n : r.parameters.notify) {
      if (!first) line += ',';
      first = false;
      line += n == Notify::never ? "NEVER" : n == Notify::success ? "SUCCESS" : n == Notify::failure ? "FAILURE" : "DELAY";
    }
  }
  if (m_capabilities.dsn && !r.parameters.orcpt.empty()) {
    const auto semicolon = r.parameters.orcpt.find(';');
    line += " ORCPT=" + r.parameters.orcpt.substr(0, semicolon + 1) + encode_xtext(r.parameters.orcpt.substr(semicolon + 1));
  }
  return line + "\r\n";
}

// With PIPELINING the whole envelope goes out at once, else one command after each reply.
void Engine::send_envelope_step() {
  // DATA that went out before the replies could not be taken back (RFC 2920 section 3.1)
  const bool keeps_data = m_transaction.all_or_none && m_answered <= m_transaction.recipients.size();
  const std::size_t commands = envelope_commands() - (keeps_data && !m_transaction.only_ask ? 1 : 0);
  do {
    if (m_sent == 0)
      m_out += mail_line();
    else if (m_sent <= m_transaction.recipients.size())
      m_out += rcpt_line(m_transaction.recipients[m_sent - 1]);
    else
      m_out += "DATA\r\n";
    ++m_sent;
  } while (m_capabilities.pipelining && m_sent < commands);
}

void Engine::on_envelope(const PeerReply& reply) {
  const std::size_t index = m_answered++;
  if (reply.code == 421) return lost("the server closes: " + reply.text.printable(200));
  if (index == 0) {
    if (!reply.positive()) settle_open(kind_of(reply), reply, false);
  } else if (index <= m_transaction.recipients.size()) {
    if ((!reply.positive() || m_transaction.only_ask) && !m_settled[index - 1]) {
      m_outcomes[index - 1] = {reply.positive() ? OutcomeKind::ok : kind_of(reply), reply, false};
      m_settled[index - 1] = true;
    }
  } else {
    return envelope_done(reply);
  }
  if (m_sent > m_answered) return;  // more replies are under way
  const bool any = std::find(m_settled.begin(), m_settled.end(), false) != m_settled.end();
  const bool refused = std::find(m_settled.begin(), m_settled.end(), true) != m_settled.end();
  if (any && refused && m_transaction.all_or_none && m_answered > m_transaction.recipients.size())
    settle_open(OutcomeKind::temporary, own_reply("4.5.0", "another recipient of the same message was refused"), false);
  else if (any)
    return send_envelope_step();
  // nobody is left: do not open a body for nobody
  m_phase = Phase::rset;
  m_out += "RSET\r\n";
}

void Engine::envelope_done(const PeerReply& data) {
  bool any = false;
  for (const bool settled : m_settled) any = any || !settled;
  if (data.code == 354) {
    if (any) {
      m_phase = Phase::body;
      return;
    }
    // RFC 2920 section 3.1: DATA was accepted though every recipient was refused; end it with nothing
    m_phase = Phase::refuse_body;
    m_out += ".\r\n";
    return;
  }
  if (any) settle_open(kind_of(data), data, false);
  m_phase = Phase::rset;
  m_out += "RSET\r\n";
}

void Engine::body_sent() {
  m_dot_sent = true;
  m_phase = Phase::final_reply;
}

void Engine::on_final(const PeerReply& reply) {
  if (m_phase == Phase::refuse_body) {
    m_phase = Phase::ready;
    m_finished = true;
    return;
  }
  const OutcomeKind kind = reply.positive() ? OutcomeKind::ok : kind_of(reply);
  if (!m_options.lmtp) {
    settle_open(kind, reply, false);
  } else {
    // RFC 2033 section 4.2: one reply for each accepted recipient, in their order
    while (m_next_final < m_settled.size() && m_settled[m_next_final]) ++m_next_final;
    if (m_next_final < m_settled.size()) {
      m_outcomes[m_next_final] = {kind, reply, false};
      m_settled[m_next_final] = true;
    }
    for (const bool settled : m_settled)
      if (!settled) return;
  }
  m_dot_sent = false;
  m_finished = true;
  m_phase = reply.code == 421 ? Phase::closed : Phase::ready;
}

void Engine::quit() {
  m_phase = Phase::quitting;
  m_transaction = {};
  m_out = "QUIT\r\n";
}

void Engine::settle_open(OutcomeKind kind, const PeerReply& reply, bool host) {
  for (std::size_t i = 0; i < m_settled.size(); ++i) {
    if (m_settled[i]) continue;
    m_outcomes[i] = {kind, reply, host};
    m_settled[i] = true;
  }
  if (m_phase != Phase::envelope) m_finished = true;
  if (kind == OutcomeKind::unknown || host) m_finished = true;
}

void Engine::fail(OutcomeKind kind, const PeerReply& reply) {
  m_failed = true;
  m_failure = {kind, reply, true};
  m_phase = Phase::closed;
}

void Engine::fail(OutcomeKind kind, std::string enhanced, std::string text) { fail(kind, own_reply(std::move(enhanced), std::move(text))); }

}  // namespace smtp::client
