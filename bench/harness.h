// What the benchmarks share: flags, samples, the report that run.py reads, and a way to keep a
// number of operations in flight.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "async/scope.h"
#include "async/task.h"
#include "base/result.h"

namespace kelpie::bench {

// `--name value` pairs.
class Flags {
 public:
  // `defaults` has every flag there is; one whose default is a number takes whole numbers above 0.
  // invalid_argument says what was wrong.
  static Result<Flags> parse(std::span<char* const> arguments,
                             std::map<std::string, std::string> defaults);
  [[nodiscard]] const std::string& text(const std::string& name) const { return values_.at(name); }
  [[nodiscard]] int number(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// Runs `body` with the flags; prints what went wrong. What a main returns.
int run_main(std::span<char* const> arguments, std::map<std::string, std::string> defaults,
             Result<void> (*body)(const Flags&));

class Stopwatch {
 public:
  [[nodiscard]] double microseconds() const {
    const std::chrono::duration<double, std::micro> passed =
        std::chrono::steady_clock::now() - start_;
    return passed.count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// Of all threads of this process, in microseconds: what a busy machine distorts least.
double processor_microseconds();

class Samples {
 public:
  explicit Samples(int expected) { values_.reserve(static_cast<size_t>(expected)); }
  void add(double value) { values_.push_back(value); }
  // Of at least one sample; 50 is the median.
  [[nodiscard]] double percentile(int percent);

 private:
  std::vector<double> values_;
};

// One value a round for each series, printed as one line of JSON a series:
//   {"series": "B3.store", "unit": "turns/s", "rounds": [51000.1, 50022.0]}
// and one for each fact: {"fact": "bytes", "value": "407"}.
class Report {
 public:
  void add(const std::string& series, const char* unit, double value);
  // Median and 99th percentile, in microseconds, as `series.p50` and `series.p99`.
  void add_times(const std::string& series, Samples& samples);
  void fact(const std::string& name, std::string value);
  void fact(const std::string& name, double value);
  void print() const;

 private:
  struct Series {
    std::string name;
    const char* unit;
    std::vector<double> rounds;
  };
  std::vector<Series> series_;
  std::vector<std::pair<std::string, std::string>> facts_;
};

struct Load {
  int in_flight = 1;
  int operations = 1;
};

struct Throughput {
  double per_second = 0;
  double processor_us = 0;  // an operation, all threads together
};

// A clock that runs over `operations` and says what they came to.
class ThroughputClock {
 public:
  [[nodiscard]] Throughput stop(int operations) const {
    const double wall_us = watch_.microseconds();
    return {.per_second = operations / wall_us * 1e6,
            .processor_us = (processor_microseconds() - processor_start_us_) / operations};
  }

 private:
  Stopwatch watch_;
  double processor_start_us_ = processor_microseconds();
};

namespace detail {

template <class Operation>
Task<void> repeat(Operation& operation, int slot, int& left) {
  while (left > 0) {
    --left;
    co_await operation(slot);
  }
  co_return kOk;
}

}  // namespace detail

// Each of `in_flight` slots runs one operation after the other until all are done.
// `operation(slot)` returns a Task<void>; the first error ends everything.
template <class Operation>
Task<Throughput> keep_in_flight(Loop& loop, Load load, Operation operation) {
  std::optional<Error> failed;
  int left = load.operations;
  const ThroughputClock clock;
  async::Scope slots(loop, [&](const Error& error) {
    failed = failed ? std::move(failed) : error;
    left = 0;
  });
  for (int slot = 0; slot < load.in_flight; ++slot) {
    slots.spawn(detail::repeat(operation, slot, left));
  }
  co_await slots.drain();
  if (failed) {
    co_return *std::move(failed);
  }
  co_return clock.stop(load.operations);
}

}  // namespace kelpie::bench
