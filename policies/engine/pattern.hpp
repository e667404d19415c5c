// Promise: a value of a condition is a glob (`*` any run, `?` one byte) or, after `re:`, a regular expression in RE2's
// syntax, which needs time linear in its input and memory under a cap. ASCII case never counts. Patterns come from the
// administrator, the text that they meet from anybody.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/core/result.hpp"

namespace policies {

inline constexpr std::size_t k_max_pattern_bytes = 1024;
// What a regular expression may look at: the longest header values are far below; what is longer does not match in part.
inline constexpr std::size_t k_max_regex_input = 64 * 1024;

// Both sides in lower case. Linear in the text for one star, at worst the product of the lengths; it never recurses.
bool glob_matches(std::string_view glob, std::string_view text);

// Any of several patterns. Values without a wildcard are found by search, so that a group of thousands costs nothing.
class PatternSet {
 public:
  PatternSet();
  ~PatternSet();
  PatternSet(const PatternSet&);
  PatternSet(PatternSet&&) noexcept;
  PatternSet& operator=(const PatternSet&);
  PatternSet& operator=(PatternSet&&) noexcept;

  // k_bad_pattern, with the reason as detail. An expression must match the whole text unless it says otherwise with `.*`.
  base::Result<void> add(std::string_view pattern);
  // `folded`: the text in lower case.
  bool matches(std::string_view folded) const;
  bool matches_everything() const;  // holds the glob "*"
  bool empty() const;
  // Texts that match: the plain values, and each glob with its wildcards filled in. Expressions have none.
  std::vector<std::string> examples(std::size_t most) const;
  bool has_regex() const { return !m_regexes.empty(); }

 private:
  class Regex;
  std::vector<std::string> m_exact;  // sorted
  std::vector<std::string> m_globs;
  std::vector<std::shared_ptr<const Regex>> m_regexes;
};

}  // namespace policies
