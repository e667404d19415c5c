#include "simulator/model/header_block.hpp"

#include "base/core/bytes.hpp"
#include "mail/message/edit.hpp"

namespace simulator {
namespace {

constexpr std::size_t k_column = 72;

// What cannot stand in a header: the field says that something was there.
std::string printable(std::string_view value) {
  std::string out(value);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return out;
}

}  // namespace

std::string spell(Side style, std::string_view name) {
  std::string out(name);
  if (style == Side::b && out.starts_with("x-de-mail-")) out[0] = 'X';
  return out;
}

std::string fold_base64(std::string_view bytes) {
  const std::string coded = base::to_base64(bytes);
  std::string out;
  for (std::size_t at = 0; at < coded.size(); at += k_column) out += "\r\n " + coded.substr(at, k_column);
  return out;
}

void HeaderBlock::add(std::string_view name, std::string_view value) {
  const std::string spelt = spell(m_style, name);
  auto field = mail::format_field(spelt, value);
  if (!field) field = mail::format_field(spelt, printable(value));
  m_text += *field;
}

void HeaderBlock::add_list(std::string_view name, std::string_view value) {
  m_text += spell(m_style, name) + ": ";
  std::size_t column = name.size() + 2;
  bool quoted = false;
  for (const char c : value) {
    if (c == '"') quoted = !quoted;
    m_text += c;
    if (++column < k_column || quoted || (c != ',' && c != ';')) continue;
    m_text += "\r\n ";
    column = 1;
  }
  // a fold at the end would leave a line of blanks
  if (m_text.ends_with("\r\n ")) m_text.resize(m_text.size() - 3);
  m_text += "\r\n";
}

void HeaderBlock::add_base64(std::string_view name, std::string_view bytes) {
  m_text += spell(m_style, name) + ":" + fold_base64(bytes) + "\r\n";
}

}  // namespace simulator
