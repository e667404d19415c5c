#include "policies/engine/pattern.hpp"

#include <algorithm>

#include <re2/re2.h>

#include "base/core/bytes.hpp"
#include "policies/engine/errors.hpp"

namespace policies {

bool glob_matches(std::string_view glob, std::string_view text) {
  std::size_t g = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    // the star first: a text may hold a star of its own
    if (g < glob.size() && glob[g] == '*') {
      star = g++;
      resume = t;
    } else if (g < glob.size() && (glob[g] == '?' || glob[g] == text[t])) {
      ++g, ++t;
    } else if (star != std::string_view::npos) {
      g = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (g < glob.size() && glob[g] == '*') ++g;
  return g == glob.size();
}

class PatternSet::Regex {
 public:
  explicit Regex(std::string_view text) : m_re(re2::StringPiece(text.data(), text.size()), options()) {}
  bool ok() const { return m_re.ok(); }
  const std::string& error() const { return m_re.error(); }
  bool matches(std::string_view text) const {
    if (text.size() > k_max_regex_input) return false;
    return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), m_re);
  }

 private:
  static RE2::Options options() {
    RE2::Options o;
    o.set_max_mem(1 << 20);
    o.set_case_sensitive(false);
    o.set_log_errors(false);
    o.set_encoding(RE2::Options::EncodingUTF8);
    return o;
  }
  RE2 m_re;
};

PatternSet::PatternSet() = default;
PatternSet::~PatternSet() = default;
PatternSet::PatternSet(const PatternSet&) = default;
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(const PatternSet&) = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;

base::Result<void> PatternSet::add(std::string_view pattern) {
  if (pattern.size() > k_max_pattern_bytes) return base::fail(k_bad_pattern, "longer than 1024 bytes");
  if (pattern.substr(0, 3) == "re:") {
    auto regex = std::make_shared<const Regex>(pattern.substr(3));
    if (!regex->ok()) return base::fail(k_bad_pattern, regex->error());
    m_regexes.push_back(std::move(regex));
    return base::Done{};
  }
  std::string folded = base::to_lower(pattern);
  if (folded.find_first_of("*?") != std::string::npos) {
    m_globs.push_back(std::move(folded));
    return base::Done{};
  }
  const auto at = std::lower_bound(m_exact.begin(), m_exact.end(), folded);
  if (at == m_exact.end() || *at != folded) m_exact.insert(at, std::move(folded));
  return base::Done{};
}

bool PatternSet::matches(std::string_view folded) const {
  // a single value is the common case, and the comparison of lengths decides it
  if (m_exact.size() == 1 ? m_exact.front() == folded : std::binary_search(m_exact.begin(), m_exact.end(), folded)) return true;
  for (const auto& glob : m_globs)
    if (glob_matches(glob, folded)) return true;
  for (const auto& regex : m_regexes)
    if (regex->matches(folded)) return true;
  return false;
}

bool PatternSet::matches_everything() const { return std::find(m_globs.begin(), m_globs.end(), "*") != m_globs.end(); }

bool PatternSet::empty() const { return m_exact.empty() && m_globs.empty() && m_regexes.empty(); }

std::vector<std::string> PatternSet::examples(std::size_t most) const {
  std::vector<std::string> out;
  for (const auto* list : {&m_exact, &m_globs})
    for (std::string text : *list) {
      if (out.size() >= most) return out;
      std::replace_if(text.begin(), text.end(), [](char c) { return c == '*' || c == '?'; }, 'x');
      out.push_back(std::move(text));
    }
  return out;
}

}  // namespace policies
