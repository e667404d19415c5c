#include "gateway/web/json_text.hpp"

#include <set>
#include <utility>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/value_stack.hpp>

#include "gateway/web/errors.hpp"

namespace web {
namespace {

using Code = boost::system::error_code;

// What the library's own handler does, and the limits.
class Handler {
 public:
  static constexpr std::size_t max_object_size = k_max_json_values, max_array_size = k_max_json_values,
                               max_key_size = k_max_json_name, max_string_size = k_max_json;

  bool on_document_begin(Code&) { return true; }
  bool on_document_end(Code&) { return true; }
  bool on_object_begin(Code& ec) {
    m_names.emplace_back();
    return count(ec);
  }
  bool on_object_end(std::size_t n, Code&) {
    m_names.pop_back();
    m_stack.push_object(n);
    return true;
  }
  bool on_array_begin(Code& ec) { return count(ec); }
  bool on_array_end(std::size_t n, Code&) {
    m_stack.push_array(n);
    return true;
  }
  bool on_key_part(json::string_view part, std::size_t, Code&) {
    m_name.append(part);
    m_stack.push_chars(part);
    return true;
  }
  bool on_key(json::string_view part, std::size_t, Code& ec) {
    m_name.append(part);
    m_stack.push_key(part);
    if (m_names.back().insert(std::exchange(m_name, {})).second) return true;
    return refuse("a member stands twice", ec);
  }
  bool on_string_part(json::string_view part, std::size_t, Code&) {
    m_stack.push_chars(part);
    return true;
  }
  bool on_string(json::string_view part, std::size_t, Code& ec) {
    m_stack.push_string(part);
    return count(ec);
  }
  bool on_number_part(json::string_view, Code&) { return true; }
  bool on_int64(std::int64_t value, json::string_view, Code& ec) {
    m_stack.push_int64(value);
    return count(ec);
  }
  bool on_uint64(std::uint64_t value, json::string_view, Code& ec) {
    m_stack.push_uint64(value);
    return count(ec);
  }
  bool on_double(double value, json::string_view, Code& ec) {
    m_stack.push_double(value);
    return count(ec);
  }
  bool on_bool(bool value, Code& ec) {
    m_stack.push_bool(value);
    return count(ec);
  }
  bool on_null(Code& ec) {
    m_stack.push_null();
    return count(ec);
  }
  bool on_comment_part(json::string_view, Code&) { return true; }
  bool on_comment(json::string_view, Code&) { return true; }

  // Of our own limits; "" if the library has another reason.
  const char* why() const { return m_why; }
  json::value release() { return m_stack.release(); }

 private:
  bool count(Code& ec) { return ++m_values <= k_max_json_values || refuse("there are more than 100000 values", ec); }
  bool refuse(const char* why, Code& ec) {
    m_why = why;
    ec = json::error::not_object;  // any: that of ours is `why`
    return false;
  }

  json::value_stack m_stack;
  std::vector<std::set<std::string>> m_names;  // of the objects that are open
  std::string m_name;                          // its pieces
  std::size_t m_values = 0;
  const char* m_why = "";
};

}  // namespace

base::Result<json::object> parse_json_message(base::ByteView body) {
  json::parse_options options;
  options.max_depth = k_max_json_depth;
  json::basic_parser<Handler> parser(options);
  Code error;
  const std::size_t read = parser.write_some(false, body.data(), body.size(), error);
  if (!error && read < body.size()) error = json::error::extra_data;
  if (error) {
    const std::string why = parser.handler().why();
    return base::fail(k_bad_json, "at byte " + std::to_string(read) + ": " + (why.empty() ? error.message() : why));
  }
  json::value value = parser.handler().release();
  if (!value.is_object()) return base::fail(k_bad_json, "it is no object");
  return std::move(value.get_object());
}

}  // namespace web
