// Promise: reading JSON that somebody else wrote, without a check at each use; and text that somebody else wrote as JSON and
// terminals can take it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

namespace web {

namespace json = boost::json;

// Members of hostile objects: absent or of another type is "", nothing or no.
std::string text_of(const json::object& object, std::string_view key);
std::optional<std::int64_t> number_of(const json::object& object, std::string_view key);
bool flag_of(const json::object& object, std::string_view key);
std::vector<std::string> texts_of(const json::object& object, std::string_view key);
const json::object& object_of(const json::object& object, std::string_view key);  // an empty one if absent
const json::array& array_of(const json::object& object, std::string_view key);

// Foreign text as JSON and terminals can take it: UTF-8 without controls, capped.
std::string shown(std::string_view foreign, std::size_t cap = 1000);

}  // namespace web
