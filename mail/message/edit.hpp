// Promise: a change to a message is a list of byte ranges taken out and bytes put in; what no edit names is identical to the
// last byte. Streams, whatever the size.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/stream.hpp"
#include "mail/message/facts.hpp"

namespace mail {

struct Edit {
  std::uint64_t offset = 0;
  std::uint64_t remove = 0;  // bytes taken out at `offset`
  std::string insert;        // put there instead
};

// The edited view of `content`: nothing is copied but the insertions. `edits` are sorted by offset and do not overlap
// (asserts).
base::ContentPtr apply(base::ContentPtr content, std::vector<Edit> edits);

// The bytes [begin, end) of `content`.
base::ContentPtr slice(base::ContentPtr content, std::uint64_t begin, std::uint64_t end);
// `first` followed by `rest`.
base::ContentPtr join(std::string first, base::ContentPtr rest);

// Takes every field of that name out of the outermost header.
std::vector<Edit> remove_fields(const MessageFacts& facts, const std::vector<std::string>& names);
// Of a report (a message with a null reverse path) what it returns: of enclosed messages the header stays, of a third and
// later part of multipart/report (RFC 6522) nothing but text/rfc822-headers. k_malformed_header if the parts cannot be told
// apart, or if a signature covers what would go.
base::Result<std::vector<Edit>> remove_returned(const MessageFacts& facts);
// "Name: value\r\n" with the value folded below 78 columns where it has blanks. Name and value are checked: no CR, LF, NUL:
// k_malformed_header.
base::Result<std::string> format_field(std::string_view name, std::string_view value);

// The subject without the keywords that stand in brackets at either end, also inside encoded words; nullopt if there is
// none to remove. `keywords`: lower case, blanks folded.
std::optional<std::string> subject_without(const MessageFacts& facts, const std::vector<std::string>& keywords);

}  // namespace mail
