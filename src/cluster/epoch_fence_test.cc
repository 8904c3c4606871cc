#include "cluster/epoch_fence.h"

#include "async/event.h"
#include "cluster/testing/test_node.h"
#include "store/testing/gate_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::cluster {
namespace {

using Outcome = std::optional<Result<store::Version>>;

Task<void> commit_into(store::Transaction& transaction, Outcome& outcome) {
  outcome = co_await transaction.commit().result();
  co_return kOk;
}

class EpochFenceTest : public ::testing::Test {
 protected:
  EpochFenceTest() {
    run(ownership_.join()).value();
    fence_.emplace(world_, ownership_.fence());
  }
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  void pass(Duration length) { run(async::sleep_task(machine_.loop, length)).value(); }
  Result<void> guard() {
    auto transaction = database_.begin();
    return run(fence_->guard(*transaction));
  }
  bool guard_unread() {
    auto transaction = database_.begin();
    return fence_->guard_unread(*transaction);
  }
  // Begins a commit of one key, after `prepare`.
  store::Transaction& begin(Bytes key, Outcome& outcome, bool fenced) {
    transactions_.push_back(database_.begin());
    store::Transaction& transaction = *transactions_.back();
    if (fenced) {
      EXPECT_TRUE(fence_->guard_unread(transaction));
    }
    transaction.set(std::move(key), "v");
    scope_.spawn(commit_into(transaction, outcome));
    return transaction;
  }
  Result<store::Version> commit_unread() {
    Outcome outcome;
    begin("turn", outcome, true);
    machine_.loop.run_ready();
    return *outcome;
  }
  // A turn's commit and, behind it in the same batch, a change of the epoch.
  store::Version commit_with_a_change_behind_it() {
    Outcome ahead;
    Outcome turn;
    Outcome change;
    backend_.gate.clear();
    begin("ahead", ahead, false);
    machine_.loop.run_ready();
    begin("turn", turn, true);
    begin(store::keys::epoch("test"), change, false);
    machine_.loop.run_ready();
    backend_.gate.set();
    machine_.loop.run_ready();
    EXPECT_TRUE(ahead->ok());
    EXPECT_EQ(turn->value(), change->value()) << "they were to share a batch";
    return turn->value();
  }

  net::testing::TestWorld machine_;
  store::testing::PlantedFaults faults_;
  World world_{machine_.loop, machine_.clock, machine_.rng,           machine_.net,
               machine_.log,  faults_,        world::NodeName("test")};
  store::testing::GateBackend backend_{machine_.loop};
  store::LocalDatabase database_{world_, backend_};
  Ownership ownership_{world_, database_, OwnerRecords::kNone};
  std::optional<EpochFence> fence_;
  std::vector<std::unique_ptr<store::Transaction>> transactions_;
  Scope scope_{machine_.loop, nullptr};
};

TEST_F(EpochFenceTest, KnowsNoVersionBeforeItsFirstLook) {
  EXPECT_FALSE(guard_unread());
  ASSERT_TRUE(guard().ok());
  EXPECT_TRUE(guard_unread());
}

TEST_F(EpochFenceTest, AVersionIsTooOldAfterFourSeconds) {
  ASSERT_TRUE(guard().ok());
  pass(Duration::seconds(4));
  EXPECT_TRUE(guard_unread());
  pass(Duration::millis(1));
  EXPECT_FALSE(guard_unread());
  ASSERT_TRUE(guard().ok());
  EXPECT_TRUE(guard_unread()) << "nothing was committed since, so it is the same version";
}

TEST_F(EpochFenceTest, DoubtIsEndedByAnotherLook) {
  ASSERT_TRUE(guard().ok());
  fence_->doubt();
  EXPECT_FALSE(guard_unread());
  ASSERT_TRUE(guard().ok());
  EXPECT_TRUE(guard_unread());
}

TEST_F(EpochFenceTest, ACommitTakesItOn) {
  ASSERT_TRUE(guard().ok());
  pass(Duration::seconds(3));
  const Instant begun = machine_.loop.now();
  const auto version = commit_unread();
  ASSERT_TRUE(version.ok()) << version.error().to_string();
  fence_->committed(*version, begun);
  pass(Duration::seconds(3));
  EXPECT_TRUE(guard_unread());
  EXPECT_TRUE(commit_unread().ok());
}

TEST_F(EpochFenceTest, AnEarlierVersionTakesNothingBack) {
  ASSERT_TRUE(guard().ok());
  const auto first = commit_unread();
  const auto second = commit_unread();
  fence_->committed(*second, machine_.loop.now());
  fence_->committed(*first, machine_.loop.now() + Duration::hours(1));
  pass(Duration::millis(4'001));
  EXPECT_FALSE(guard_unread());
}

TEST_F(EpochFenceTest, RefusesACommitOnceTheEpochHasChanged) {
  ASSERT_TRUE(guard().ok());
  ASSERT_TRUE(commit_unread().ok());
  Ownership other(world_, database_, OwnerRecords::kNone);
  ASSERT_TRUE(run(other.join()).ok());
  EXPECT_EQ(commit_unread().error().code, Code::kAborted);
  EXPECT_EQ(guard().error().code, Code::kFailedPrecondition);
}

TEST_F(EpochFenceTest, RefusesACommitAfterAChangeInTheBatchOfTheOneBefore) {
  ASSERT_TRUE(guard().ok());
  fence_->committed(commit_with_a_change_behind_it(), machine_.loop.now());
  EXPECT_EQ(commit_unread().error().code, Code::kAborted);
}

TEST_F(EpochFenceTest, LetsThatStaleCommitPassWithThePlantedBugM33) {
  faults_.planted = {"M33"};
  ASSERT_TRUE(guard().ok());
  fence_->committed(commit_with_a_change_behind_it(), machine_.loop.now());
  EXPECT_TRUE(commit_unread().ok());
}

TEST_F(EpochFenceTest, LetsAStaleCommitPassWithThePlantedBugM1) {
  ASSERT_TRUE(guard().ok());
  faults_.planted = {"M1"};
  Ownership other(world_, database_, OwnerRecords::kNone);
  ASSERT_TRUE(run(other.join()).ok());
  EXPECT_TRUE(commit_unread().ok());
}

}  // namespace
}  // namespace kelpie::cluster
