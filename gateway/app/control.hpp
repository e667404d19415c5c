// Promise: how the command line and the daemon speak: one JSON object a line, over a Unix socket. A request is
// {"command": "queue.list", …}; its answer {"ok": true, …} or {"ok": false, "error": "…"}, with "exit" where the exit code is
// not the plain one. Requests are hostile: length, depth and every member's type are checked before use.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "base/core/result.hpp"
#include "gateway/web/json_values.hpp"

namespace app {

namespace json = boost::json;

inline constexpr std::size_t k_max_request = 1 << 20;  // a line; the largest is a key file in base64
inline constexpr std::size_t k_max_answer = 80 << 20;  // a line; the largest is a file of 10,000 receipts

// Who stands at the other end, as the kernel says.
struct Caller {
  unsigned uid = 0;
  std::string name;       // "" if the system knows none
  bool is_auditor = false;  // came by the auditors' socket
  std::string text() const;  // "anna (uid 1000)": the who of receipts
};
Caller make_caller(unsigned uid, bool is_auditor);

// base::k_malformed, base::k_too_large.
base::Result<json::object> parse_line(std::string_view line, std::size_t limit);
std::string format_line(const json::object& object);  // with its LF

json::object good_answer();
json::object error_answer(std::string_view error, int exit_code);
// The exit code that an answer means.
int exit_code_of(const json::object& answer);

using web::array_of;
using web::flag_of;
using web::number_of;
using web::object_of;
using web::shown;
using web::text_of;
using web::texts_of;

}  // namespace app
