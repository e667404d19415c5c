// Promise: encoded words of header fields, both ways (RFC 2047). What cannot be decoded stays as written; what is written is
// pure ASCII and folded.
#pragma once

#include <string>
#include <string_view>

#include "base/core/result.hpp"

namespace mail {

// Charsets: UTF-8, US-ASCII, ISO-8859-1, ISO-8859-15, Windows-1252; words in others, or broken ones, stay as written.
std::string decode_encoded_words(std::string_view value);

// UTF-8 to a header value of encoded words where needed, folded below 76 columns, for a field whose name takes `column`
// columns. A value with CR, LF or NUL, or that is not UTF-8: k_malformed_header.
base::Result<std::string> encode_header_text(std::string_view utf8, std::size_t column);

// A display name as it stands before "<address>": in quotes, or as encoded words, which take the place of the name alone, never
// of the address and never inside quotes (RFC 2047 section 5). Folded; the errors of encode_header_text.
base::Result<std::string> format_phrase(std::string_view name, std::size_t column);

// Lower case for comparing keywords: ASCII and the Latin-1 letters (Ä becomes ä); other scripts stay.
std::string fold_case(std::string_view utf8);

// `bytes` of one of the charsets above as UTF-8; `bytes` unchanged if the charset is another or they do not fit it.
std::string to_utf8(std::string_view bytes, std::string_view charset);

}  // namespace mail
