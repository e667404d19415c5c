// Promise: JSON strings as RFC 8785 section 3.2.2.2 demands, so that what is written by hand is already canonical.
#pragma once

#include <string>
#include <string_view>

namespace receipts {

// Appends text in quotes. `text` must be UTF-8.
void append_json_string(std::string& out, std::string_view text);

}  // namespace receipts
