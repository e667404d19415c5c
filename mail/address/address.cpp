#include "mail/address/address.hpp"

#include <cstdlib>

#include <idn2.h>

#include "base/core/bytes.hpp"
#include "mail/address/errors.hpp"

namespace mail {
namespace {

base::Error malformed(const char* what) { return base::fail(k_malformed_address, what); }

bool is_atext(char c) {
  const auto u = static_cast<unsigned char>(c);
  if (u > 127) return true;  // RFC 6531 section 3.3
  return (u >= '0' && u <= '9') || (u >= 'A' && u <= 'Z') || (u >= 'a' && u <= 'z') ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dot_string(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  char before = 'x';
  for (const char c : text) {
    if (c == '.' ? before == '.' : !is_atext(c)) return false;
    before = c;
  }
  return true;
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  for (const char c : label)
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-')) return false;
  return true;
}

// `text` starts with a quote. Gives the content without quotes and backslashes and the length read, or malformed.
base::Result<std::pair<std::string, std::size_t>> quoted_string(std::string_view text) {
  std::string out;
  for (std::size_t i = 1; i < text.size(); ++i) {
    const auto u = static_cast<unsigned char>(text[i]);
    if (text[i] == '"') return std::pair{out, i + 1};
    if (text[i] == '\\') {
      if (++i == text.size()) break;
      if (static_cast<unsigned char>(text[i]) < 32 || text[i] == 127) return malformed("control character quoted");
    } else if ((u < 32 && u != '\t') || u == 127) {
      return malformed("control character in a quoted string");
    }
    out += text[i];
  }
  return malformed("quoted string without end");
}

}  // namespace

base::Result<std::string> parse_domain(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > 255) return malformed("domain length");
  std::string domain;
  if (base::is_ascii(text)) {
    domain = base::to_lower(text);
  } else {
    if (!base::is_utf8(text)) return malformed("domain is not UTF-8");
    char* ascii = nullptr;
    const int rc = idn2_to_ascii_8z(std::string(text).c_str(), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    if (rc != IDN2_OK) return malformed("domain is no valid internationalised name");
    domain = base::to_lower(ascii);
    std::free(ascii);
  }
  if (domain.size() > 253) return malformed("domain length");
  std::size_t from = 0;
  while (true) {
    const auto dot = domain.find('.', from);
    if (!is_label(std::string_view(domain).substr(from, dot == std::string::npos ? dot : dot - from))) return malformed("domain label");
    if (dot == std::string::npos) break;
    from = dot + 1;
  }
  return domain;
}

base::Result<Address> Address::parse(std::string_view text) {
  if (text.size() > 320) return malformed("address length");
  if (text.find('\0') != std::string_view::npos || !base::is_utf8(text)) return malformed("NUL or broken UTF-8");
  Address out;
  std::size_t at = 0;
  if (text.starts_with('"')) {
    auto quoted = quoted_string(text);
    if (!quoted) return std::move(quoted).error();
    out.m_local = std::move(quoted->first);
    at = quoted->second;
  } else {
    at = text.find('@');
    if (at == std::string_view::npos) return malformed("no @");
    out.m_local = std::string(text.substr(0, at));
    if (!is_dot_string(out.m_local)) return malformed("local part");
  }
  if (out.m_local.empty() || out.m_local.size() > 64) return malformed("local part length");
  if (at >= text.size() || text[at] != '@') return malformed("no @ after the local part");
  auto domain = parse_domain(text.substr(at + 1));
  if (!domain) return std::move(domain).error();
  out.m_domain = *std::move(domain);
  return out;
}

std::string Address::text() const {
  if (is_dot_string(m_local)) return m_local + "@" + m_domain;
  std::string quoted = "\"";
  for (const char c : m_local) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"@" + m_domain;
}

std::string Address::folded() const {
  Address lower = *this;
  lower.m_local = base::to_lower(m_local);
  return lower.text();
}

bool Address::needs_smtputf8() const { return !base::is_ascii(m_local); }

}  // namespace mail
