// Metrics: counters, gauges and histograms of one process, and their Prometheus text. A registry
// is an object with an owner, passed to those who count.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kelpie::obs {

// Name and value, in the order in which they are printed. Names are [a-zA-Z_][a-zA-Z0-9_]*.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Only grows. Any thread.
class Counter {
 public:
  void add(uint64_t amount = 1) { value_.fetch_add(amount, std::memory_order_relaxed); }
  // In place of `add`: what is counted elsewhere, and only grows there.
  void mirror(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Goes up and down. Any thread.
class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t amount) { value_.fetch_add(amount, std::memory_order_relaxed); }
  [[nodiscard]] int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// What a histogram's integers mean, and so how they are printed.
enum class Unit : uint8_t {
  kOne,     // counts and bytes: as they are
  kMicros,  // microseconds, printed as seconds; the metric's name ends in `_seconds`
};

// Integers counted in fixed buckets. Any thread; a scrape during `observe` may see the bucket
// and not yet the sum.
class Histogram {
 public:
  // `bounds` are inclusive upper bounds, strictly growing; a bucket without bound follows them.
  explicit Histogram(std::vector<int64_t> bounds);

  void observe(int64_t value);
  // In place of `observe`: what is counted elsewhere, one number for each bucket.
  void mirror(std::span<const uint64_t> buckets, int64_t sum);
  [[nodiscard]] const std::vector<int64_t>& bounds() const { return bounds_; }
  // Of one bucket alone, not cumulative; `index` <= bounds().size().
  [[nodiscard]] uint64_t bucket(size_t index) const {
    return buckets_[index].load(std::memory_order_relaxed);
  }
  [[nodiscard]] int64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  std::vector<int64_t> bounds_;
  std::unique_ptr<std::atomic<uint64_t>[]> buckets_;
  std::atomic<int64_t> sum_{0};
};

// 100 µs to 60 s, for durations in microseconds.
std::vector<int64_t> latency_bounds();

// The registry. Any thread; what it returns lives as long as it does, so hot paths look their
// metric up once. The same name and labels give the same metric; one name has one kind, one
// help text and one set of buckets (CHECKed: names are written in code).
class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
  Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
  Histogram& histogram(std::string_view name, std::string_view help, Unit unit,
                       std::vector<int64_t> bounds, Labels labels = {});

  // Prometheus text exposition format 0.0.4, in order of name and then of labels.
  [[nodiscard]] std::string render() const;

 private:
  struct Family;
  class Guard;
  Family& family(std::string_view name, std::string_view help, int kind);

  // Held for a look-up or a scrape: both are short, and rarely meet.
  mutable std::atomic_flag busy_ = ATOMIC_FLAG_INIT;
  std::map<std::string, std::unique_ptr<Family>, std::less<>> families_;
};

// The `Content-Type` of `render`'s text.
inline constexpr std::string_view kPrometheusContentType = "text/plain; version=0.0.4";

}  // namespace kelpie::obs
