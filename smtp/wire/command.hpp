// Promise: one command line becomes one value or one reply that says what is wrong with it. RFC 5321 section 4.1, with the
// parameters of 1870 (SIZE), 6152 (8BITMIME), 6531 (SMTPUTF8), 3461 (DSN), 3030 (CHUNKING), 4954 (AUTH).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <variant>

#include "mail/address/address.hpp"
#include "smtp/wire/reply.hpp"

namespace smtp {

// DSN of one recipient (RFC 3461 section 4).
enum class Notify { never, success, failure, delay };

struct MailParameters {
  std::optional<std::uint64_t> size;
  bool eight_bit = false;           // BODY=8BITMIME
  bool smtputf8 = false;
  std::optional<bool> ret_full;     // RET=FULL or HDRS
  std::string envid;                // decoded xtext
};
struct RecipientParameters {
  std::set<Notify> notify;          // empty: the default of RFC 3461 section 4.1 (failure)
  std::string orcpt;                // "rfc822;a@x.example", decoded
};

struct Hello { bool extended = false; std::string name; };
struct Mail { mail::ReversePath reverse_path; MailParameters parameters; };
struct Rcpt { mail::Address address; RecipientParameters parameters; };
struct Data {};
struct Bdat { std::uint64_t size = 0; bool last = false; };
struct Rset {};
struct Noop {};
struct Quit {};
struct StartTls {};
struct Auth { std::string mechanism; std::optional<std::string> initial; };  // initial: base64, "=" is empty
struct Vrfy {};
struct Help {};

using Command = std::variant<Hello, Mail, Rcpt, Data, Bdat, Rset, Noop, Quit, StartTls, Auth, Vrfy, Help>;

inline constexpr std::size_t k_max_command_line = 2048;  // RFC 5321: 512, more with extensions; AUTH has its own
inline constexpr std::size_t k_max_auth_line = 12288;    // RFC 4954 section 4

// `line` without CRLF.
std::variant<Command, Reply> parse_command(std::string_view line);

// RFC 3461 section 4.
std::optional<std::string> decode_xtext(std::string_view text);
std::string encode_xtext(std::string_view text);

}  // namespace smtp
