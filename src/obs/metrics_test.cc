#include "obs/metrics.h"

#include <gtest/gtest.h>

namespace kelpie::obs {
namespace {

TEST(Metrics, RendersFamiliesInOrderOfNameAndLabels) {
  Metrics metrics;
  metrics.gauge("kelpie_open", "Open connections.").set(-3);
  metrics.counter("kelpie_calls_total", "Calls.", {{"code", "500"}}).add(2);
  metrics.counter("kelpie_calls_total", "Calls.", {{"code", "200"}}).add();
  EXPECT_EQ(metrics.render(),
            "# HELP kelpie_calls_total Calls.\n"
            "# TYPE kelpie_calls_total counter\n"
            "kelpie_calls_total{code=\"200\"} 1\n"
            "kelpie_calls_total{code=\"500\"} 2\n"
            "# HELP kelpie_open Open connections.\n"
            "# TYPE kelpie_open gauge\n"
            "kelpie_open -3\n");
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameMetric) {
  Metrics metrics;
  Counter& first = metrics.counter("a_total", "A.", {{"x", "1"}});
  EXPECT_EQ(&first, &metrics.counter("a_total", "A.", {{"x", "1"}}));
  EXPECT_NE(&first, &metrics.counter("a_total", "A.", {{"x", "2"}}));
}

TEST(Metrics, EscapesHelpTextsAndLabelValues) {
  Metrics metrics;
  metrics.counter("a_total", "one\\two\nthree \"quoted\"", {{"x", "a\\b\"c\nd"}});
  EXPECT_EQ(metrics.render(),
            "# HELP a_total one\\\\two\\nthree \"quoted\"\n"
            "# TYPE a_total counter\n"
            "a_total{x=\"a\\\\b\\\"c\\nd\"} 0\n");
}

TEST(Metrics, CountsAHistogramCumulativelyWithInclusiveBounds) {
  Metrics metrics;
  Histogram& sizes = metrics.histogram("size_bytes", "Sizes.", Unit::kOne, {10, 100}, {{"a", "b"}});
  for (int64_t value : {10, 11, 100, 101, 5000}) {
    sizes.observe(value);
  }
  EXPECT_EQ(metrics.render(),
            "# HELP size_bytes Sizes.\n"
            "# TYPE size_bytes histogram\n"
            "size_bytes_bucket{a=\"b\",le=\"10\"} 1\n"
            "size_bytes_bucket{a=\"b\",le=\"100\"} 3\n"
            "size_bytes_bucket{a=\"b\",le=\"+Inf\"} 5\n"
            "size_bytes_sum{a=\"b\"} 5222\n"
            "size_bytes_count{a=\"b\"} 5\n");
}

TEST(Metrics, PrintsMicrosecondsAsExactSeconds) {
  Metrics metrics;
  Histogram& times = metrics.histogram("t_seconds", "T.", Unit::kMicros, {250, 1'000'000});
  times.observe(250);
  times.observe(1'500'001);
  EXPECT_EQ(metrics.render(),
            "# HELP t_seconds T.\n"
            "# TYPE t_seconds histogram\n"
            "t_seconds_bucket{le=\"0.00025\"} 1\n"
            "t_seconds_bucket{le=\"1\"} 1\n"
            "t_seconds_bucket{le=\"+Inf\"} 2\n"
            "t_seconds_sum 1.500251\n"
            "t_seconds_count 2\n");
}

TEST(Metrics, LatencyBoundsGrow) {
  const auto bounds = latency_bounds();
  for (size_t i = 1; i < bounds.size(); ++i) {
    EXPECT_LT(bounds[i - 1], bounds[i]);
  }
}

TEST(MetricsDeathTest, OneNameHasOneKind) {
  Metrics metrics;
  metrics.counter("a_total", "A.");
  EXPECT_DEATH(metrics.gauge("a_total", "A."), "CHECK failed");
}

TEST(Metrics, MirrorsWhatIsCountedElsewhere) {
  Metrics metrics;
  Counter& counter = metrics.counter("c_total", "C.");
  counter.mirror(3);
  counter.mirror(5);
  const uint64_t buckets[] = {2, 0, 1};
  metrics.histogram("h_seconds", "H.", Unit::kMicros, {1'000, 2'000}).mirror(buckets, 4'500);
  const std::string text = metrics.render();
  EXPECT_NE(text.find("c_total 5\n"), std::string::npos) << text;
  EXPECT_NE(text.find("h_seconds_bucket{le=\"0.002\"} 2\n"), std::string::npos) << text;
  EXPECT_NE(text.find("h_seconds_bucket{le=\"+Inf\"} 3\n"), std::string::npos) << text;
  EXPECT_NE(text.find("h_seconds_sum 0.0045\n"), std::string::npos) << text;
}

}  // namespace
}  // namespace kelpie::obs
