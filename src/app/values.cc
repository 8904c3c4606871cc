#include "app/values.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace kelpie::app {
namespace {

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

struct Number {
  uint64_t value = 0;
  std::string_view unit;
};

std::optional<Number> split_number(std::string_view text) {
  Number number;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (code != std::errc()) {
    return std::nullopt;
  }
  number.unit = text.substr(static_cast<size_t>(end - text.data()));
  while (number.unit.starts_with(' ')) {
    number.unit.remove_prefix(1);
  }
  return number;
}

Result<uint64_t> in_range(uint64_t value, Range range, std::string_view text) {
  if (value < range.low || value > range.high) {
    return base::invalid_argument("expected a number from " + std::to_string(range.low) + " to " +
                                  std::to_string(range.high) + ", got " + quoted(text));
  }
  return value;
}

}  // namespace

Result<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") {
    return true;
  }
  if (text == "false" || text == "0" || text == "no" || text == "off") {
    return false;
  }
  return base::invalid_argument("expected true or false, got " + quoted(text));
}

Result<uint64_t> parse_integer(std::string_view text, Range range) {
  const auto number = split_number(text);
  if (!number || !number->unit.empty()) {
    return base::invalid_argument("expected a number from " + std::to_string(range.low) + " to " +
                                  std::to_string(range.high) + ", got " + quoted(text));
  }
  return in_range(number->value, range, text);
}

Result<uint64_t> parse_bytes(std::string_view text, Range range) {
  const auto number = split_number(text);
  uint64_t factor = 0;
  if (number) {
    factor = number->unit.empty() || number->unit == "B" ? 1
             : number->unit == "KiB"                     ? uint64_t{1} << 10
             : number->unit == "MiB"                     ? uint64_t{1} << 20
             : number->unit == "GiB"                     ? uint64_t{1} << 30
                                                         : 0;
  }
  if (factor == 0) {
    return base::invalid_argument("expected a size like 1048576, 512KiB, 32MiB or 1GiB, got " +
                                  quoted(text));
  }
  if (number->value > UINT64_MAX / factor) {
    return in_range(UINT64_MAX, range, text);
  }
  return in_range(number->value * factor, range, text);
}

Result<Duration> parse_duration(std::string_view text) {
  constexpr uint64_t kMillisPerDay = uint64_t{24} * 3600 * 1000;
  const auto number = split_number(text);
  uint64_t millis = 0;
  if (number) {
    millis = number->unit == "ms"                          ? 1
             : number->unit.empty() || number->unit == "s" ? 1000
             : number->unit == "m"                         ? 60'000
                                                           : 0;
  }
  if (millis == 0 || number->value > kMillisPerDay / millis) {
    return base::invalid_argument("expected a time like 500ms, 30s or 2m (at most a day), got " +
                                  quoted(text));
  }
  return Duration::millis(static_cast<int64_t>(number->value * millis));
}

Result<std::string> parse_key(std::string_view text) {
  // The key itself is never part of a message.
  if (text.empty() || !std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; })) {
    return base::invalid_argument("expected a key of printable ASCII without blanks");
  }
  return std::string(text);
}

}  // namespace kelpie::app
