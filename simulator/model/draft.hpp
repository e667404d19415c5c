// Promise: what a user hands over for dispatch is judged as a provider must, before anything of it becomes a De-Mail: a draft
// is taken whole or refused whole, with one named reason. Nothing is repaired but what the provider is to set itself.
// Standard: BSI TR 01201 part 3.1 v1.8 (steps 12 to 28), part 3.4 section 3.1.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "demail/model/fields.hpp"
#include "mail/message/facts.hpp"
#include "simulator/model/account.hpp"

namespace simulator {

inline constexpr std::uint64_t k_net_size = 20u << 20;    // bytes of decoded content (part 3.1)
inline constexpr std::uint64_t k_gross_size = 45u << 20;  // what providers carry at least between each other

enum class Refused {
  not_logged_in,
  sender_not_yours,
  reply_not_demail,
  recipient_not_demail,
  needs_high,
  retrieve_not_permitted,
  pseudonym_authoritative,
  too_large,
  quota,
  invalid_format,
  long_private_id,
};

struct RefusalRow {
  Refused why;
  const char* word;  // for the journal
  int code;          // as SMTP says it
  const char* enhanced;
  demail::NotificationType notification;  // as a message says it
  const char* text;                       // ASCII; what follows it is the address or figure
};
const RefusalRow& row_of(Refused why);

struct Refusal {
  Refused why;
  std::string detail;
};

// Who hands it over, and how sure the provider is of that.
struct Login {
  const Account* account = nullptr;
  demail::AuthLevel level = demail::AuthLevel::normal;
  std::string mechanism;  // x-de-mail-auth-mechanism
};

struct Draft {
  mail::Header header;
  std::string body;  // behind the empty line, untouched
  demail::Options options;
  mail::Address sender;
  std::optional<mail::Address> reply_to;
  std::string private_id, subject, message_id;  // subject: decoded
  demail::Recipients chosen;                    // to and cc, for x-de-mail-chosen-recipient
  std::vector<mail::Address> visible, blind;    // of the envelope: named in `chosen`, and not

  // Where confirmations and notifications about it go.
  const mail::Address& answer_to() const { return reply_to ? *reply_to : sender; }
};

struct Envelope {
  mail::ReversePath reverse_path;
  std::vector<mail::Address> recipients;  // each once
};

std::variant<Draft, Refusal> check_draft(const Directory& directory, const Login& login, const Envelope& envelope,
                                         std::string_view message);
// At MAIL and RCPT, where it can be known already.
std::optional<Refusal> check_sender(const Login& login, const mail::ReversePath& reverse_path);
std::optional<Refusal> check_recipient(const Directory& directory, const mail::Address& recipient);

// Decoded bytes of all leaves.
std::uint64_t net_size(std::string_view message, const mail::MessageFacts& facts);
// The test string that stands for malware (EICAR), in clear or in a leaf that is base64 or quoted-printable.
bool has_malware(std::string_view message);

}  // namespace simulator
