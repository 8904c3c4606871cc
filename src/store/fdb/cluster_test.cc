// The adapter on a real FoundationDB; skipped, by name, where there is none (test_cluster.h says
// what is looked for). With KELPIE_FDB_BUGGIFY=1 only what must hold under faults runs.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "store/conformance.h"
#include "store/differential.h"
#include "store/exactly_once.h"
#include "store/fdb/testing/test_cluster.h"
#include "store/keys.h"
#include "store/range_stream.h"
#include "store/rocksdb/testing/rounds.h"
#include "store/run.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

using testing::TestCluster;
using testing::ThreadLoop;

// An empty cluster and a loop.
class ClusterFixture {
 public:
  // Why the test must be skipped, or fails.
  Result<void> open() {
    cluster_ = TRY(testing::shared_test_cluster());
    TRY(cluster_->clear(loop));
    database_ = std::make_unique<FdbDatabase>(loop, cluster_->connection());
    return kOk;
  }
  [[nodiscard]] const TestCluster& cluster() const { return *cluster_; }
  FdbDatabase& database() { return *database_; }

  Result<Version> put(Bytes key, Bytes value) {
    const auto transaction = database().begin();
    transaction->set(std::move(key), std::move(value));
    return loop.run(transaction->commit());
  }
  Result<std::optional<Bytes>> value_of(Bytes key) {
    const auto transaction = database().begin();
    return loop.run(transaction->get(std::move(key)));
  }

  ThreadLoop loop;

 private:
  TestCluster* cluster_ = nullptr;
  std::unique_ptr<FdbDatabase> database_;
};

// Skips without a cluster; anything else that is wrong is a failure.
#define OPEN_CLUSTER(fixture)                                       \
  if (const Result<void> opened = (fixture).open(); !opened.ok()) { \
    if (opened.error().code == Code::kNotFound) {                   \
      GTEST_SKIP() << opened.error().message;                       \
    }                                                               \
    FAIL() << opened.error().to_string();                           \
  }                                                                 \
  static_assert(true)

#define OPEN_QUIET_CLUSTER(fixture)                                 \
  OPEN_CLUSTER(fixture);                                            \
  if ((fixture).cluster().buggify()) {                              \
    GTEST_SKIP() << "a single commit may fail with client buggify"; \
  }                                                                 \
  static_assert(true)

class FdbCluster : public ::testing::TestWithParam<ConformanceCase> {};

TEST_P(FdbCluster, Conforms) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  const Result<void> result = fixture.loop.run(GetParam().body(fixture.database(), fixture.loop));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
}

INSTANTIATE_TEST_SUITE_P(Conformance, FdbCluster, ::testing::ValuesIn(whole_conformance()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(FdbClusterTest, StartsItsNetworkOnlyOnce) {
  ClusterFixture fixture;
  OPEN_CLUSTER(fixture);
  const auto second = FdbNetwork::start(fixture.cluster().library(), {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_NE(second.error().message.find("restart the process"), std::string::npos);
}

TEST(FdbClusterTest, AWarmCommitIsOneRoundTrip) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  Version read = fixture.put("epoch", "1").value();
  for (int turn = 0; turn < 20; ++turn) {
    const FdbCounters before = fixture.database().counters();
    const auto transaction = fixture.database().begin();
    // One below the last commit, as architecture.md 6 has it.
    transaction->set_read_version(Version(turn == 0 ? read.get() : read.get() - 1));
    transaction->add_read_conflict(KeyRange::single("epoch"));
    transaction->set("head", std::to_string(turn));
    read = fixture.loop.run(transaction->commit()).value();
    const FdbCounters after = fixture.database().counters();
    EXPECT_EQ(after.read_versions, before.read_versions);
    EXPECT_EQ(after.reads, before.reads);
    EXPECT_EQ(after.commits, before.commits + 1);
  }
  // And the fence holds: nothing commits once the epoch has changed.
  ASSERT_TRUE(fixture.put("epoch", "2").ok());
  const auto late = fixture.database().begin();
  late->set_read_version(Version(read.get() - 1));
  late->add_read_conflict(KeyRange::single("epoch"));
  late->set("head", "late");
  EXPECT_EQ(fixture.loop.run(late->commit()).error().code, Code::kAborted);
}

// The chain of reasoning behind the guard key, fact by fact.
TEST(FdbClusterTest, OnlyTheGuardKeyStopsABlindCommitThatComesLate) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  const Version base = fixture.put("head", "1").value();
  const auto rewriting = fixture.database().begin();
  rewriting->set("head", fixture.loop.run(rewriting->get("head")).value().value());
  ASSERT_TRUE(fixture.loop.run(rewriting->commit()).ok());
  const auto blind = fixture.database().begin();
  blind->set_read_version(base);
  blind->set("head", "late");
  EXPECT_TRUE(fixture.loop.run(blind->commit()).ok());
  EXPECT_EQ(fixture.value_of("head").value(), "late");

  const Version again = fixture.put("head", "2").value();
  const Bytes nonce(kNonceBytes, 'n');
  const auto settling = fixture.database().begin();
  EXPECT_EQ(fixture.loop.run(settling->get("head")).value(), "2");
  settling->add_write_conflict(KeyRange::single(keys::guard(nonce)));
  ASSERT_TRUE(fixture.loop.run(settling->commit()).ok());
  const auto guarded = fixture.database().begin();
  guarded->set_read_version(again);
  guard_commit(*guarded, nonce);
  guarded->set("head", "late");
  EXPECT_EQ(fixture.loop.run(guarded->commit()).error().code, Code::kAborted);
  EXPECT_EQ(fixture.value_of("head").value(), "2");
}

TEST(FdbClusterTest, ACommitWithoutWritesProvesNothing) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  ASSERT_TRUE(fixture.put("epoch", "1").ok());
  const auto transaction = fixture.database().begin();
  transaction->set_read_version(Version(1));
  transaction->add_read_conflict(KeyRange::single("epoch"));
  EXPECT_EQ(fixture.loop.run(transaction->commit()).value(), kNoVersion);
}

TEST(FdbClusterTest, JudgesAVersionThatIsTooOld) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  ASSERT_TRUE(fixture.put("k", "1").ok());
  const auto transaction = fixture.database().begin();
  transaction->set_read_version(Version(1));
  const auto refused = fixture.loop.run(transaction->get("k"));
  EXPECT_EQ(refused.error().code, Code::kAborted);
  EXPECT_NE(refused.error().message.find("1007"), std::string::npos);
  EXPECT_TRUE(fixture.loop.run(transaction->on_error(refused.error())).ok());
  EXPECT_EQ(fixture.loop.run(transaction->get("k")).value(), "1");
}

Task<void> append(Database& database, std::vector<std::pair<Versionstamp, Bytes>>& stamps,
                  Bytes name) {
  const auto transaction = database.begin();
  transaction->set_versionstamped_key("log/" + Bytes(Versionstamp::kBytes, '\0'), 4, name);
  const Version version = co_await transaction->commit();
  const Versionstamp stamp = transaction->versionstamp();
  if (stamp.version() != version) {
    co_return base::internal("a stamp that is not of its commit's version");
  }
  stamps.emplace_back(stamp, std::move(name));
  co_return kOk;
}

// Commits of one batch share a version, and their stamps still tell their order.
TEST(FdbClusterTest, StampsConcurrentCommitsInTheOrderOfTheirKeys) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  constexpr int kAppends = 200;
  std::vector<std::pair<Versionstamp, Bytes>> stamps;
  {
    Scope scope(fixture.loop, {});
    for (int i = 0; i < kAppends; ++i) {
      scope.spawn(append(fixture.database(), stamps, std::to_string(i)));
    }
    ASSERT_TRUE(fixture.loop.run(scope.drain()).ok());
  }
  ASSERT_EQ(stamps.size(), size_t{kAppends});
  std::ranges::sort(stamps);
  const auto reader = fixture.database().begin();
  RangeStream log(*reader, {.range = KeyRange::prefix("log/"), .rows_max = 13});
  std::map<Version, int> shared;
  for (const auto& [stamp, name] : stamps) {
    const auto row = fixture.loop.run(log.next()).value();
    ASSERT_TRUE(row.has_value());
    EXPECT_EQ(row->key, "log/" + stamp.bytes);
    EXPECT_EQ(row->value, name);
    ++shared[stamp.version()];
  }
  EXPECT_LT(shared.size(), stamps.size()) << "no two commits shared a batch";
}

TEST(FdbClusterTest, AWatchEndsForAnotherConnectionsWrite) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  auto watching = fixture.database().begin();
  const auto watch = watching->watch("k");
  ASSERT_TRUE(fixture.loop.run(watching->commit()).ok());
  watching.reset();
  ThreadLoop other_loop;
  FdbDatabase other(other_loop, fixture.cluster().connection());
  const auto writer = other.begin();
  writer->set("k", "v");
  ASSERT_TRUE(other_loop.run(writer->commit()).ok());
  EXPECT_TRUE(fixture.loop.run(watch->changed()).ok());
}

Task<void> commit_once(Transaction& transaction, Bytes key) {
  transaction.set(std::move(key), "v");
  co_await transaction.commit();
  co_return kOk;
}

// Whether its task lives or not, a commit that was called happens.
TEST(FdbClusterTest, ADroppedCommitStillHappens) {
  ClusterFixture fixture;
  OPEN_QUIET_CLUSTER(fixture);
  constexpr int kCommits = 50;
  for (int i = 0; i < kCommits; ++i) {
    const auto transaction = fixture.database().begin();
    Scope scope(fixture.loop, {});
    scope.spawn(commit_once(*transaction, "k" + std::to_string(i)));
  }
  // All of them were sent before this one's read version was asked for; it may still pass some by.
  for (int i = 0; i < kCommits; ++i) {
    const Bytes key = "k" + std::to_string(i);
    const auto looking = fixture.database().begin();
    const auto seen = fixture.loop.run(looking->get(key)).value();
    const auto watch = looking->watch(key);
    ASSERT_TRUE(fixture.loop.run(looking->commit()).ok());
    if (!seen) {
      ASSERT_TRUE(fixture.loop.run(watch->changed()).ok());
    }
  }
}

struct Turns {
  int ok = 0;
  int undecided = 0;
  int failed = 0;
};

Task<void> add_one(Transaction& transaction) {
  transaction.atomic(AtomicOp::kAdd, "total", Bytes("\x01\0\0\0\0\0\0\0", 8));
  transaction.set_versionstamped_key("log/" + Bytes(Versionstamp::kBytes, '\0') + "/x", 4, "");
  co_return kOk;
}

Task<void> take_turns(World& world, Database& database, Bytes head, Turns& turns) {
  constexpr int kTurns = 25;
  for (int i = 0; i < kTurns; ++i) {
    const auto body = [](Transaction& transaction) { return add_one(transaction); };
    const Result<void> done =
        co_await run_exactly_once(world, database, world.rng, head, body).result();
    turns.ok += done.ok() ? 1 : 0;
    if (!done.ok() && done.error().code == Code::kUnknown) {
      ++turns.undecided;
      co_return kOk;
    }
    turns.failed += done.ok() ? 0 : 1;
  }
  co_return kOk;
}

Task<int64_t> total_of(Transaction& transaction) {
  const std::optional<Bytes> bytes = co_await transaction.get("total");
  int64_t total = 0;
  for (size_t i = 0; bytes && i < bytes->size(); ++i) {
    total |= static_cast<int64_t>(static_cast<unsigned char>((*bytes)[i])) << (8 * i);
  }
  int64_t rows = 0;
  RangeStream log(transaction, {.range = KeyRange::prefix("log/")});
  while (co_await log.next()) {
    ++rows;
  }
  if (rows != total) {
    co_return base::internal("the log and the total differ");
  }
  co_return total;
}

// KELPIE_FDB_OPERATIONS says how many operations; client buggify makes it harder.
TEST(FdbClusterTest, AgreesWithTheModel) {
  ClusterFixture fixture;
  OPEN_CLUSTER(fixture);
  const auto seed = static_cast<uint64_t>(::testing::UnitTest::GetInstance()->random_seed());
  const int operations = testing::rounds_asked_for("KELPIE_FDB_OPERATIONS", 5'000);
  Model model;
  DifferentialCounts counts;
  Result<void> result = fixture.loop.run(run_differential(
      fixture.database(), model,
      {.seed = seed, .operations = operations, .strictness = Strictness::kCluster}, counts));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
  result = fixture.loop.run(expect_contents(fixture.database(), model));
  EXPECT_TRUE(result.ok()) << result.error().to_string();
  std::cout << "seed " << seed << ": " << counts.operations << " operations, " << counts.commits
            << " commits, " << counts.conflicts << " conflicts (" << counts.false_conflicts
            << " of them false), " << counts.failed_reads << " failed reads, " << counts.undecided
            << " undecided commits\n";
}

// With client buggify this is where commits end undecided, applied or not.
TEST(FdbClusterTest, ConcurrentTurnsHappenExactlyOnce) {
  ClusterFixture fixture;
  OPEN_CLUSTER(fixture);
  testing::TestWorld test(fixture.loop);
  constexpr int kClients = 20;
  Turns turns;
  {
    Scope scope(fixture.loop, {});
    for (int i = 0; i < kClients; ++i) {
      scope.spawn(take_turns(test.world, fixture.database(), "head" + std::to_string(i), turns));
    }
    ASSERT_TRUE(fixture.loop.run(scope.drain()).ok());
  }
  const int64_t total =
      fixture.loop.run(run(fixture.database(), [](Transaction& t) { return total_of(t); })).value();
  EXPECT_LE(turns.ok, total);
  EXPECT_LE(total, turns.ok + turns.undecided);
  EXPECT_EQ(turns.failed, 0);
  EXPECT_GT(turns.ok, 0);
  RecordProperty("undecided", turns.undecided);
}

}  // namespace
}  // namespace kelpie::store
