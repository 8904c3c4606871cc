// SleeplessClock: the operating system's clock on which nothing sleeps. Test support.
#pragma once

#include <rocksdb/system_clock.h>

namespace kelpie::store::testing {

// RocksDB's background threads sleep for a second after each I/O error, and its close waits for
// them: most of the time of a test that makes such errors.
class SleeplessClock final : public rocksdb::SystemClockWrapper {
 public:
  SleeplessClock() : SystemClockWrapper(rocksdb::SystemClock::Default()) {}
  [[nodiscard]] const char* Name() const override { return "SleeplessClock"; }
  void SleepForMicroseconds(int) override {}
};

}  // namespace kelpie::store::testing
