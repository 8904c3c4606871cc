// The texts that settings are written in, and what they mean. Errors say what was expected.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace kelpie::app {

// `true` or `false`; also 1, 0, yes, no, on, off, as environments have them.
Result<bool> parse_bool(std::string_view text);

struct Range {
  uint64_t low = 0;
  uint64_t high = 0;
};
// A decimal integer inside the range.
Result<uint64_t> parse_integer(std::string_view text, Range range);

// Bytes: an integer, alone or with KiB, MiB or GiB.
Result<uint64_t> parse_bytes(std::string_view text, Range range);

// An integer with ms, s or m; alone it means seconds. At most a day.
Result<Duration> parse_duration(std::string_view text);

// A key that a header can carry: printable ASCII without blanks.
Result<std::string> parse_key(std::string_view text);

}  // namespace kelpie::app
