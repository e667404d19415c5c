#include "base/core/metrics.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace base::metrics {
namespace {

TEST(Metrics, WritesTheTextFormatWithItsEscapes) {
  Exposition out;
  out.family("amtsbote_x", "gauge", "back\\slash\nand line");
  out.sample("amtsbote_x", {{"name", "a\"b\\c\nd"}, {"kind", "tls"}}, 0.25);
  out.gauge("amtsbote_y", "y", 1e9);
  EXPECT_EQ(out.take(),
            "# HELP amtsbote_x back\\\\slash\\nand line\n# TYPE amtsbote_x gauge\namtsbote_x{name=\"a\\\"b\\\\c\\nd\",kind=\"tls\"} 0.25\n"
            "# HELP amtsbote_y y\n# TYPE amtsbote_y gauge\namtsbote_y 1000000000\n");
}

TEST(Metrics, BucketsAreCumulativeAndTheirBoundsBelongToThem) {
  constexpr double bounds[] = {0.5, 1};
  Histogram histogram{bounds};
  for (const double value : {0.25, 0.5, 0.75, 4.0}) histogram.observe(value);
  Exposition out;
  out.histogram("h", "help", histogram);
  EXPECT_EQ(out.take(),
            "# HELP h help\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 2\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 5.5\nh_count 4\n");
}

TEST(Metrics, NoIncrementOfManyThreadsIsLost) {
  Counter counter;
  Histogram histogram{count_bounds()};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        counter.add();
        histogram.observe(3.0);
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(counter.value(), 80'000U);
  EXPECT_EQ(histogram.in_bucket(2), 80'000U);
  EXPECT_DOUBLE_EQ(histogram.sum(), 240'000.0);
}

TEST(Metrics, TimesAreSeconds) {
  Histogram histogram{time_bounds()};
  histogram.observe(std::chrono::milliseconds(2));
  EXPECT_EQ(histogram.in_bucket(4), 1U);  // up to 2.5 ms
  EXPECT_DOUBLE_EQ(histogram.sum(), 0.002);
}

}  // namespace
}  // namespace base::metrics
