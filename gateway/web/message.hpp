// Promise: HTTP as values. Handlers see these and nothing of the library that parses. Standards: RFC 9110 (semantics), RFC
// 9112 (HTTP/1.1). What stands in a Request came from outside and was only checked for its form.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/core/bytes.hpp"
#include "base/net/tls.hpp"

namespace web {

using Fields = std::vector<std::pair<std::string, std::string>>;

// What stands before the body.
struct Request {
  std::string method;
  std::string path;                     // percent-decoded, starts with "/"
  Fields query;                         // decoded, in order; a name may stand several times
  Fields fields;                        // names in lower case
  std::optional<std::uint64_t> length;  // of the body; absent: chunked or none
  bool chunked = false;
  bool keep_alive = true;
  bool wants_continue = false;          // Expect: 100-continue

  bool has_body() const { return chunked || length.value_or(0) > 0; }
  // The first of that name ("" if there is none); `name` in lower case.
  std::string_view field(std::string_view name) const;
  bool has_field(std::string_view name) const;
  std::optional<std::string> parameter(std::string_view name) const;
  std::vector<std::string> parameters(std::string_view name) const;
  // The first that stands twice, where only `list` may; of two values another reader would take the other.
  std::optional<std::string> repeats_parameter(std::string_view list = {}) const;
};

struct Response {
  int status = 200;
  std::string type = "application/json";  // of the body; unused if that is empty
  base::Bytes body;
  Fields fields;                          // further ones; values must not hold CR, LF or NUL
};

// Who is at the other end.
struct Client {
  std::string address;
  std::uint16_t port = 0;
  std::optional<base::net::TlsInfo> tls;
};

// Status line, header and body as they go on the wire. A field that could end its line is left out. To HEAD (`head`) no body
// goes, and no length of one: what follows on the connection is the next answer (RFC 9110 section 9.3.2).
base::Bytes format_response(const Response& response, bool keep_alive, const std::string& date, bool head = false);
// "Wed, 25 Nov 2026 06:53:14 GMT" (RFC 9110 section 5.6.7), of an RFC 5322 date in UTC.
std::string format_http_date(std::string rfc5322);
// "%20" and, in queries, "+"; nothing if a percent sign is not followed by two hex digits or a NUL results.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
// RFC 3986 unreserved characters stay, everything else becomes %XX.
std::string percent_encode(std::string_view text);

}  // namespace web
