// Promise: numbers that tell how the program fares: counters and histograms that any thread feeds without a lock and without
// waiting, and the text that a monitoring system reads (Prometheus text exposition format, version 0.0.4). There is no list of
// all numbers: each room keeps its own as members, and whoever shows them knows the rooms. Labels come from closed sets of our
// own words; nothing that a peer wrote may become one.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base::metrics {

// Only grows, from zero at the start of the process.
class Counter {
 public:
  void add(std::uint64_t n = 1) { m_value.fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value() const { return m_value.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> m_value{0};
};

// Upper bounds of buckets, growing; at most k_most of them.
using Bounds = std::span<const double>;

// How often a value fell below each bound. A reader that comes between two increments may see a sum that is one observation
// ahead or behind: good enough for graphs, and it costs the writers nothing.
class Histogram {
 public:
  static constexpr std::size_t k_most = 16;
  explicit Histogram(Bounds bounds) : m_bounds(bounds.first(bounds.size() < k_most ? bounds.size() : k_most)) {}

  void observe(double value);
  void observe(std::chrono::nanoseconds time) { observe(std::chrono::duration<double>(time).count()); }

  Bounds bounds() const { return m_bounds; }
  std::uint64_t in_bucket(std::size_t i) const { return m_counts[i].load(std::memory_order_relaxed); }  // i = bounds().size(): above all
  double sum() const { return static_cast<double>(m_micro.load(std::memory_order_relaxed)) / 1e6; }

 private:
  Bounds m_bounds;
  std::array<std::atomic<std::uint64_t>, k_most + 1> m_counts{};
  std::atomic<std::uint64_t> m_micro{0};  // the sum, in millionths
};

// Seconds from a tenth of a millisecond to half a minute; counts in powers of two.
Bounds time_bounds();
Bounds count_bounds();

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

// Writes families one after the other. A family's samples must follow it directly.
class Exposition {
 public:
  void family(std::string_view name, std::string_view type, std::string_view help);
  void sample(std::string_view name, const Labels& labels, double value);
  void counter(std::string_view name, std::string_view help, const Counter& counter);
  void gauge(std::string_view name, std::string_view help, double value);
  // A family, or with `labels` one member of a family that stands already.
  void histogram(std::string_view name, std::string_view help, const Histogram& histogram);
  void histogram_of(std::string_view name, const Labels& labels, const Histogram& histogram);
  std::string take() { return std::move(m_text); }

 private:
  std::string m_text;
};

inline constexpr const char* k_exposition_type = "text/plain; version=0.0.4; charset=utf-8";

}  // namespace base::metrics
