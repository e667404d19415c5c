// Promise: JSON that a client sent becomes a value, or the reason why not, in memory that the text's size bounds. Stricter than
// RFC 8259 asks for: a member that stands twice is refused (two readers would see two messages), as is what no message needs.
#pragma once

#include <boost/json/object.hpp>

#include "base/core/bytes.hpp"
#include "base/core/result.hpp"

namespace web {

namespace json = boost::json;

inline constexpr std::size_t k_max_json = 32 * 1024 * 1024;  // bytes of a request
inline constexpr std::size_t k_max_json_depth = 32;
// Numbers, strings, lists and members; one costs up to 60 bytes where its text has two. Thousands of recipients take a tenth.
inline constexpr std::size_t k_max_json_values = 100'000;
inline constexpr std::size_t k_max_json_name = 1000;  // bytes of a member's name

// k_bad_json; the detail is for whoever sent it, and holds nothing of what he sent.
base::Result<json::object> parse_json_message(base::ByteView body);

}  // namespace web
