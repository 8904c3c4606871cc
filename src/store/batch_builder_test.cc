#include "store/batch_builder.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace kelpie::store {
namespace {

using Kind = PendingWrite::Kind;
using Mutations = std::vector<Mutation>;

CommitRequest with(PendingWrite write) {
  CommitRequest request;
  request.writes.push_back(std::move(write));
  return request;
}

TEST(BatchBuilder, EvaluatesAtomicOperationsOverTheBatchSoFar) {
  const BaseValues base = {{"n", "\x01"}, {"fresh", std::nullopt}};
  BatchBuilder builder(Version(7), base);
  builder.add(with({Kind::kAtomic, "n", "\x02", AtomicOp::kAdd}));
  builder.add(with({Kind::kAtomic, "n", "\x03", AtomicOp::kAdd}));
  builder.add(with({Kind::kSet, "n", "\x10"}));
  builder.add(with({Kind::kAtomic, "n", "\x01", AtomicOp::kAdd}));
  builder.add(with({Kind::kAtomic, "fresh", "\x05", AtomicOp::kMax}));
  CommitRequest clearing;
  clearing.cleared.push_back({"a", "z"});
  builder.add(std::move(clearing));
  builder.add(with({Kind::kAtomic, "n", "\x09", AtomicOp::kAdd}));
  const CommitBatch batch = std::move(builder).take();
  EXPECT_EQ(batch.version, Version(7));
  const Mutations expected = {
      {Mutation::Kind::kSet, "n", "\x03"},     {Mutation::Kind::kSet, "n", "\x06"},
      {Mutation::Kind::kSet, "n", "\x10"},     {Mutation::Kind::kSet, "n", "\x11"},
      {Mutation::Kind::kSet, "fresh", "\x05"}, {Mutation::Kind::kClearRange, "a", "z"},
      {Mutation::Kind::kSet, "n", "\x09"},
  };
  EXPECT_EQ(batch.mutations, expected);
}

TEST(BatchBuilder, ClearsWhatCompareAndClearClears) {
  const BaseValues base = {{"k", "same"}};
  BatchBuilder builder(Version(1), base);
  builder.add(with({Kind::kAtomic, "k", "same", AtomicOp::kCompareAndClear}));
  const Mutations expected = {{Mutation::Kind::kClear, "k", ""}};
  EXPECT_EQ(std::move(builder).take().mutations, expected);
}

TEST(SubstituteVersionstamps, FillsKeysAndValuesInPlace) {
  CommitRequest request;
  PendingWrite key{Kind::kStampedKey, "a" + Bytes(10, '\0') + "z", "v"};
  key.offset = 1;
  PendingWrite value{Kind::kStampedValue, "k", Bytes(10, '\0')};
  request.writes = {key, value};
  substitute_versionstamps(request, Version(9), 3);
  const Bytes stamp = Versionstamp::make(Version(9), 3).bytes;
  EXPECT_EQ(request.writes[0].kind, Kind::kSet);
  EXPECT_EQ(request.writes[0].key, "a" + stamp + "z");
  EXPECT_EQ(request.writes[1].kind, Kind::kSet);
  EXPECT_EQ(request.writes[1].value, stamp);
  const ConflictSet conflicts = write_conflicts_of(request);
  EXPECT_EQ(conflicts.points, (std::vector<Bytes>{"a" + stamp + "z", "k"}));
}

TEST(SubstituteVersionstamps, ClearsAStampedKeyThatWasClearedLater) {
  CommitRequest request;
  PendingWrite key{Kind::kStampedKey, "a" + Bytes(10, '\0'), "v"};
  key.offset = 1;
  key.cleared_after = {{"a", "b"}};
  request.writes = {key};
  substitute_versionstamps(request, Version(9), 0);
  EXPECT_EQ(request.writes[0].kind, Kind::kClear);
}

}  // namespace
}  // namespace kelpie::store
