#include "base/core/metrics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace base::metrics {
namespace {

constexpr double k_times[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30};
constexpr double k_counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256};

// The shortest form that reads back as the same number, so that a bound is "0.0025" and not "0.0025000000000000001".
std::string text_of(double value) {
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (std::isnan(value)) return "NaN";
  char out[40];
  if (std::fabs(value) < 1e15 && value == std::floor(value)) {
    std::snprintf(out, sizeof out, "%.0f", value);
    return out;
  }
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(out, sizeof out, "%.*g", digits, value);
    if (std::strtod(out, nullptr) == value) break;
  }
  return out;
}

// Backslash, quote and line feed are what the format escapes.
void append_escaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\')
      out += "\\\\";
    else if (c == '\n')
      out += "\\n";
    else if (c == '"' && quotes)
      out += "\\\"";
    else
      out += c;
  }
}

}  // namespace

Bounds time_bounds() { return k_times; }
Bounds count_bounds() { return k_counts; }

void Histogram::observe(double value) {
  const auto at = std::lower_bound(m_bounds.begin(), m_bounds.end(), value) - m_bounds.begin();
  m_counts[static_cast<std::size_t>(at)].fetch_add(1, std::memory_order_relaxed);
  if (value > 0) m_micro.fetch_add(static_cast<std::uint64_t>(std::llround(value * 1e6)), std::memory_order_relaxed);
}

void Exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  m_text.append("# HELP ").append(name).append(" ");
  append_escaped(m_text, help, false);
  m_text.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void Exposition::sample(std::string_view name, const Labels& labels, double value) {
  m_text.append(name);
  char before = '{';
  for (const auto& [label, text] : labels) {
    m_text += before;
    m_text.append(label).append("=\"");
    append_escaped(m_text, text, true);
    m_text += '"';
    before = ',';
  }
  if (before == ',') m_text += '}';
  m_text.append(" ").append(text_of(value)).append("\n");
}

void Exposition::counter(std::string_view name, std::string_view help, const Counter& counter) {
  family(name, "counter", help);
  sample(name, {}, static_cast<double>(counter.value()));
}

void Exposition::gauge(std::string_view name, std::string_view help, double value) {
  family(name, "gauge", help);
  sample(name, {}, value);
}

void Exposition::histogram(std::string_view name, std::string_view help, const Histogram& histogram) {
  family(name, "histogram", help);
  histogram_of(name, {}, histogram);
}

// Buckets are cumulative, and the count is their last: read once, so that the two can never differ.
void Exposition::histogram_of(std::string_view name, const Labels& labels, const Histogram& histogram) {
  const std::string bucket = std::string(name) + "_bucket";
  std::uint64_t below = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    below += histogram.in_bucket(i);
    const std::string bound = i < histogram.bounds().size() ? text_of(histogram.bounds()[i]) : "+Inf";
    Labels all = labels;
    all.emplace_back("le", bound);
    sample(bucket, all, static_cast<double>(below));
  }
  sample(std::string(name) + "_sum", labels, histogram.sum());
  sample(std::string(name) + "_count", labels, static_cast<double>(below));
}

}  // namespace base::metrics
