// Promise: the sending side of SMTP and LMTP without I/O. The driver does each action and tells the engine what came; the
// engine ends each transaction with an outcome for every recipient. Whatever the peer says is bounded and untrusted; what it
// does not say plainly is temporary; a lost answer after the final dot is "unknown", never guessed.
// Standards: RFC 5321, 2033 (LMTP), 3207, 1870, 2920, 6152, 6531, 3461, 4954.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/core/secret.hpp"
#include "smtp/wire/command.hpp"
#include "smtp/wire/reply.hpp"

namespace smtp::client {

enum class TlsFloor { any, tls, verified };  // any: used where offered

struct Options {
  std::string helo;
  bool lmtp = false;
  bool implicit_tls = false;                 // the stream is in TLS already
  bool can_tls = true;                       // false: Unix sockets and the like
  TlsFloor floor = TlsFloor::any;
  std::string user;                          // AUTH PLAIN, only under TLS; "" : none
  const base::SecretBytes* password = nullptr;  // borrowed
  std::chrono::seconds command_time{300};
  std::chrono::seconds final_time{600};      // RFC 5321 section 4.5.3.2.6
};

struct TransactionRecipient {
  mail::Address address;
  RecipientParameters parameters;
};
struct Transaction {
  mail::ReversePath reverse_path;
  MailParameters parameters;                 // size is set by the caller
  bool eight_bit = false;                    // the content needs 8BITMIME
  std::vector<TransactionRecipient> recipients;
  bool only_ask = false;                     // the replies to RCPT are the outcomes; no body is sent
  bool all_or_none = false;                  // one refused recipient, and nobody gets it now: the others are temporary
};

enum class OutcomeKind { ok, temporary, permanent, unknown };
struct Outcome {
  OutcomeKind kind = OutcomeKind::temporary;
  PeerReply reply;                           // code 0: we never got one; enhanced and text are then ours
  // true: the trouble is this host's, not the recipient's: another MX may do better
  bool host = false;
};

// What the driver must do next.
struct Write { std::string bytes; };                  // then next()
struct Read { std::chrono::seconds time; };           // received() or lost()
struct StartTls {};                                   // tls_started() or lost()
struct SendBody {};                                   // stuffed, with its final dot; body_sent() or lost()
struct Ready {};                                      // begin(), or quit()
struct Finished {};                                   // outcomes(); then next() says Ready or Close
struct Close {};
using Action = std::variant<Write, Read, StartTls, SendBody, Ready, Finished, Close>;

struct Capabilities {
  bool pipelining = false, eight_bit = false, smtputf8 = false, dsn = false, starttls = false, auth_plain = false;
  std::optional<std::uint64_t> size;
};

class Engine {
 public:
  explicit Engine(Options options);

  Action next();
  void received(std::string_view bytes);
  void lost(std::string why);
  void tls_started(bool verified, std::string why_not);
  void body_sent();
  void begin(Transaction transaction);                // only when next() said Ready
  void quit();

  const std::vector<Outcome>& outcomes() const { return m_outcomes; }
  const Capabilities& capabilities() const { return m_capabilities; }
  // Why the connection never became ready, as an outcome that holds for every recipient.
  const Outcome& failure() const { return m_failure; }
  bool failed() const { return m_failed; }

 private:
  enum class Phase { greeting, hello, old_hello, starttls, tls, hello_again, auth, ready, envelope, body, final_reply, refuse_body, rset, quitting, closed };

  void on_reply(const PeerReply& reply);
  void on_greeting(const PeerReply& reply);
  void on_hello(const PeerReply& reply);
  void after_hello();
  void on_envelope(const PeerReply& reply);
  void on_final(const PeerReply& reply);
  void say_hello(Phase phase);
  void send_envelope_step();
  std::size_t envelope_commands() const { return m_transaction.recipients.size() + (m_transaction.only_ask ? 1 : 2); }
  void envelope_done(const PeerReply& data);
  void fail(OutcomeKind kind, const PeerReply& reply);
  void fail(OutcomeKind kind, std::string enhanced, std::string text);
  void settle_open(OutcomeKind kind, const PeerReply& reply, bool host);
  bool check_capabilities();
  std::string mail_line() const;
  std::string rcpt_line(const TransactionRecipient& r) const;

  Options m_options;
  Phase m_phase = Phase::greeting;
  ReplyReader m_reader;
  Capabilities m_capabilities;
  std::string m_out;
  bool m_tls = false, m_failed = false, m_finished = false, m_dot_sent = false;
  Outcome m_failure;

  Transaction m_transaction;
  std::vector<Outcome> m_outcomes;
  std::vector<bool> m_settled;
  std::size_t m_sent = 0, m_answered = 0;             // commands of the envelope: MAIL, RCPT…, DATA
  std::size_t m_next_final = 0;                       // LMTP: whose reply comes next
};

}  // namespace smtp::client
