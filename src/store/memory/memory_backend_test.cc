#include "store/memory/memory_backend.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>
#include <vector>

#include "async/manual_loop.h"

namespace kelpie::store {
namespace {

using Kind = Mutation::Kind;

std::optional<Bytes> value_in(const Snapshot& snapshot, Bytes key) {
  async::ManualLoop loop;
  return loop.run(snapshot.get(std::move(key))).value();
}

TEST(MemoryBackend, ShowsEachSnapshotItsOwnVersion) {
  MemoryBackend backend;
  backend.apply_now({Version(1), {{Kind::kSet, "a", "1"}, {Kind::kSet, "b", "1"}}});
  const auto first = backend.latest();
  backend.apply_now({Version(2), {{Kind::kSet, "a", "2"}, {Kind::kClear, "b", ""}}});
  const auto second = backend.latest();
  backend.apply_now({Version(3), {{Kind::kClearRange, "a", "z"}, {Kind::kSet, "b", "3"}}});
  EXPECT_EQ(value_in(*first, "a"), "1");
  EXPECT_EQ(value_in(*first, "b"), "1");
  EXPECT_EQ(value_in(*second, "a"), "2");
  EXPECT_EQ(value_in(*second, "b"), std::nullopt);
  EXPECT_EQ(value_in(*backend.latest(), "a"), std::nullopt);
  EXPECT_EQ(value_in(*backend.latest(), "b"), "3");
}

TEST(MemoryBackend, DropsVersionsThatNoSnapshotNeeds) {
  MemoryBackend backend;
  backend.apply_now({Version(1), {{Kind::kSet, "k", "1"}}});
  auto old = backend.latest();
  for (int64_t version = 2; version <= 100; ++version) {
    backend.apply_now({Version(version), {{Kind::kSet, "k", "v"}}});
  }
  EXPECT_EQ(backend.stored_values(), 100U);
  EXPECT_EQ(value_in(*old, "k"), "1");
  old.reset();
  EXPECT_EQ(backend.stored_values(), 1U);
  backend.apply_now({Version(101), {{Kind::kClear, "k", ""}}});
  EXPECT_EQ(backend.stored_values(), 0U);
}

TEST(MemoryBackend, ForgetsAKeyThatOneBatchSetAndCleared) {
  MemoryBackend backend;
  backend.apply_now({Version(1), {{Kind::kSet, "k", "1"}, {Kind::kClear, "k", ""}}});
  EXPECT_EQ(value_in(*backend.latest(), "k"), std::nullopt);
  EXPECT_EQ(backend.stored_values(), 0U);
}

TEST(MemoryBackend, LetsASnapshotOutliveIt) {
  std::shared_ptr<const Snapshot> snapshot;
  {
    MemoryBackend backend;
    backend.apply_now({Version(1), {{Kind::kSet, "k", "1"}}});
    snapshot = backend.latest();
  }
  EXPECT_EQ(value_in(*snapshot, "k"), "1");
}

}  // namespace
}  // namespace kelpie::store
