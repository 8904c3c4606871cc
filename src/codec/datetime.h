// Calendar text for WallTime: ISO 8601 in UTC, as the API writes it.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace kelpie::codec {

// `2026-11-20T21:02:12+00:00`. Years 1677 to 2262, a WallTime's range; fractions are cut off.
std::string format_seconds(WallTime time);

// `2026-11-20T21:02:12.123456+00:00`.
std::string format_micros(WallTime time);

// `Fri, 20 Nov 2026 21:02:12 GMT`: the Date header's form (RFC 9110, section 5.6.7).
std::string format_http_date(WallTime time);

// `2026-11-20` then `T` or a space, `21:02:12`, a fraction of up to 9 digits, and `Z`, `+hh:mm`,
// `-hhmm` or nothing (UTC); or the date alone. `invalid_argument` otherwise, and for dates that are
// not in the calendar or not in a WallTime's range.
Result<WallTime> parse_datetime(std::string_view text);

}  // namespace kelpie::codec
