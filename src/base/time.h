// Time as types: a Duration is a length, an Instant is a point on one node's monotonic clock, a
// WallTime is what a calendar shows (it may jump, and is never used for safety).
#pragma once

#include <compare>
#include <cstdint>

namespace kelpie::base {

class Duration {
 public:
  constexpr Duration() = default;
  static constexpr Duration nanos(int64_t n) { return Duration(n); }
  static constexpr Duration micros(int64_t n) { return Duration(n * 1'000); }
  static constexpr Duration millis(int64_t n) { return Duration(n * 1'000'000); }
  static constexpr Duration seconds(int64_t n) { return Duration(n * 1'000'000'000); }
  static constexpr Duration minutes(int64_t n) { return seconds(n * 60); }
  static constexpr Duration hours(int64_t n) { return seconds(n * 3600); }

  [[nodiscard]] constexpr int64_t nanos() const { return nanos_; }
  [[nodiscard]] constexpr int64_t micros() const { return nanos_ / 1'000; }
  [[nodiscard]] constexpr int64_t millis() const { return nanos_ / 1'000'000; }
  [[nodiscard]] constexpr int64_t seconds() const { return nanos_ / 1'000'000'000; }

  constexpr auto operator<=>(const Duration&) const = default;
  constexpr Duration operator+(Duration other) const { return Duration(nanos_ + other.nanos_); }
  constexpr Duration operator-(Duration other) const { return Duration(nanos_ - other.nanos_); }
  constexpr Duration operator*(int64_t factor) const { return Duration(nanos_ * factor); }
  constexpr Duration operator/(int64_t divisor) const { return Duration(nanos_ / divisor); }

 private:
  constexpr explicit Duration(int64_t n) : nanos_(n) {}
  int64_t nanos_ = 0;
};

// Nanoseconds since an arbitrary origin of one node incarnation. Never compared across nodes.
class Instant {
 public:
  constexpr Instant() = default;
  static constexpr Instant from_nanos(int64_t n) { return Instant(n); }
  [[nodiscard]] constexpr int64_t nanos() const { return nanos_; }

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return Instant(nanos_ + d.nanos()); }
  constexpr Duration operator-(Instant other) const {
    return Duration::nanos(nanos_ - other.nanos_);
  }

 private:
  constexpr explicit Instant(int64_t n) : nanos_(n) {}
  int64_t nanos_ = 0;
};

// Nanoseconds since 1970-01-01T00:00:00Z.
class WallTime {
 public:
  constexpr WallTime() = default;
  static constexpr WallTime from_nanos(int64_t n) { return WallTime(n); }
  static constexpr WallTime from_seconds(int64_t s) { return WallTime(s * 1'000'000'000); }
  [[nodiscard]] constexpr int64_t nanos() const { return nanos_; }
  [[nodiscard]] constexpr int64_t micros() const { return nanos_ / 1'000; }
  [[nodiscard]] constexpr int64_t seconds() const { return nanos_ / 1'000'000'000; }

  constexpr auto operator<=>(const WallTime&) const = default;
  constexpr WallTime operator+(Duration d) const { return WallTime(nanos_ + d.nanos()); }

 private:
  constexpr explicit WallTime(int64_t n) : nanos_(n) {}
  int64_t nanos_ = 0;
};

}  // namespace kelpie::base

namespace kelpie {
using base::Duration;
using base::Instant;
using base::WallTime;
}  // namespace kelpie
