#include "sim/durable_disk.h"

#include <gtest/gtest.h>

#include "async/scope.h"
#include "sim/simulation.h"

namespace kelpie::sim {
namespace {

using store::CommitBatch;
using store::Mutation;
using store::Version;

struct Rig {
  explicit Rig(DiskOptions options = {}, uint64_t seed = 1)
      : simulation(SimulationOptions{.seed = seed}, Swarm{}),
        host(simulation.add_host("node")),
        disk(simulation.scheduler(), simulation.choices(), simulation.ledger(), options) {
    host.boot();
  }
  template <class T>
  Result<T> run(Task<T> task) {
    bool done = task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done_);
    done_ = done;
    simulation.run_until(done_);
    CHECK(done_);
    return task.take();
  }
  Simulation simulation;
  SimHost& host;
  DurableDisk disk;
  bool done_ = false;
};

CommitBatch batch(int64_t version, Bytes key, Bytes value) {
  return CommitBatch{Version(version),
                     {Mutation{Mutation::Kind::kSet, std::move(key), std::move(value)}}};
}

TEST(DurableDisk, ASnapshotKeepsSeeingItsVersion) {
  Rig rig;
  auto backend = rig.disk.open(rig.host.loop());
  rig.run(backend->apply(batch(1, "a", "1"))).value();
  auto before = backend->latest();
  rig.run(backend->apply(batch(2, "a", "2"))).value();
  EXPECT_EQ(rig.run(before->get("a")).value(), "1");
  EXPECT_EQ(rig.run(backend->latest()->get("a")).value(), "2");
}

TEST(DurableDisk, ClearsHideKeysAndRangesFollowLimitsBothWays) {
  Rig rig;
  auto backend = rig.disk.open(rig.host.loop());
  CommitBatch first{Version(1), {}};
  for (const char* key : {"a", "b", "c", "d", "e"}) {
    first.mutations.push_back(Mutation{Mutation::Kind::kSet, key, "v"});
  }
  rig.run(backend->apply(first)).value();
  CommitBatch second{
      Version(2),
      {Mutation{Mutation::Kind::kClear, "a", ""}, Mutation{Mutation::Kind::kClearRange, "c", "d"}}};
  rig.run(backend->apply(second)).value();
  auto snapshot = backend->latest();
  const store::RangePage page =
      rig.run(snapshot->range({.range = {"a", "z"}, .rows_max = 2})).value();
  ASSERT_EQ(page.rows.size(), 2u);
  EXPECT_EQ(page.rows[0].key, "b");
  EXPECT_EQ(page.rows[1].key, "d");
  ASSERT_TRUE(page.more);
  const store::RangePage rest = rig.run(snapshot->range({.range = page.next})).value();
  ASSERT_EQ(rest.rows.size(), 1u);
  EXPECT_EQ(rest.rows[0].key, "e");
  EXPECT_FALSE(rest.more);
  const store::RangePage back =
      rig.run(
             snapshot->range({.range = {"a", "z"}, .rows_max = 1, .order = store::Order::kReverse}))
          .value();
  EXPECT_EQ(back.rows[0].key, "e");
  EXPECT_EQ(back.next, (store::KeyRange{"a", "e"}));
}

TEST(DurableDisk, ACrashKeepsWhatWasSyncedAndKeepsOrLosesWhatWasNot) {
  int kept = 0;
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Rig rig({}, seed);
    auto backend = rig.disk.open(rig.host.loop());
    rig.run(backend->apply(batch(1, "a", "1"))).value();
    auto scope = std::make_unique<async::Scope>(rig.host.loop(), nullptr);
    scope->spawn(backend->apply(batch(2, "a", "2")));
    rig.host.crash();
    scope.reset();
    backend.reset();
    rig.disk.crash();
    rig.host.boot();
    auto recovered = rig.disk.open(rig.host.loop());
    const std::optional<Bytes> value = rig.run(recovered->latest()->get("a")).value();
    ASSERT_TRUE(value == "1" || value == "2");
    EXPECT_EQ(recovered->latest()->version(), Version(value == "1" ? 1 : 2));
    (value == "2" ? kept : lost) += 1;
  }
  EXPECT_GT(kept, 5);
  EXPECT_GT(lost, 5);
}

TEST(DurableDisk, AFailedReadIsAnErrorAndNeverAnAbsentKey) {
  Rig rig;
  auto backend = rig.disk.open(rig.host.loop());
  rig.run(backend->apply(batch(1, "a", "1"))).value();
  rig.disk.set_read_fail_rate(1'000'000);
  EXPECT_EQ(rig.run(backend->latest()->get("a")).error().code, Code::kUnavailable);
  EXPECT_EQ(rig.run(backend->latest()->range({.range = {"a", "z"}})).error().code,
            Code::kUnavailable);
  EXPECT_EQ(rig.simulation.ledger().received(Fault::kStorageReadFail), 2u);
  rig.disk.heal();
  EXPECT_EQ(rig.run(backend->latest()->get("a")).value(), "1");
}

TEST(DurableDisk, AFailedSyncIsUndecidedAndOneAfterItMakesNothingDurable) {
  int kept = 0;
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    Rig rig({.sync_fail_rate = 1'000'000}, seed);
    auto backend = rig.disk.open(rig.host.loop());
    EXPECT_EQ(rig.run(backend->apply(batch(1, "a", "1"))).error().code, Code::kUnknown);
    EXPECT_EQ(backend->latest()->version(), Version(0));
    EXPECT_TRUE(rig.disk.undecided());
    rig.disk.heal();
    EXPECT_TRUE(rig.run(backend->apply(batch(2, "b", "2"))).ok());
    EXPECT_EQ(rig.disk.synced(), Version(0));
    backend.reset();
    rig.disk.crash();
    EXPECT_FALSE(rig.disk.undecided());
    const bool has_first = rig.disk.holds_any({"a", "b"});
    EXPECT_TRUE(has_first || !rig.disk.holds_any({"b", "c"}));
    (has_first ? kept : lost) += 1;
  }
  EXPECT_GT(kept, 5);
  EXPECT_GT(lost, 5);
}

TEST(DurableDisk, ARefusedBatchLeavesNothing) {
  for (const DiskOptions& options :
       {DiskOptions{.full_rate = 1'000'000}, DiskOptions{.no_memory_rate = 1'000'000}}) {
    Rig rig(options);
    auto backend = rig.disk.open(rig.host.loop());
    EXPECT_EQ(rig.run(backend->apply(batch(1, "a", "1"))).error().code, Code::kResourceExhausted);
    EXPECT_TRUE(rig.disk.contents().empty());
  }
}

TEST(DurableDisk, ABatchWhoseWriteFailsIsUndecidedAndNeverThere) {
  Rig rig({.write_fail_rate = 1'000'000});
  auto backend = rig.disk.open(rig.host.loop());
  EXPECT_EQ(rig.run(backend->apply(batch(1, "a", "1"))).error().code, Code::kUnknown);
  rig.disk.heal();
  EXPECT_TRUE(rig.run(backend->apply(batch(2, "b", "2"))).ok());
  EXPECT_EQ(rig.disk.synced(), Version(0));
  backend.reset();
  backend = rig.disk.open(rig.host.loop());
  EXPECT_FALSE(rig.disk.holds_any({"a", "b"}));
}

TEST(DurableDisk, DamageIsAnErrorAndNeverAnAbsentKey) {
  Rig rig({.corrupt_rate = 1'000'000});
  auto backend = rig.disk.open(rig.host.loop());
  ASSERT_TRUE(rig.run(backend->apply(batch(1, "a", "1"))).ok());
  EXPECT_EQ(rig.run(backend->latest()->get("a")).error().code, Code::kDataLoss);
  rig.disk.heal();
  EXPECT_EQ(rig.run(backend->latest()->get("a")).value(), "1");
}

TEST(DurableDisk, AKilledProcessLosesNothingThatWasWritten) {
  Rig rig({.sync_fail_rate = 1'000'000});
  auto backend = rig.disk.open(rig.host.loop());
  EXPECT_EQ(rig.run(backend->apply(batch(1, "a", "1"))).error().code, Code::kUnknown);
  backend.reset();
  rig.disk.killed();
  rig.disk.crash();
  EXPECT_TRUE(rig.disk.holds_any({"a", "b"}));
}

TEST(DurableDisk, TheObserverHearsOfWhatIsDurableAndOfNothingElse) {
  Rig rig({});
  std::vector<int64_t> heard;
  rig.disk.set_observer(
      [&](const store::CommitBatch& each) { heard.push_back(each.version.get()); });
  auto backend = rig.disk.open(rig.host.loop());
  ASSERT_TRUE(rig.run(backend->apply(batch(1, "a", "1"))).ok());
  ASSERT_TRUE(rig.run(backend->apply(batch(2, "b", "2"))).ok());
  EXPECT_EQ(heard, (std::vector<int64_t>{1, 2}));
}

// Planted bug M31.
TEST(DurableDisk, WhatIsAcknowledgedUnsyncedCanBeLost) {
  int lost = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    Rig rig({.acknowledges_unsynced = true}, seed);
    auto backend = rig.disk.open(rig.host.loop());
    ASSERT_TRUE(rig.run(backend->apply(batch(1, "a", "1"))).ok());
    backend.reset();
    rig.disk.crash();
    lost += rig.disk.holds_any({"a", "b"}) ? 0 : 1;
  }
  EXPECT_GT(lost, 5);
}

}  // namespace
}  // namespace kelpie::sim
