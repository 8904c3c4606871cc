#include "bench/harness.h"

#include <time.h>

#include <charconv>
#include <cstdio>

#include "base/check.h"

namespace kelpie::bench {
namespace {

std::optional<int> number_above_zero(const std::string& text) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  return whole && number > 0 ? std::optional(number) : std::nullopt;
}

}  // namespace

Result<Flags> Flags::parse(std::span<char* const> arguments,
                           std::map<std::string, std::string> defaults) {
  Flags flags;
  flags.values_ = std::move(defaults);
  for (size_t i = 0; i < arguments.size(); i += 2) {
    const std::string name = arguments[i];
    const auto known = flags.values_.find(name);
    if (known == flags.values_.end()) {
      std::string names;
      for (const auto& [each, value] : flags.values_) {
        names.append(" ").append(each);
      }
      return base::invalid_argument(
          std::string("unknown flag ").append(name).append(", expected one of").append(names));
    }
    if (i + 1 == arguments.size()) {
      return base::invalid_argument(name + " needs a value");
    }
    const std::string value = arguments[i + 1];
    if (number_above_zero(known->second) && !number_above_zero(value)) {
      return base::invalid_argument(
          std::string(name).append(" needs a whole number above 0, got ").append(value));
    }
    known->second = value;
  }
  return flags;
}

int Flags::number(const std::string& name) const {
  const auto number = number_above_zero(text(name));
  CHECK(number.has_value());
  return *number;
}

int run_main(std::span<char* const> arguments, std::map<std::string, std::string> defaults,
             Result<void> (*body)(const Flags&)) {
  const auto flags = Flags::parse(arguments.subspan(1), std::move(defaults));
  const Result<void> result = flags.ok() ? body(*flags) : Result<void>(flags.error());
  if (!result.ok()) {
    std::fprintf(stderr, "%s: %s\n", arguments[0], result.error().to_string().c_str());
    return flags.ok() ? 1 : 2;
  }
  return 0;
}

double processor_microseconds() {
  timespec spent{};
  CHECK(::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0);
  return static_cast<double>(spent.tv_sec) * 1e6 + static_cast<double>(spent.tv_nsec) / 1e3;
}

double Samples::percentile(int percent) {
  CHECK(!values_.empty() && percent < 100);
  const size_t at = values_.size() * static_cast<size_t>(percent) / 100;
  std::ranges::nth_element(values_, values_.begin() + static_cast<std::ptrdiff_t>(at));
  return values_[at];
}

void Report::add(const std::string& series, const char* unit, double value) {
  const auto found = std::ranges::find(series_, series, &Series::name);
  if (found == series_.end()) {
    series_.push_back({series, unit, {value}});
  } else {
    found->rounds.push_back(value);
  }
}

void Report::add_times(const std::string& series, Samples& samples) {
  add(series + ".p50", "us", samples.percentile(50));
  add(series + ".p99", "us", samples.percentile(99));
}

void Report::fact(const std::string& name, std::string value) {
  facts_.emplace_back(name, std::move(value));
}

void Report::fact(const std::string& name, double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.10g", value);
  fact(name, std::string(text));
}

// Names and values are this program's own: nothing in them needs to be escaped.
void Report::print() const {
  for (const auto& [name, value] : facts_) {
    std::printf("{\"fact\": \"%s\", \"value\": \"%s\"}\n", name.c_str(), value.c_str());
  }
  for (const Series& series : series_) {
    std::printf("{\"series\": \"%s\", \"unit\": \"%s\", \"rounds\": [", series.name.c_str(),
                series.unit);
    const char* comma = "";
    for (const double value : series.rounds) {
      std::printf("%s%.4f", comma, value);
      comma = ", ";
    }
    std::printf("]}\n");
  }
}

}  // namespace kelpie::bench
