#include "sim/fdb/sim_fdb.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>

#include "async/sleep.h"
#include "sim/fdb/testing/rig.h"
#include "store/run.h"

namespace kelpie::sim {
namespace {

using store::Transaction;
using store::Version;
using testing::FdbNode;
using testing::FdbRig;

constexpr uint64_t kAlways = 1'000'000;

Task<Version> put(FdbNode& node, Bytes key, Bytes value) {
  const auto transaction = node.database.begin();
  transaction->set(std::move(key), std::move(value));
  co_return co_await transaction->commit();
}

Task<std::optional<Bytes>> value_of(FdbNode& node, Bytes key) {
  const auto transaction = node.database.begin();
  co_return co_await transaction->get(std::move(key));
}

Task<std::optional<Bytes>> value_at_batch_priority(FdbNode& node, Bytes key) {
  const auto transaction = node.database.begin({.priority = store::Priority::kBatch});
  co_return co_await transaction->get(std::move(key));
}

Task<Version> version_of(FdbNode& node) {
  const auto transaction = node.database.begin();
  co_return co_await transaction->read_version();
}

template <class T>
Task<void> into(Task<T> task, std::optional<Result<T>>& result) {
  result = co_await std::move(task).result();
  co_return kOk;
}

// What a read, or a commit, ends with when each one of them meets the fault.
struct Row {
  FdbFaults faults;
  std::set<Fault> received;
  Code code;
};
const Row kReads[] = {
    {{.too_old_rate = kAlways}, {Fault::kStoreTooOld}, Code::kAborted},
    {{.future_version_rate = kAlways}, {Fault::kStoreFutureVersion}, Code::kAborted},
    {{.process_behind_rate = kAlways}, {Fault::kStoreProcessBehind}, Code::kAborted},
    {{.throttled_rate = kAlways}, {Fault::kStoreThrottled}, Code::kResourceExhausted},
};
const Row kCommits[] = {
    {{.too_old_rate = kAlways}, {Fault::kStoreTooOld}, Code::kAborted},
    {{.throttled_rate = kAlways}, {Fault::kStoreThrottled}, Code::kResourceExhausted},
    {{.false_conflict_rate = kAlways}, {Fault::kStoreFalseConflict}, Code::kAborted},
    {{.unknown_rate = kAlways},
     {Fault::kCommitUnknownApplied, Fault::kCommitUnknownNotApplied},
     Code::kUnknown},
    {{.timed_out_rate = kAlways}, {Fault::kCommitTimedOut}, Code::kUnknown},
    {{.version_changed_rate = kAlways}, {Fault::kCommitVersionChanged}, Code::kUnknown},
};

uint64_t received(const FdbRig& rig, const std::set<Fault>& faults) {
  uint64_t sum = 0;
  for (const Fault fault : faults) {
    sum += const_cast<FdbRig&>(rig).simulation.ledger().received(fault);
  }
  return sum;
}

TEST(SimFdb, AFaultOfAReadReachesTheAdapterAndIsCountedThere) {
  for (const Row& row : kReads) {
    SCOPED_TRACE(fault_name(*row.received.begin()));
    FdbRig rig(1, row.faults);
    FdbNode& node = rig.add_node();
    EXPECT_EQ(rig.run(value_of(node, "k")).error().code, row.code);
    EXPECT_EQ(received(rig, row.received), 1u);
    EXPECT_EQ(rig.run(version_of(node)).error().code, row.code);
    EXPECT_EQ(rig.run(value_at_batch_priority(node, "k")).error().code, row.code);
    EXPECT_EQ(received(rig, row.received), 3u);
    rig.fdb.heal();
    EXPECT_EQ(rig.run(value_of(node, "k")).value(), std::nullopt);
    EXPECT_EQ(received(rig, row.received), 3u);
  }
}

TEST(SimFdb, AFaultOfACommitReachesTheAdapterAndIsCountedThere) {
  for (const Row& row : kCommits) {
    SCOPED_TRACE(fault_name(*row.received.begin()));
    FdbRig rig(1, row.faults);
    FdbNode& node = rig.add_node();
    const Result<Version> committed = rig.run(put(node, "k", "v"));
    EXPECT_EQ(committed.error().code, row.code);
    EXPECT_EQ(received(rig, row.received), 1u);
    if (row.code != Code::kUnknown) {
      EXPECT_FALSE(rig.fdb.holds_any({"", "\xff"}));
    }
    rig.fdb.heal();
    EXPECT_TRUE(rig.run(put(node, "k", "v")).ok());
  }
}

TEST(SimFdb, AnUnknownResultSaysHowItEndedInTheLedgerAndNothingLandsAfterIt) {
  int applied = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    FdbRig rig(seed, {.unknown_rate = kAlways});
    FdbNode& node = rig.add_node();
    EXPECT_EQ(rig.run(put(node, "k", "v")).error().code, Code::kUnknown);
    const bool there = rig.fdb.holds_any({"k", "l"});
    EXPECT_EQ(received(rig, {Fault::kCommitUnknownApplied}), there ? 1u : 0u);
    EXPECT_EQ(received(rig, {Fault::kCommitUnknownNotApplied}), there ? 0u : 1u);
    EXPECT_TRUE(rig.fdb.quiet());
    rig.run_for(Duration::minutes(1));
    EXPECT_EQ(rig.fdb.holds_any({"k", "l"}), there);
    applied += there ? 1 : 0;
  }
  EXPECT_GT(applied, 5);
  EXPECT_LT(applied, 35);
}

// All the outcomes of 1031 and 1039, and what the client held back is taken back by the adapter.
TEST(SimFdb, ACommitThatTimedOutHasHappenedOrHasNotOrLandsLaterOrWasNeverSent) {
  for (const FdbFaults& faults :
       {FdbFaults{.timed_out_rate = kAlways}, FdbFaults{.version_changed_rate = kAlways}}) {
    int at_once = 0;
    int later = 0;
    int never = 0;
    uint64_t unsent = 0;
    uint64_t forgotten = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      FdbRig rig(seed, faults);
      FdbNode& node = rig.add_node();
      EXPECT_EQ(rig.run(put(node, "k", "v")).error().code, Code::kUnknown);
      const bool there = rig.fdb.holds_any({"k", "l"});
      EXPECT_TRUE(rig.run_until([&] { return rig.fdb.quiet(); }));
      const bool there_now = rig.fdb.holds_any({"k", "l"});
      EXPECT_TRUE(there_now || !there);
      const uint64_t landed_late = rig.fdb.tally().late_landed;
      EXPECT_TRUE(there_now || landed_late == 0);
      EXPECT_EQ(received(rig, {Fault::kCommitLandedLate}), landed_late);
      (landed_late > 0 ? later : there_now ? at_once : never) += 1;
      forgotten += rig.fdb.counts().unsent_forgotten;
      unsent += rig.fdb.counts().unsent_commits;
    }
    EXPECT_GT(at_once, 3);
    EXPECT_GT(later, 3);
    EXPECT_GT(never, 3);
    EXPECT_GT(unsent, 3u);
    // One that is sent before its client has heard of the error is as good as one that lands late.
    EXPECT_GT(forgotten, unsent / 2);
  }
}

Task<Result<Version>> lose_to(FdbNode& node, FdbNode& winner) {
  const auto transaction = node.database.begin();
  co_await transaction->get("k");
  transaction->set("k", "loser");
  co_await put(winner, "k", "winner");
  co_return co_await transaction->commit().result();
}

TEST(SimFdb, NodesShareTheStoreAndATrueConflictIsToldApartFromAFalseOne) {
  FdbRig rig(1);
  FdbNode& first = rig.add_node();
  FdbNode& second = rig.add_node();
  EXPECT_EQ(rig.run(lose_to(first, second)).value().error().code, Code::kAborted);
  EXPECT_EQ(received(rig, {Fault::kStoreConflict}), 1u);
  EXPECT_EQ(received(rig, {Fault::kStoreFalseConflict}), 0u);
  EXPECT_EQ(rig.run(value_of(first, "k")).value(), "winner");
}

TEST(SimFdb, TheObserverHearsOfEachBatchInOrderAndTheContentsAreTheNewest) {
  FdbRig rig(1);
  FdbNode& node = rig.add_node();
  std::vector<int64_t> versions;
  rig.fdb.set_commit_observer(
      [&](const store::CommitBatch& batch) { versions.push_back(batch.version.get()); });
  const Version first = rig.run(put(node, "a", "1")).value();
  const Version second = rig.run(put(node, "b", "2")).value();
  EXPECT_EQ(versions, (std::vector{first.get(), second.get()}));
  EXPECT_EQ(rig.fdb.contents(), (std::map<Bytes, Bytes>{{"a", "1"}, {"b", "2"}}));
  EXPECT_TRUE(rig.fdb.holds_any({"b", "c"}));
  EXPECT_FALSE(rig.fdb.holds_any({"c", "d"}));
}

Task<void> write_on(World& world, store::Database& database, Bytes key, int& written) {
  co_await async::yield(world.loop);
  const auto transaction = database.begin();
  transaction->set(std::move(key), "v");
  co_await transaction->commit();
  ++written;
  co_return kOk;
}

TEST(SimFdb, TwoLoopsOfAHostShareAConnection) {
  Simulation simulation({.seed = 1}, testing::swarm_with(Policy::kUniform));
  SimFdb fdb(simulation, {});
  SimHost& host = simulation.add_host("node");
  World& first = host.boot();
  World& second = host.add_loop();
  const auto connection = fdb.connect(host);
  store::FdbDatabase one(first.loop, connection);
  store::FdbDatabase two(second.loop, connection);
  int written = 0;
  Scope on_first(first.loop, nullptr);
  Scope on_second(second.loop, nullptr);
  first.loop.post_from_thread([&] { on_first.spawn(write_on(first, one, "1", written)); });
  second.loop.post_from_thread([&] { on_second.spawn(write_on(second, two, "2", written)); });
  while (written < 2 && !simulation.failure()) {
    ASSERT_TRUE(simulation.scheduler().step());
  }
  EXPECT_FALSE(simulation.failure().has_value());
  EXPECT_EQ(fdb.contents().size(), 2u);
}

Task<void> await_watch(FdbNode& node, std::unique_ptr<store::Watch>& watch) {
  const auto transaction = node.database.begin();
  watch = transaction->watch("watched");
  co_await transaction->commit();
  co_return kOk;
}

TEST(SimFdb, ACrashedNodeHearsOfNothingAndWhatItHadSentRunsToItsEnd) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    FdbRig rig(seed, {}, static_cast<Policy>(seed % 4));
    FdbNode& node = rig.add_node();
    std::unique_ptr<store::Watch> watch;
    ASSERT_TRUE(rig.run(await_watch(node, watch)).ok());
    EXPECT_EQ(rig.fdb.watches(), 1u);
    std::optional<Result<Version>> committed;
    std::optional<Result<std::optional<Bytes>>> got;
    std::optional<Result<void>> changed;
    node.world.loop.post_from_thread([&] {
      node.scope->spawn(into(put(node, "k", "v"), committed));
      node.scope->spawn(into(value_of(node, "k"), got));
      node.scope->spawn(into(watch->changed(), changed));
    });
    rig.run_for(Duration::micros(50));
    node.crash();
    const uint64_t hash = rig.simulation.trace().hash();
    watch.reset();
    rig.nodes.clear();
    EXPECT_EQ(rig.simulation.trace().hash(), hash) << "a destructor had an effect";
    rig.run_for(Duration::seconds(10));
    EXPECT_FALSE(committed || got || changed);
    EXPECT_TRUE(rig.fdb.holds_any({"k", "l"}));
    // The next incarnation finds what the last one did, and the cluster forgets the last one.
    FdbNode& other = rig.add_node();
    EXPECT_EQ(rig.run(value_of(other, "k")).value(), "v");
    EXPECT_EQ(rig.fdb.watches(), 0u);
    EXPECT_FALSE(rig.simulation.failure().has_value());
  }
}

TEST(SimFdb, AReadWaitsForItsLink) {
  FdbRig rig(1);
  FdbNode& node = rig.add_node();
  rig.fdb.set_link("node-0", SimFdb::Link::kDown);
  std::optional<Result<std::optional<Bytes>>> got;
  node.world.loop.post_from_thread([&] { node.scope->spawn(into(value_of(node, "k"), got)); });
  rig.run_for(Duration::minutes(1));
  EXPECT_FALSE(got.has_value());
  rig.fdb.set_link("node-0", SimFdb::Link::kUp);
  rig.run_for(Duration::seconds(1));
  ASSERT_TRUE(got.has_value());
  EXPECT_TRUE(got->ok());
}

TEST(SimFdb, ACommitThatMeetsACutIsUndecidedWhenTheLinkIsMendedOrAfterAWhile) {
  int applied = 0;
  int waited = 0;
  constexpr uint64_t kSeeds = 60;
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    FdbRig rig(seed);
    FdbNode& node = rig.add_node();
    std::optional<Result<Version>> committed;
    node.world.loop.post_from_thread(
        [&] { node.scope->spawn(into(put(node, "k", "v"), committed)); });
    rig.run_for(Duration::micros(static_cast<int64_t>(50 + seed * 40)));
    rig.fdb.set_link("node-0", SimFdb::Link::kDown);
    rig.run_for(Duration::seconds(4));
    EXPECT_FALSE(committed.has_value() && !committed->ok());
    if (committed.has_value()) {
      continue;  // the answer was faster
    }
    if (seed % 2 == 0) {
      rig.fdb.set_link("node-0", SimFdb::Link::kUp);
      rig.run_for(Duration::millis(1));
    } else {
      rig.run_for(Duration::seconds(2));
    }
    ASSERT_TRUE(committed.has_value()) << seed;
    EXPECT_EQ(committed->error().code, Code::kUnknown);
    ++waited;
    const bool there = rig.fdb.holds_any({"k", "l"});
    applied += there ? 1 : 0;
    EXPECT_EQ(received(rig, {Fault::kCommitUnknownApplied}), there ? 1u : 0u);
    EXPECT_EQ(received(rig, {Fault::kNetworkPartition}), 1u);
    rig.fdb.set_link("node-0", SimFdb::Link::kUp);
    rig.run_for(Duration::minutes(1));
    EXPECT_EQ(rig.fdb.holds_any({"k", "l"}), there) << "it landed after it was settled";
  }
  EXPECT_GT(waited, 20);
  EXPECT_GT(applied, 5);
  EXPECT_LT(applied, waited - 5);
}

TEST(SimFdb, AnOutageLetsEverythingWaitAndLeavesCommitsInFlightUndecided) {
  int applied = 0;
  int lost = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    FdbRig rig(seed);
    FdbNode& node = rig.add_node();
    std::optional<Result<Version>> committed;
    node.world.loop.post_from_thread(
        [&] { node.scope->spawn(into(put(node, "k", "v"), committed)); });
    while (rig.fdb.commits_in_flight() == 0) {
      ASSERT_TRUE(rig.simulation.scheduler().step());
    }
    rig.fdb.break_down(FdbCluster::Outage::kUnavailable, Duration::seconds(3));
    std::optional<Result<std::optional<Bytes>>> got;
    node.world.loop.post_from_thread([&] { node.scope->spawn(into(value_of(node, "a"), got)); });
    rig.run_for(Duration::millis(2'900));
    EXPECT_FALSE(committed || got);
    rig.run_for(Duration::millis(200));
    ASSERT_TRUE(committed && got);
    EXPECT_EQ(committed->error().code, Code::kUnknown);
    EXPECT_TRUE(got->ok());
    EXPECT_GE(received(rig, {Fault::kStoreUnavailable}), 2u);
    (rig.fdb.holds_any({"k", "l"}) ? applied : lost) += 1;
  }
  EXPECT_GT(applied, 5);
  EXPECT_GT(lost, 5);
}

struct Old {
  std::unique_ptr<Transaction> transaction;
  std::unique_ptr<store::Watch> watch;
};

Task<void> read_in(Old& old, Bytes key) {
  co_await old.transaction->get(std::move(key));
  co_return kOk;
}

TEST(SimFdb, ARecoveryJumpsVersionsAndWhoeverReadBeforeItIsTooOld) {
  FdbRig rig(1);
  FdbNode& node = rig.add_node();
  const Version before = rig.run(put(node, "k", "v")).value();
  Old old{.transaction = node.database.begin(), .watch = nullptr};
  ASSERT_TRUE(rig.run(read_in(old, "k")).ok());
  ASSERT_TRUE(rig.run(await_watch(node, old.watch)).ok());
  rig.fdb.break_down(FdbCluster::Outage::kRecovery, Duration::seconds(1));
  rig.run_for(Duration::seconds(2));
  EXPECT_EQ(rig.run(read_in(old, "k")).error().code, Code::kAborted);
  EXPECT_EQ(received(rig, {Fault::kStoreRecovery}), 1u);
  old.transaction = node.database.begin();
  old.transaction->set_read_version(before);
  EXPECT_EQ(rig.run(read_in(old, "k")).error().code, Code::kAborted);
  EXPECT_GE(rig.run(version_of(node)).value().get(), before.get() + 100'000'000);
  // What was there is there, and watches go on.
  EXPECT_EQ(rig.run(value_of(node, "k")).value(), "v");
  std::optional<Result<void>> changed;
  node.world.loop.post_from_thread([&] { node.scope->spawn(into(old.watch->changed(), changed)); });
  EXPECT_GE(rig.run(put(node, "watched", "1")).value().get(), before.get() + 100'000'000);
  rig.run_for(Duration::seconds(1));
  ASSERT_TRUE(changed.has_value());
  EXPECT_TRUE(changed->ok());
}

// How long after the change a watch fires; nothing: it has not, within a minute.
struct Fired {
  std::optional<Duration> after;
  std::optional<Code> error;
};

Fired fire_watch(FdbRig& rig, bool change) {
  FdbNode& node = rig.add_node();
  std::unique_ptr<store::Watch> watch;
  EXPECT_TRUE(rig.run(await_watch(node, watch)).ok());
  std::optional<Result<void>> changed;
  node.world.loop.post_from_thread([&] { node.scope->spawn(into(watch->changed(), changed)); });
  if (change) {
    EXPECT_TRUE(rig.run(put(node, "watched", "1")).ok());
  }
  const int64_t start_ns = rig.simulation.now_ns();
  Fired fired;
  if (rig.run_until([&] { return changed.has_value(); }, Duration::minutes(1))) {
    fired.after = Duration::nanos(rig.simulation.now_ns() - start_ns);
    fired.error = changed->ok() ? std::nullopt : std::optional(changed->error().code);
  }
  node.scope.reset();
  watch.reset();
  rig.run_for(Duration::millis(100));
  return fired;
}

TEST(SimFdb, WatchesFireLateOrWithoutAReasonOrFailOrStaySilent) {
  int late = 0;
  int failed = 0;
  int silent = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    FdbRig honest(seed);
    EXPECT_LT(fire_watch(honest, true).after.value(), Duration::millis(100));
    FdbRig still(seed);
    EXPECT_FALSE(fire_watch(still, false).after.has_value());

    FdbRig slow(seed, {.watch_late_rate = kAlways});
    late += fire_watch(slow, true).after.value() > Duration::seconds(1) ? 1 : 0;
    EXPECT_EQ(received(slow, {Fault::kWatchLate}), 1u);

    FdbRig spurious(seed, {.watch_spurious_rate = kAlways});
    const Fired fired = fire_watch(spurious, false);
    EXPECT_TRUE(fired.after.has_value() && !fired.error);
    EXPECT_EQ(received(spurious, {Fault::kWatchSpurious}), 1u);

    FdbRig missing(seed, {.watch_missed_rate = kAlways});
    const Fired missed = fire_watch(missing, true);
    EXPECT_EQ(missed.after.has_value(), missed.error.has_value());
    (missed.after ? failed : silent) += 1;
    EXPECT_EQ(received(missing, {Fault::kWatchMissed}), 1u);
  }
  EXPECT_GT(late, 20);
  EXPECT_GT(failed, 5);
  EXPECT_GT(silent, 5);
}

TEST(SimFdb, AnswersToDifferentTransactionsOvertakeEachOther) {
  int overtaken = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    FdbRig rig(seed);
    FdbNode& node = rig.add_node();
    std::optional<Result<std::optional<Bytes>>> first;
    std::optional<Result<std::optional<Bytes>>> second;
    node.world.loop.post_from_thread([&] {
      node.scope->spawn(into(value_of(node, "k"), first));
      node.scope->spawn(into(value_of(node, "k"), second));
    });
    while (!second && !first && rig.simulation.scheduler().step()) {
    }
    overtaken += second ? 1 : 0;
    rig.run_for(Duration::seconds(1));
    EXPECT_TRUE(first && second);
  }
  EXPECT_GT(overtaken, 3);
}

TEST(SimFdb, SlowAnswersAreCountedAndComeAnyway) {
  FdbRig rig(1, {.slow_rate = kAlways});
  FdbNode& node = rig.add_node();
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(rig.run(value_of(node, "k")).ok());
  }
  EXPECT_EQ(received(rig, {Fault::kStorageLatency}), 20u);
  EXPECT_GT(rig.simulation.now_ns(), Duration::seconds(1).nanos());
}

}  // namespace
}  // namespace kelpie::sim
