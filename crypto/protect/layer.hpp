// Promise: what one layer of an incoming message is and how to get at its bytes; judges nothing. Inside crypto/protect only.
#pragma once

#include <string>
#include <vector>

#include "base/core/stream.hpp"
#include "mail/message/facts.hpp"

namespace crypto {

// Direct children of the root, in their order.
std::vector<const mail::Part*> children_of_root(const mail::MessageFacts& facts);

// The wrapping by Content-Type; Outlook's application/octet-stream with a name in .p7m is smime_unknown.
mail::Wrapping wrapping_of_root(const mail::MessageFacts& facts);

// The body of a part, base64 decoded where it says so; k_not_protected if it does not decode, k_too_large, k_io.
base::Result<std::string> decoded_body(const base::ContentPtr& message, const mail::Part& part, base::ByteCount limit);

// Bare CR and LF become CRLF: what goes on by SMTP may hold neither, and programs on Unix encrypt LF.
std::string with_crlf(std::string bytes);

// The outer fields that are not Content-* and not named in `removed`, then the Content-* fields of `entity`, then its body
// (RFC 8551 section 3.1: the inner entity says what the content is, nothing more). nullopt where the entity begins with
// no MIME header: an empty line is one.
struct Unwrapped {
  std::string message;
  bool entity_has_header = true;
};
Unwrapped unwrap(const mail::MessageFacts& outer, const std::string& entity, const std::vector<std::string>& removed);

}  // namespace crypto
