#include "demail/integrity/tags.hpp"

#include <algorithm>
#include <map>

#include "base/core/errors.hpp"

namespace demail {
namespace {

constexpr std::pair<Hash, const char*> k_hashes[] = {
    {Hash::sha256, "sha256"}, {Hash::sha384, "sha384"}, {Hash::sha512, "sha512"}};
constexpr std::pair<Scheme, const char*> k_schemes[] = {
    {Scheme::rsa, "rsa"}, {Scheme::ec_dsa, "ec-dsa"}, {Scheme::rsassa_pss, "rsassa-pss"}};
constexpr std::string_view k_query = "x-header/x-de-mail-signature-certificate";

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

std::string_view trim_folds(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string without_blanks(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out), [](char c) { return !is_blank(c); });
  return out;
}

// One "name = value" between semicolons.
struct Tag {
  std::string_view name, value;  // without blanks around them
};
std::optional<Tag> tag_of(std::string_view text) {
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return Tag{trim_folds(text.substr(0, equals)), trim_folds(text.substr(equals + 1))};
}

bool is_tag_name(std::string_view name) {
  const auto alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (name.empty() || !alpha(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) { return alpha(c) || (c >= '0' && c <= '9') || c == '_'; });
}

using Tags = std::map<std::string, std::string, std::less<>>;

// Section 3.2: names once, a semicolon may end the list.
std::optional<Tags> read_tags(std::string_view value) {
  Tags out;
  while (!trim_folds(value).empty()) {
    const auto end = std::min(value.find(';'), value.size());
    const auto tag = tag_of(value.substr(0, end));
    if (!tag || !is_tag_name(tag->name) || !out.emplace(tag->name, tag->value).second) return std::nullopt;
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return out;
}

const std::string* find(const Tags& tags, std::string_view name) {
  const auto it = tags.find(name);
  return it == tags.end() ? nullptr : &it->second;
}

bool read_algorithm(std::string_view text, Integrity& out) {
  const auto slash = text.find('/');
  const auto hash =
      std::find_if(std::begin(k_hashes), std::end(k_hashes), [&](const auto& h) { return text.substr(0, slash) == h.second; });
  if (hash == std::end(k_hashes)) return false;
  out.hash = hash->first;
  if (slash == std::string_view::npos) return true;
  const auto scheme =
      std::find_if(std::begin(k_schemes), std::end(k_schemes), [&](const auto& s) { return text.substr(slash + 1) == s.second; });
  if (scheme == std::end(k_schemes)) return false;
  out.scheme = scheme->first;
  return true;
}

// hdr-name *( [FWS] ":" [FWS] hdr-name )
bool read_names(std::string_view text, std::vector<std::string>& out) {
  while (true) {
    const auto colon = std::min(text.find(':'), text.size());
    const std::string_view name = trim_folds(text.substr(0, colon));
    if (name.empty() || std::any_of(name.begin(), name.end(), [](char c) { return c <= 32 || c >= 127; })) return false;
    if (out.size() == k_max_hashed_fields) return false;
    out.push_back(base::to_lower(name));
    if (colon == text.size()) return true;
    text.remove_prefix(colon + 1);
  }
}

bool read_bytes(std::string_view text, std::string& out) {
  auto bytes = base::parse_base64(without_blanks(text));
  if (!bytes || bytes->empty()) return false;
  out = *std::move(bytes);
  return true;
}

bool names_our_query(std::string_view text) {
  while (true) {
    const auto colon = std::min(text.find(':'), text.size());
    if (base::equal_ignoring_case(trim_folds(text.substr(0, colon)), k_query)) return true;
    if (colon == text.size()) return false;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace

const char* name_of(Hash hash) {
  for (const auto& [known, name] : k_hashes)
    if (known == hash) return name;
  return "sha256";
}

const char* name_of(Scheme scheme) {
  for (const auto& [known, name] : k_schemes)
    if (known == scheme) return name;
  return "";
}

base::HashAlgorithm algorithm_of(Hash hash) {
  return hash == Hash::sha512   ? base::HashAlgorithm::sha512
         : hash == Hash::sha384 ? base::HashAlgorithm::sha384
                                : base::HashAlgorithm::sha256;
}

std::variant<Integrity, IntegrityFinding> read_integrity(std::string_view value) {
  const auto tags = read_tags(value);
  if (!tags) return IntegrityFinding::malformed;
  const std::string *a = find(*tags, "a"), *h = find(*tags, "h"), *bh = find(*tags, "bh"), *b = find(*tags, "b");
  if (a == nullptr || h == nullptr || bh == nullptr || b == nullptr) return IntegrityFinding::malformed;
  const std::string *v = find(*tags, "v"), *c = find(*tags, "c"), *q = find(*tags, "q");
  if (v != nullptr && *v != "1") return IntegrityFinding::malformed;
  // "simple" alone leaves the body's to its default, which is the same (RFC 6376 section 3.5)
  if (c != nullptr && !base::equal_ignoring_case(*c, "simple/simple") && !base::equal_ignoring_case(*c, "simple"))
    return IntegrityFinding::unknown_algorithm;
  Integrity out;
  if (!read_algorithm(*a, out)) return IntegrityFinding::unknown_algorithm;
  if (out.scheme != Scheme::none && q != nullptr && !names_our_query(*q)) return IntegrityFinding::malformed;
  if (!read_names(*h, out.header_names) || !read_bytes(*bh, out.body_hash) || !read_bytes(*b, out.value))
    return IntegrityFinding::malformed;
  if (out.body_hash.size() != base::size_of(algorithm_of(out.hash))) return IntegrityFinding::malformed;
  return out;
}

base::Result<Integrity> parse_integrity(std::string_view value) {
  auto read = read_integrity(value);
  if (auto* integrity = std::get_if<Integrity>(&read)) return std::move(*integrity);
  return base::fail(base::k_malformed, std::string("integrity: ") + name_of(std::get<IntegrityFinding>(read)));
}

std::string with_empty_b(std::string_view field) {
  const auto colon = field.find(':');
  std::size_t at = colon == std::string_view::npos ? field.size() : colon + 1;
  std::string out(field.substr(0, at));
  while (at < field.size()) {
    const auto end = std::min(field.find(';', at), field.size());
    const std::string_view text = field.substr(at, end - at);
    const auto tag = tag_of(text);
    out += tag && tag->name == "b" ? text.substr(0, text.find('=') + 1) : text;
    if (end < field.size()) out += ';';
    at = end + 1;
  }
  if (out.ends_with("\r\n")) out.resize(out.size() - 2);
  return out;
}

}  // namespace demail
