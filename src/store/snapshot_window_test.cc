#include "store/snapshot_window.h"

#include <gtest/gtest.h>

#include "store/memory/memory_backend.h"

namespace kelpie::store {
namespace {

class SnapshotWindowTest : public ::testing::Test {
 protected:
  void push(int64_t version, int64_t at_millis) {
    backend_.apply_now({Version(version), {}});
    window_.push(backend_.latest(), at(at_millis));
  }
  static Instant at(int64_t millis) { return Instant::from_nanos(1) + Duration::millis(millis); }
  int64_t found(int64_t version, int64_t at_millis) {
    auto snapshot = window_.at(Version(version), at(at_millis));
    return snapshot.ok() ? (*snapshot)->version().get() : -1;
  }
  MemoryBackend backend_;
  SnapshotWindow window_{{.age_max = Duration::seconds(5), .count_max = 3}};
};

TEST_F(SnapshotWindowTest, FindsTheStateOfTheNewestBatchUpToAVersion) {
  push(10, 0);
  push(20, 0);
  push(30, 0);
  EXPECT_EQ(found(10, 0), 10);
  EXPECT_EQ(found(19, 0), 10);
  EXPECT_EQ(found(20, 0), 20);
  EXPECT_EQ(found(30, 0), 30);
  EXPECT_EQ(found(9, 0), -1);
  EXPECT_EQ(found(31, 0), -1);
}

TEST_F(SnapshotWindowTest, ForgetsAStateFiveSecondsAfterTheNextOne) {
  push(10, 0);
  push(20, 1'000);
  EXPECT_EQ(found(10, 6'000), 10);
  EXPECT_EQ(found(10, 6'001), -1);
  EXPECT_EQ(found(20, 1'000'000), 20);
}

TEST_F(SnapshotWindowTest, KeepsNoMoreThanItsCount) {
  for (int64_t version = 1; version <= 10; ++version) {
    push(version, 0);
  }
  EXPECT_EQ(window_.size(), 4U);
  EXPECT_EQ(found(6, 0), -1);
  EXPECT_EQ(found(7, 0), 7);
}

}  // namespace
}  // namespace kelpie::store
