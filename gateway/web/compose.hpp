// Promise: a message as JSON becomes a message as mail: From, To, Cc, Subject, text, HTML, attachments. Everything is checked
// before a byte is composed; nothing that comes in can add a field or a line (RFC 5322; MIME: RFC 2045, 2046, 2183, 2231).
#pragma once

#include "base/core/bytes.hpp"
#include "gateway/web/json_text.hpp"
#include "gateway/web/json_values.hpp"
#include "mail/address/address.hpp"

namespace web {

// One thing that is wrong, by the path of its member: {"to[1]", "is no address"}.
struct JsonFault {
  std::string where, what;
};

struct Composed {
  mail::Address from;
  std::vector<mail::Address> recipients;  // To, Cc, Bcc, each once
  base::Bytes message;                    // CRLF lines; without Date and Message-ID, which the gateway adds
};

inline constexpr std::size_t k_max_attachments = 200;

// Nothing and at least one fault, or the message.
std::optional<Composed> compose_message(const json::object& request, std::vector<JsonFault>& faults);

}  // namespace web
