// Promise: header fields written in the manner of one of the two providers: names in lower case at A, as the standard prints
// them at B; folded, pure ASCII, CRLF line ends. Standard: BSI TR 01201 part 3.4 v1.8, sections 3.1 and 3.1.21; RFC 5322.
#pragma once

#include <string>
#include <string_view>

#include "simulator/model/account.hpp"

namespace simulator {

class HeaderBlock {
 public:
  explicit HeaderBlock(Side style) : m_style(style) {}

  void add(std::string_view name, std::string_view value);         // UTF-8, as encoded words where needed
  void add_list(std::string_view name, std::string_view value);    // folded behind "," and ";" only
  void add_base64(std::string_view name, std::string_view bytes);  // coded here
  void add_raw(std::string_view fields) { m_text += fields; }      // with their CRLFs
  const std::string& text() const { return m_text; }               // without the empty line

 private:
  std::string m_text;
  Side m_style;
};

// How that provider writes a name: "x-de-mail-sender", "X-de-mail-sender"; other names stay.
std::string spell(Side style, std::string_view name);
// Base64 in lines of 72 characters, each with CRLF and a blank in front.
std::string fold_base64(std::string_view bytes);

}  // namespace simulator
