#include "gateway/app/control.hpp"

#include <pwd.h>

#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/core/errors.hpp"
#include "gateway/app/command_table.hpp"

namespace app {
namespace {

constexpr std::size_t k_max_depth = 16;

}  // namespace

std::string Caller::text() const { return (name.empty() ? "" : name + " ") + "(uid " + std::to_string(uid) + ")"; }

Caller make_caller(unsigned uid, bool is_auditor) {
  Caller out{uid, {}, is_auditor};
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) out.name = shown(found->pw_name, 64);
  return out;
}

base::Result<json::object> parse_line(std::string_view line, std::size_t limit) {
  if (line.size() > limit) return base::fail(base::k_too_large, "a line of " + std::to_string(line.size()) + " bytes");
  json::parse_options options;
  options.max_depth = k_max_depth;
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(line.data(), line.size()), error, {}, options);
  if (error) return base::fail(base::k_malformed, "not JSON: " + error.message());
  if (!value.is_object()) return base::fail(base::k_malformed, "not a JSON object");
  return std::move(value.get_object());
}

std::string format_line(const json::object& object) { return json::serialize(object) + "\n"; }

json::object good_answer() { return {{"ok", true}}; }

json::object error_answer(std::string_view error, int exit_code) {
  return {{"ok", false}, {"error", json::string_view(error.data(), error.size())}, {"exit", exit_code}};
}

int exit_code_of(const json::object& answer) {
  const auto given = number_of(answer, "exit");
  if (given && *given >= 0 && *given <= k_exit_error) return static_cast<int>(*given);
  return flag_of(answer, "ok") ? k_exit_good : k_exit_error;
}

}  // namespace app
