#include "mail/message/header.hpp"

#include "base/core/bytes.hpp"
#include "mail/address/errors.hpp"

namespace mail {
namespace {

bool is_field_name(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name)
    if (c <= 32 || c >= 127) return false;  // a blank before the colon is obsolete, and other readers read it as another field
  return true;
}

struct Scan {
  std::vector<HeaderField> fields;
  bool clean = true;
};

Scan scan_fields(std::string_view block, std::size_t max_fields) {
  Scan out;
  bool in_field = false;  // the last line opened or continued a field
  while (!block.empty()) {
    const auto lf = block.find('\n');
    const std::size_t length = lf == std::string_view::npos ? block.size() : lf + 1;
    const std::string_view line = block.substr(0, length);
    block.remove_prefix(length);
    if (line.front() == ' ' || line.front() == '\t') {
      if (in_field) {
        auto& raw = out.fields.back().raw;
        raw = {raw.data(), raw.size() + length};
      } else {
        out.clean = false;
      }
      continue;
    }
    const auto colon = line.find(':');
    in_field = colon != std::string_view::npos && is_field_name(line.substr(0, colon)) && out.fields.size() < max_fields;
    if (in_field)
      out.fields.push_back({line.substr(0, colon), line});
    else
      out.clean = false;
  }
  return out;
}

// RFC 2045 tokens
bool ends_token(char c) {
  return static_cast<unsigned char>(c) <= 32 || c == 127 || std::string_view("()<>@,;:\\\"/[]?=").find(c) != std::string_view::npos;
}

class ParameterScanner {
 public:
  explicit ParameterScanner(std::string_view text) : m_text(text) {}

  void skip_blanks() {
    int depth = 0;
    while (m_at < m_text.size()) {
      const char c = m_text[m_at];
      if (c == '(' && depth < 20)
        ++depth;
      else if (c == ')' && depth > 0)
        --depth;
      else if (c == '\\' && depth > 0)
        ++m_at;
      else if (depth == 0 && c != ' ' && c != '\t')
        return;
      ++m_at;
    }
  }
  bool done() const { return m_at >= m_text.size(); }
  bool take(char c) {
    if (done() || m_text[m_at] != c) return false;
    ++m_at;
    return true;
  }
  std::string token(bool with_slash) {
    std::string out;
    while (!done() && (!ends_token(m_text[m_at]) || (with_slash && m_text[m_at] == '/'))) out += m_text[m_at++];
    return out;
  }
  // a token or a quoted string; blanks inside an unquoted value end it
  std::string value() {
    if (!take('"')) {
      std::string out;
      while (!done() && m_text[m_at] != ';' && m_text[m_at] != ' ' && m_text[m_at] != '\t' && m_text[m_at] != '(') out += m_text[m_at++];
      return out;
    }
    std::string out;
    while (!done() && m_text[m_at] != '"') {
      if (m_text[m_at] == '\\' && m_at + 1 < m_text.size()) ++m_at;
      out += m_text[m_at++];
    }
    m_closed = take('"');
    return out;
  }
  bool closed() const { return m_closed; }

 private:
  std::string_view m_text;
  std::size_t m_at = 0;
  bool m_closed = true;
};

std::string percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = text[i] == '%' ? base::parse_hex(text.substr(i + 1, 2)) : base::Result<base::Bytes>(base::Bytes{});
    if (text[i] == '%' && byte && byte->size() == 1) {
      out += *byte;
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

// RFC 2231: name*0, name*1*, name* … joined into name. A plain `name` beside them loses.
void join_extended(std::map<std::string, std::string>& parameters) {
  struct Extended {
    std::string bytes, charset;
    int next = 0;
  };
  std::map<std::string, Extended> joined;
  // single form name*=charset'lang'text and the numbered forms, in order of their number
  for (int number = -1; number < 100; ++number) {
    bool any = number < 0;
    for (auto it = parameters.begin(); it != parameters.end();) {
      const auto star = it->first.find('*');
      if (star == std::string::npos) {
        ++it;
        continue;
      }
      const std::string name = it->first.substr(0, star), tail = it->first.substr(star + 1);
      const bool coded = tail.empty() || tail.ends_with('*');
      const std::string digits = tail.ends_with('*') ? tail.substr(0, tail.size() - 1) : tail;
      if ((number < 0) ? !tail.empty() : digits != std::to_string(number)) {
        ++it;
        continue;
      }
      any = true;
      std::string text = it->second;
      auto& target = joined[name];
      if (coded && number <= 0) {
        const auto one = text.find('\''), two = one == std::string::npos ? one : text.find('\'', one + 1);
        if (two != std::string::npos) {
          target.charset = text.substr(0, one);
          text = text.substr(two + 1);
        }
      }
      target.bytes += coded ? percent_decode(text) : text;
      it = parameters.erase(it);
    }
    if (!any) break;
  }
  for (const auto& [name, extended] : joined) parameters[name] = to_utf8(extended.bytes, extended.charset);
}

}  // namespace

bool HeaderField::is(std::string_view other) const { return base::equal_ignoring_case(name, other); }

std::string HeaderField::value() const {
  std::string out;
  for (const char c : raw.substr(name.size() + 1))
    if (c != '\r' && c != '\n') out += c;
  return std::string(base::trim(out));
}

Header Header::parse_leniently(std::string block, bool& clean, std::size_t max_fields) {
  if (block.ends_with("\r\n\r\n")) block.resize(block.size() - 2);
  if (block == "\r\n") block.clear();
  Header out;
  out.m_block = std::make_shared<const std::string>(std::move(block));
  auto scan = scan_fields(*out.m_block, max_fields);
  out.m_fields = std::move(scan.fields);
  clean = scan.clean;
  return out;
}

base::Result<Header> Header::parse(std::string block, std::size_t max_fields) {
  bool clean = false;
  Header out = parse_leniently(std::move(block), clean, max_fields);
  if (!clean) return base::fail(k_malformed_header, "a line that is no header field, or too many of them");
  return out;
}

const HeaderField* Header::find(std::string_view name) const {
  for (const auto& field : m_fields)
    if (field.is(name)) return &field;
  return nullptr;
}

std::size_t Header::count(std::string_view name) const {
  std::size_t n = 0;
  for (const auto& field : m_fields) n += field.is(name) ? 1 : 0;
  return n;
}

std::string ParameterizedValue::parameter(const std::string& name) const {
  const auto it = parameters.find(name);
  return it == parameters.end() ? std::string{} : it->second;
}

base::Result<ParameterizedValue> parse_parameterized(std::string_view value) {
  ParameterScanner s(value);
  s.skip_blanks();
  ParameterizedValue out;
  out.value = base::to_lower(s.token(true));
  if (out.value.empty()) return base::fail(k_malformed_header, "no value before the parameters");
  while (true) {
    s.skip_blanks();
    if (s.done()) break;
    if (!s.take(';')) return base::fail(k_malformed_header, "text where a parameter should begin");
    s.skip_blanks();
    if (s.done()) break;  // a semicolon at the end is common and harmless
    const std::string name = base::to_lower(s.token(false));
    s.skip_blanks();
    if (name.empty() || !s.take('=')) return base::fail(k_malformed_header, "a parameter without name or value");
    s.skip_blanks();
    std::string text = s.value();
    if (!s.closed()) return base::fail(k_malformed_header, "a quoted parameter without end");
    // two parameters of one name are two readings of one message
    if (!out.parameters.emplace(name, std::move(text)).second) return base::fail(k_malformed_header, "a parameter stands twice");
    if (out.parameters.size() > 100) return base::fail(k_malformed_header, "more than 100 parameters");
  }
  join_extended(out.parameters);
  return out;
}

}  // namespace mail
