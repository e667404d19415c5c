#include "gateway/web/json_values.hpp"

#include <boost/json/array.hpp>

#include "base/core/remote_text.hpp"

namespace web {
namespace {

const json::value* find(const json::object& object, std::string_view key) { return object.if_contains(json::string_view(key.data(), key.size())); }

}  // namespace

std::string text_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

std::optional<std::int64_t> number_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64() && value->get_uint64() <= static_cast<std::uint64_t>(INT64_MAX)) return static_cast<std::int64_t>(value->get_uint64());
  return std::nullopt;
}

bool flag_of(const json::object& object, std::string_view key) {
  const json::value* value = find(object, key);
  return value != nullptr && value->is_bool() && value->get_bool();
}

std::vector<std::string> texts_of(const json::object& object, std::string_view key) {
  std::vector<std::string> out;
  for (const json::value& item : array_of(object, key))
    if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

const json::object& object_of(const json::object& object, std::string_view key) {
  static const json::object empty;
  const json::value* value = find(object, key);
  return value != nullptr && value->is_object() ? value->get_object() : empty;
}

const json::array& array_of(const json::object& object, std::string_view key) {
  static const json::array empty;
  const json::value* value = find(object, key);
  return value != nullptr && value->is_array() ? value->get_array() : empty;
}

std::string shown(std::string_view foreign, std::size_t cap) { return base::escape_remote(foreign, cap); }

}  // namespace web
