// Promise: one line of JSON, made member by member; whatever a value holds, the line is one line of well-formed JSON.
// Standard: RFC 8259.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace simulator {

class JsonLine {
 public:
  JsonLine& add(std::string_view name, std::string_view text);
  JsonLine& add(std::string_view name, const char* text) { return add(name, std::string_view(text)); }
  JsonLine& add(std::string_view name, std::int64_t number);
  JsonLine& add(std::string_view name, bool yes);
  JsonLine& add(std::string_view name, const std::vector<std::string>& texts);
  JsonLine& add(std::string_view name, const JsonLine& object);
  std::string text() const { return "{" + m_members + "}"; }

 private:
  JsonLine& add_raw(std::string_view name, std::string_view raw);
  std::string m_members;
};

}  // namespace simulator
