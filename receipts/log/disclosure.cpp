// Disclosures in the form of RFC 9901 (selective disclosure): the text ["salt", "name", value] as base64url, told by its digest.
#include <algorithm>

#include <boost/json.hpp>

#include "receipts/log/leaf.hpp"

namespace receipts {
namespace {

namespace json = boost::json;

// base64 of a value that is no UTF-8, and the salt around it
constexpr std::size_t k_max_encoded = k_max_disclosure_value * 6 * 4 / 3 + 1024;

base::Result<std::string> value_of(const json::value& value) {
  if (value.is_string()) return std::string(value.get_string());
  // bytes that are no UTF-8 (a reply of a foreign server) travel as {"base64":"…"}
  if (!value.is_object() || value.get_object().size() != 1) return fail(k_disclosure_invalid, "value");
  const json::value* coded = value.get_object().if_contains("base64");
  if (coded == nullptr || !coded->is_string()) return fail(k_disclosure_invalid, "value");
  auto bytes = base::parse_base64(coded->get_string());
  if (!bytes) return fail(k_disclosure_invalid, "base64");
  return std::move(*bytes);
}

}  // namespace

base::Result<OpenedDisclosure> parse_disclosure(std::string_view encoded) {
  if (encoded.size() > k_max_encoded) return fail(k_disclosure_invalid, "size");
  const auto text = base::parse_base64url(encoded);
  if (!text) return fail(k_disclosure_invalid, "not base64url");
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 4;
  const json::value value = json::parse(*text, ec, {}, options);
  if (ec || !value.is_array() || value.get_array().size() != 3) return fail(k_disclosure_invalid, "not an array of three");
  const json::array& parts = value.get_array();
  if (!parts[0].is_string() || !parts[1].is_string()) return fail(k_disclosure_invalid, "salt or name");
  const std::string_view full = parts[1].get_string();
  const std::size_t dot = full.find('.');
  const auto cls = parse_disclosure_class(full.substr(0, dot));
  if (dot == std::string_view::npos || !cls) return fail(k_disclosure_invalid, "class");
  auto opened = value_of(parts[2]);
  if (!opened) return std::move(opened).error();
  return OpenedDisclosure{std::string(parts[0].get_string()), *cls, std::string(full.substr(dot + 1)), std::move(*opened)};
}

std::string disclosure_digest(std::string_view encoded) { return base::to_base64url(base::view(base::sha256(encoded))); }

bool belongs_to(const ParsedLeaf& leaf, std::string_view encoded) {
  return std::binary_search(leaf.dr.begin(), leaf.dr.end(), disclosure_digest(encoded));
}

}  // namespace receipts
