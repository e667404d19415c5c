#include "policies/lang/fault.hpp"

#include <algorithm>
#include <tuple>

#include "base/core/remote_text.hpp"

namespace policies {
namespace {

// Damerau-Levenshtein with neighbours only; words are short.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last, last(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last = last;
    last = row;
  }
  return last[b.size()];
}

}  // namespace

std::string format_fault(const Fault& fault) {
  return fault.file + ":" + std::to_string(fault.at.line) + ":" + std::to_string(fault.at.column) + ": " +
         (fault.severity == Severity::warning ? "warning: " : "") + fault.message;
}

void Faults::add(Fault fault) {
  if (fault.severity == Severity::error) ++m_errors;
  if (m_all.size() < k_max_faults)
    m_all.push_back(std::move(fault));
  else
    ++m_dropped;
}

void Faults::error(std::string_view file, Position at, std::string message) {
  add({std::string(file), at, std::move(message), Severity::error});
}

void Faults::warning(std::string_view file, Position at, std::string message) {
  add({std::string(file), at, std::move(message), Severity::warning});
}

std::vector<Fault> Faults::take() {
  std::stable_sort(m_all.begin(), m_all.end(), [](const Fault& a, const Fault& b) {
    return std::tie(a.file, a.at.line, a.at.column) < std::tie(b.file, b.at.line, b.at.column);
  });
  if (m_dropped != 0) {
    const Fault& last = m_all.back();
    m_all.push_back({last.file, last.at, "and " + std::to_string(m_dropped) + " more", Severity::error});
  }
  return std::move(m_all);
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > 64) return {};
  std::string_view best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto candidate : known) {
    const std::size_t d = distance(word, candidate);
    if (d < best_distance) best = candidate, best_distance = d;
  }
  return best;
}

std::string unknown_word(std::string_view what, std::string_view word, std::span<const std::string_view> known) {
  std::string out = "unknown " + std::string(what) + " \"" + base::escape_remote(word, 64) + "\"";
  const auto near = nearest_word(word, known);
  if (!near.empty()) return out + "; did you mean \"" + std::string(near) + "\"?";
  if (known.empty() || known.size() > 24) return out;
  std::string list;
  for (const auto k : known) list.append(list.empty() ? "" : ", ").append(k);
  return out + " (known: " + list + ")";
}

}  // namespace policies
