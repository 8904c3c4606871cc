#include "real/real_clock.h"

#include <fmt/format.h>

#include <chrono>
#include <ctime>

namespace kelpie::real {

WallTime RealClock::wall() const {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return WallTime::from_nanos(
      std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count());
}

std::string format_time(WallTime time) {
  constexpr int64_t kMicrosPerSecond = 1'000'000;
  int64_t micros = time.micros() % kMicrosPerSecond;
  std::time_t seconds = time.micros() / kMicrosPerSecond;
  if (micros < 0) {
    micros += kMicrosPerSecond;
    --seconds;
  }
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, micros);
}

}  // namespace kelpie::real
