#include "obs/metrics.h"

#include <algorithm>
#include <cstddef>

#include "base/check.h"

namespace kelpie::obs {
namespace {

constexpr int kCounter = 0;
constexpr int kGauge = 1;
constexpr int kHistogram = 2;
constexpr std::string_view kKindNames[] = {"counter", "gauge", "histogram"};
constexpr int64_t kMicrosPerSecond = 1'000'000;

bool is_name(std::string_view name) {
  const auto is_start = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && is_start(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_start(c) || (c >= '0' && c <= '9'); });
}

enum class Quotes : uint8_t { kKept, kEscaped };

void append_escaped(std::string& out, std::string_view text, Quotes quotes) {
  for (char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes == Quotes::kEscaped) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

// `a="x",b="y"`: what stands between the braces.
std::string encode_labels(const Labels& labels) {
  std::string out;
  for (const auto& [name, value] : labels) {
    CHECK(is_name(name));
    if (!out.empty()) {
      out += ',';
    }
    out += name;
    out += "=\"";
    append_escaped(out, value, Quotes::kEscaped);
    out += '"';
  }
  return out;
}

// Exact decimal seconds, without floating point.
std::string in_unit(int64_t value, Unit unit) {
  if (unit == Unit::kOne) {
    return std::to_string(value);
  }
  const uint64_t size =
      value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string out = value < 0 ? "-" : "";
  out += std::to_string(size / kMicrosPerSecond);
  std::string fraction = std::to_string(size % kMicrosPerSecond + kMicrosPerSecond).substr(1);
  while (!fraction.empty() && fraction.back() == '0') {
    fraction.pop_back();
  }
  if (!fraction.empty()) {
    out += '.';
    out += fraction;
  }
  return out;
}

void append_sample(std::string& out, std::string_view name, std::string_view suffix,
                   std::string_view labels, std::string_view value) {
  out += name;
  out += suffix;
  if (!labels.empty()) {
    out += '{';
    out += labels;
    out += '}';
  }
  out += ' ';
  out += value;
  out += '\n';
}

void append_histogram(std::string& out, std::string_view name, const std::string& labels,
                      const Histogram& histogram, Unit unit) {
  const std::string before = labels.empty() ? "" : labels + ",";
  uint64_t cumulative = 0;
  for (size_t i = 0; i <= histogram.bounds().size(); ++i) {
    cumulative += histogram.bucket(i);
    const bool last = i == histogram.bounds().size();
    const std::string bound = last ? "+Inf" : in_unit(histogram.bounds()[i], unit);
    append_sample(out, name, "_bucket", before + "le=\"" + bound + "\"",
                  std::to_string(cumulative));
  }
  append_sample(out, name, "_sum", labels, in_unit(histogram.sum(), unit));
  append_sample(out, name, "_count", labels, std::to_string(cumulative));
}

}  // namespace

Histogram::Histogram(std::vector<int64_t> bounds)
    : bounds_(std::move(bounds)),
      buckets_(std::make_unique<std::atomic<uint64_t>[]>(bounds_.size() + 1)) {
  CHECK(std::ranges::is_sorted(bounds_, std::less_equal<>()) || bounds_.size() < 2);
}

void Histogram::observe(int64_t value) {
  const auto place = std::ranges::lower_bound(bounds_, value);
  buckets_[static_cast<size_t>(place - bounds_.begin())].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

void Histogram::mirror(std::span<const uint64_t> buckets, int64_t sum) {
  CHECK(buckets.size() == bounds_.size() + 1);
  for (size_t i = 0; i < buckets.size(); ++i) {
    buckets_[i].store(buckets[i], std::memory_order_relaxed);
  }
  sum_.store(sum, std::memory_order_relaxed);
}

std::vector<int64_t> latency_bounds() {
  return {100,       250,       500,       1'000,      2'500,      5'000,
          10'000,    25'000,    50'000,    100'000,    250'000,    500'000,
          1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};
}

struct Metrics::Family {
  int kind = kCounter;
  std::string help;
  Unit unit = Unit::kOne;
  // By encoded labels, so that the text is in a stable order.
  std::map<std::string, std::unique_ptr<Counter>> counters;
  std::map<std::string, std::unique_ptr<Gauge>> gauges;
  std::map<std::string, std::unique_ptr<Histogram>> histograms;
};

class Metrics::Guard {
 public:
  explicit Guard(std::atomic_flag& flag) : flag_(flag) {
    while (flag_.test_and_set(std::memory_order_acquire)) {
      flag_.wait(true, std::memory_order_relaxed);
    }
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;
  ~Guard() {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag& flag_;
};

Metrics::Metrics() = default;
Metrics::~Metrics() = default;

Metrics::Family& Metrics::family(std::string_view name, std::string_view help, int kind) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    CHECK(is_name(name));
    auto made = std::make_unique<Family>();
    made->kind = kind;
    made->help = help;
    found = families_.emplace(std::string(name), std::move(made)).first;
  }
  CHECK(found->second->kind == kind);
  return *found->second;
}

Counter& Metrics::counter(std::string_view name, std::string_view help, Labels labels) {
  const Guard guard(busy_);
  auto& slot = family(name, help, kCounter).counters[encode_labels(labels)];
  if (!slot) {
    slot = std::make_unique<Counter>();
  }
  return *slot;
}

Gauge& Metrics::gauge(std::string_view name, std::string_view help, Labels labels) {
  const Guard guard(busy_);
  auto& slot = family(name, help, kGauge).gauges[encode_labels(labels)];
  if (!slot) {
    slot = std::make_unique<Gauge>();
  }
  return *slot;
}

Histogram& Metrics::histogram(std::string_view name, std::string_view help, Unit unit,
                              std::vector<int64_t> bounds, Labels labels) {
  const Guard guard(busy_);
  Family& home = family(name, help, kHistogram);
  CHECK(home.histograms.empty() ||
        (home.unit == unit && home.histograms.begin()->second->bounds() == bounds));
  home.unit = unit;
  auto& slot = home.histograms[encode_labels(labels)];
  if (!slot) {
    slot = std::make_unique<Histogram>(std::move(bounds));
  }
  return *slot;
}

std::string Metrics::render() const {
  const Guard guard(busy_);
  std::string out;
  for (const auto& [name, home] : families_) {
    out += "# HELP " + name + " ";
    append_escaped(out, home->help, Quotes::kKept);
    out += "\n# TYPE " + name + " ";
    out += kKindNames[home->kind];
    out += '\n';
    for (const auto& [labels, counter] : home->counters) {
      append_sample(out, name, "", labels, std::to_string(counter->value()));
    }
    for (const auto& [labels, gauge] : home->gauges) {
      append_sample(out, name, "", labels, std::to_string(gauge->value()));
    }
    for (const auto& [labels, histogram] : home->histograms) {
      append_histogram(out, name, labels, *histogram, home->unit);
    }
  }
  return out;
}

}  // namespace kelpie::obs
