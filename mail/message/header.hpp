// Promise: header fields are found by our own bounded scan and kept as byte ranges of the original; nothing is re-serialised.
// Standards: RFC 5322 section 2.2 (fields, folding), RFC 2047 (encoded words), RFC 2045 and 2231 (parameters).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.hpp"
#include "mail/address/words.hpp"

namespace mail {

struct HeaderField {
  std::string_view name;     // as written
  std::string_view raw;      // the whole field with its folds and its last CRLF
  std::string value() const; // unfolded, blanks at both ends removed

  bool is(std::string_view other) const;  // ASCII case ignored
};

// A parsed header block; owns its bytes.
class Header {
 public:
  static constexpr std::size_t k_max_fields = 2000;

  Header() = default;
  // `block`: fields with their CRLFs, with or without the empty line at the end. A line that is no field, a name with
  // other than printable ASCII, or more than `max_fields`: k_malformed_header.
  static base::Result<Header> parse(std::string block, std::size_t max_fields = k_max_fields);
  // The same, but what is no field is left out; `clean` tells whether anything was.
  static Header parse_leniently(std::string block, bool& clean, std::size_t max_fields = k_max_fields);

  const std::string& block() const { return *m_block; }  // without the empty line
  const std::vector<HeaderField>& fields() const { return m_fields; }
  const HeaderField* find(std::string_view name) const;  // the first
  std::size_t count(std::string_view name) const;

 private:
  std::shared_ptr<const std::string> m_block = std::make_shared<const std::string>();  // shared: views stay valid in copies
  std::vector<HeaderField> m_fields;
};

// A value such as Content-Type: `type/subtype; name=value; …` (RFC 2045 section 5.1), comments skipped, RFC 2231
// continuations and charsets joined into UTF-8. Names and the leading token are in lower case.
struct ParameterizedValue {
  std::string value;
  std::map<std::string, std::string> parameters;
  std::string parameter(const std::string& name) const;  // "" if absent
};
base::Result<ParameterizedValue> parse_parameterized(std::string_view value);

}  // namespace mail
