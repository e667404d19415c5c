// Promise: the words and the recipient list of De-Mail headers, written down here a second time from the standard's text and
// not taken from demail/: a peer that shared the gateway's code would share its mistakes. Only types come from there.
// Standard: BSI TR 01201 part 3.4 v1.8, tables 9, 12 and 22, section 3.1.8.
#pragma once

#include <string>
#include <string_view>

#include "base/core/result.hpp"
#include "demail/model/fields.hpp"

namespace simulator {

const char* word_of(demail::MessageType type);
const char* word_of(demail::NotificationType type);
const char* word_of(demail::AuthLevel level);

// "to=…;cc=…;bcc=…", each at most once. k_malformed.
base::Result<demail::Recipients> parse_chosen(std::string_view value);
std::string format_chosen(const demail::Recipients& recipients);

}  // namespace simulator
