// Promise: the receiving side of SMTP without I/O. Bytes go in, actions come out; the driver does each action and tells the
// engine what came of it. Every rule of the dialogue is here and can be tested without a socket; nothing here knows a
// policy, a key or a clock. All input is hostile; each limit is named in Limits.
// Standards: RFC 5321, 3207 (STARTTLS), 4954 (AUTH), 1870, 2920, 6152, 3030, 6531, 2034, 3461.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/core/secret.hpp"
#include "smtp/wire/command.hpp"
#include "smtp/wire/dots.hpp"
#include "smtp/wire/reply.hpp"

namespace smtp::server {

struct Limits {
  std::uint64_t message_size = 100u << 20;
  std::size_t recipients = 1000;
  std::size_t errors = 20;               // refused commands of a session, then 421
  std::size_t idle_commands = 100;       // NOOP, RSET, VRFY and the like between two messages, then 421
  std::chrono::seconds command_time{300};  // RFC 5321 section 4.5.3.2.7
  std::chrono::seconds data_time{180};     // between two pieces of a message (section 4.5.3.2.5)
  std::chrono::seconds tls_time{30};
};

struct Options {
  std::string hostname;
  bool starttls = false;        // a certificate is there and TLS is not implicit
  bool need_tls = false;        // MAIL and AUTH only after TLS
  bool auth = false;            // offered once TLS stands
  bool need_auth = false;       // MAIL only after AUTH
  Limits limits;
};

struct Recipient {
  mail::Address address;
  RecipientParameters parameters;
};
struct Envelope {
  mail::ReversePath reverse_path;
  MailParameters parameters;
  std::vector<Recipient> recipients;
};

// What the driver must do next. Each but Write, Read and Close is answered by the function named.
struct Write { std::string bytes; };                     // then next()
struct Read { std::chrono::seconds time; };              // received() or closed()
struct StartTls {};                                      // tls_started(); on failure just close
struct CheckPassword { std::string account; base::SecretBytes password; };  // password_checked()
struct AskSender {};                                     // asked(); envelope() holds the reverse path
struct AskRecipient { Recipient recipient; };            // asked()
struct OpenBody {};                                      // body_opened()
struct BodyPiece { std::string_view bytes; };            // valid until the next call; body_written()
struct DropBody {};                                      // then next()
struct Accept {};                                        // asked()
struct Close {};
using Action = std::variant<Write, Read, smtp::server::StartTls, CheckPassword, AskSender, AskRecipient, OpenBody, BodyPiece, DropBody, Accept, Close>;

enum class PasswordResult { good, wrong, temporary };

class Engine {
 public:
  // `tls`: the connection began in TLS (465).
  Engine(Options options, bool tls);

  Action next();
  void received(base::ByteView bytes);
  void closed();
  void stop();                                           // instead of received(): the server ends; says 421 and closes
  void tls_started();
  void password_checked(PasswordResult result);
  void asked(Reply reply);
  void body_opened(std::optional<Reply> refusal);
  void body_written(std::optional<Reply> refusal);

  const Envelope& envelope() const { return m_envelope; }
  const std::string& helo() const { return m_helo; }
  bool esmtp() const { return m_esmtp; }
  bool tls() const { return m_tls; }
  const std::string& account() const { return m_account; }

 private:
  struct Idle {};                                        // waits for a command line
  struct AuthDialogue { bool login = false; std::string user; bool have_user = false; };
  struct Body {                                          // DATA or a BDAT chunk
    bool chunked = false;
    bool last = false;
    std::uint64_t left = 0;                              // of the chunk
    Unstuffer unstuffer;
    bool complete = false;
  };
  enum class Waiting { none, tls, password, sender, recipient, open, piece, accept };

  using State = std::variant<Idle, AuthDialogue, Body>;

  std::optional<Action> take_line();
  std::optional<Action> command(std::string_view line);
  std::optional<Action> auth_line(std::string_view line);
  std::optional<Action> body_step();
  std::optional<Action> finish_body();

  std::optional<Action> on(const Hello& hello);
  std::optional<Action> on(const Mail& mail);
  std::optional<Action> on(const Rcpt& rcpt);
  std::optional<Action> on(const Data& data);
  std::optional<Action> on(const Bdat& bdat);
  std::optional<Action> on(const smtp::StartTls& start);
  std::optional<Action> on(const Auth& auth);
  std::optional<Action> on(const Rset& rset);
  std::optional<Action> on(const Noop& noop);
  std::optional<Action> on(const Vrfy& vrfy);
  std::optional<Action> on(const Help& help);
  std::optional<Action> on(const Quit& quit);

  std::optional<Action> begin_body(Body body);
  std::optional<Action> check_credentials(const std::string& user, base::SecretBytes password);
  std::optional<Action> plain_credentials(std::string_view coded);
  std::optional<Action> login_step(AuthDialogue& dialogue, std::string_view coded);
  void say(const Reply& reply);
  void refuse(Reply reply);
  void end(Reply reply);
  bool past_sync_point(const char* what);
  bool idle_command();
  void reset_transaction();

  Options m_options;
  State m_state;
  Waiting m_waiting = Waiting::none;
  std::string m_in, m_out, m_piece;
  std::size_t m_in_at = 0;                               // bytes of m_in already used
  std::string m_helo, m_account;
  bool m_esmtp = false, m_tls = false, m_closing = false, m_gone = false;
  bool m_in_mail = false;                                // MAIL was accepted
  bool m_body_open = false;
  std::optional<Reply> m_body_refusal;                   // the rest is read away, then this is said
  std::uint64_t m_body_size = 0;
  Recipient m_pending;
  Envelope m_envelope;
  std::size_t m_errors = 0, m_idle_commands = 0;
};

}  // namespace smtp::server
