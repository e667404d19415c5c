// Promise: what we sign is 7-bit clean before it is signed, so that no later hop has a reason to touch it (RFC 1847 section
// 2.1). Text becomes quoted-printable, anything else base64; content below a signature of somebody else is never converted.
#pragma once

#include "base/core/stream.hpp"
#include "mail/message/facts.hpp"

namespace mail {

// True if some body byte is above 127, a line is longer than 998 octets, or a NUL is there.
bool needs_seven_bit(const MessageFacts& facts);

// The message with each leaf that needs it encoded and its Content-Transfer-Encoding set; header fields are untouched.
// k_cannot_convert if the leaf lies under a foreign signature or in a part that the scan gave up on.
base::Result<base::ContentPtr> make_seven_bit(base::ContentPtr message, const MessageFacts& facts);

}  // namespace mail
