#include "sim/clock.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {
namespace {

// A smaller error is no fault.
constexpr int64_t kSkewSeenNs = 1'000'000;
// For integers without overflow: drift and slews are computed in these steps.
constexpr int64_t kStepNs = 1'000;

}  // namespace

void SimClock::jump(Duration by) {
  offset_ns_ += by.nanos();
  jump_unseen_ = true;
  if (asked_) {
    ledger_.configure(Fault::kClockJump);
  }
}

WallTime SimClock::wall() const {
  if (!std::exchange(asked_, true) && (options_.drift_ppm != 0 || options_.swing > Duration())) {
    ledger_.configure(Fault::kClockSkew);
  }
  if (jump_unseen_) {
    jump_unseen_ = false;
    ledger_.receive(Fault::kClockJump);
  }
  const int64_t skew = skew_ns();
  if (std::abs(skew) >= kSkewSeenNs) {
    ledger_.receive(Fault::kClockSkew);
  }
  return WallTime::from_nanos(kWallOriginNs + scheduler_.now_ns() + offset_ns_ + skew);
}

void SimClock::slew(Duration by, Duration over) {
  CHECK(over > Duration());
  const int64_t before = skew_ns();
  slew_begin_ns_ = scheduler_.now_ns();
  slew_over_ns_ = over.nanos();
  slew_by_ns_ = 0;
  // What an earlier slew has reached stays.
  offset_ns_ += before - skew_ns();
  slew_by_ns_ = by.nanos();
}

int64_t SimClock::skew_ns() const {
  const int64_t now_ns = scheduler_.now_ns();
  int64_t skew = now_ns / kStepNs * options_.drift_ppm / (1'000'000 / kStepNs);
  if (options_.swing > Duration()) {
    // A triangle: there and back.
    const int64_t half = options_.swing_period.nanos() / 2;
    const int64_t phase = now_ns % (2 * half);
    const int64_t up = phase < half ? phase : 2 * half - phase;
    skew += options_.swing.nanos() / kStepNs * (up / kStepNs) / (half / kStepNs) * kStepNs;
  }
  if (slew_over_ns_ > 0) {
    const int64_t passed = std::min(now_ns - slew_begin_ns_, slew_over_ns_);
    skew += slew_by_ns_ / kStepNs * (passed / kStepNs) / (slew_over_ns_ / kStepNs) * kStepNs;
  }
  return skew;
}

}  // namespace kelpie::sim
