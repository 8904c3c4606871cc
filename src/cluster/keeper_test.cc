#include "cluster/keeper.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cluster/testing/test_node.h"
#include "cluster/testing/troubled_database.h"

namespace kelpie::cluster {
namespace {

using testing::Commit;
using testing::TestNode;
using testing::TroubledDatabase;

// A node that keeps itself, as a runtime would: when its fence is lost it joins again.
struct Kept {
  Kept(net::testing::TestWorld& machine, store::Database& shared, std::string name)
      : database(shared, [this] { return fate; }),
        node(machine, database, std::move(name)),
        keeper(node.world, database, node.ownership, {}, [this](Epoch epoch) { lose(epoch); }),
        work(machine.loop, [](const Error& error) { ADD_FAILURE() << error.to_string(); }) {}
  void start() { work.spawn(keeper.run()); }
  void lose(const Epoch& epoch) {
    lost.push_back(epoch);
    if (rejoins) {
      work.spawn(node.ownership.join());
    }
  }

  Commit fate = Commit::kClean;
  TroubledDatabase database;
  TestNode node;
  std::vector<Epoch> lost;
  bool rejoins = true;
  Keeper keeper;
  async::Scope work;
};

class KeeperTest : public testing::ClusterTest {
 protected:
  Kept& add(std::string name) {
    nodes_.push_back(std::make_unique<Kept>(machine_, database_, std::move(name)));
    nodes_.back()->start();
    return *nodes_.back();
  }
  std::optional<Beat> beat(std::string name) {
    auto transaction = database_.begin();
    auto value = run(transaction->get(store::keys::beat(name))).value();
    return value ? std::optional<Beat>(decode_beat(*value).value()) : std::nullopt;
  }

  std::vector<std::unique_ptr<Kept>> nodes_;
};

TEST_F(KeeperTest, ANodeJoinsAndBeatsEachPeriod) {
  Kept& one = add("n1");
  pass(Duration::millis(100));
  EXPECT_EQ(state("n1"), NodeState::kActive);
  const Beat first = beat("n1").value();
  EXPECT_EQ(first.epoch, one.node.ownership.fence().epoch());
  pass(Duration::seconds(10));
  EXPECT_GE(beat("n1")->counter, first.counter + 9);
  EXPECT_LE(beat("n1")->counter, first.counter + 11);
}

TEST_F(KeeperTest, JoinsWhenTheStoreComesBack) {
  nodes_.push_back(std::make_unique<Kept>(machine_, database_, "n1"));
  nodes_.back()->fate = Commit::kUnavailable;
  nodes_.back()->start();
  pass(Duration::seconds(5));
  EXPECT_FALSE(nodes_.back()->node.ownership.joined());
  nodes_.back()->fate = Commit::kClean;
  pass(Duration::seconds(1));
  EXPECT_TRUE(nodes_.back()->node.ownership.joined());
}

TEST_F(KeeperTest, NodesThatBeatLeaveEachOtherInPeace) {
  Kept& one = add("n1");
  Kept& two = add("n2");
  Kept& three = add("n3");
  pass(Duration::minutes(2));
  for (Kept* node : {&one, &two, &three}) {
    EXPECT_EQ(node->keeper.counters().suspicions, 0U);
    EXPECT_TRUE(node->lost.empty());
    EXPECT_EQ(node->keeper.nodes().size(), 3U);
  }
}

TEST_F(KeeperTest, ASilentNodeIsDeclaredDeadAndItsRecordsAreSwept) {
  Kept& one = add("n1");
  Kept& two = add("n2");
  Kept& three = add("n3");
  pass(Duration::seconds(3));
  ASSERT_TRUE(run(two.node.ownership.acquire(actor_)).ok());
  two.work.cancel();
  pass(Duration::seconds(4));
  EXPECT_TRUE(one.keeper.suspects("n2"));
  EXPECT_EQ(state("n2"), NodeState::kActive);
  pass(Duration::seconds(4));
  EXPECT_EQ(state("n2"), NodeState::kFailed);
  EXPECT_EQ(guarded(two.node.ownership.fence()).error().code, Code::kFailedPrecondition);
  // The epoch fell once, whoever saw it.
  EXPECT_EQ(one.keeper.counters().declared_dead + three.keeper.counters().declared_dead, 1U);
  EXPECT_FALSE(has(store::keys::owner(actor_)));
  EXPECT_TRUE(one.lost.empty());
  EXPECT_TRUE(three.lost.empty());
}

TEST_F(KeeperTest, ANodeThatWasDeclaredDeadHearsOfItAndComesBack) {
  Kept& one = add("n1");
  pass(Duration::seconds(3));
  const Epoch epoch = one.node.ownership.fence().epoch();
  ASSERT_TRUE(run(declare_dead(machine_.world, database_, "n1", epoch)).value());
  pass(Duration::seconds(2));
  EXPECT_EQ(one.lost, std::vector<Epoch>{epoch});
  EXPECT_EQ(state("n1"), NodeState::kActive);
  EXPECT_GT(one.node.ownership.fence().epoch(), epoch);
  EXPECT_EQ(beat("n1")->epoch, one.node.ownership.fence().epoch());
}

TEST_F(KeeperTest, UntilItHasJoinedAgainItIsTold) {
  Kept& one = add("n1");
  one.rejoins = false;
  pass(Duration::seconds(3));
  const Epoch epoch = one.node.ownership.fence().epoch();
  ASSERT_TRUE(run(declare_dead(machine_.world, database_, "n1", epoch)).value());
  pass(Duration::seconds(5));
  EXPECT_GE(one.lost.size(), 3U);
  // It does not beat under an epoch that is not its own.
  const int64_t counter = beat("n1")->counter;
  pass(Duration::seconds(5));
  EXPECT_EQ(beat("n1")->counter, counter);
}

// Nobody can write: what was read in that time is no observation.
TEST_F(KeeperTest, AnOutageOfTheStoreFailsNobody) {
  Kept& one = add("n1");
  Kept& two = add("n2");
  pass(Duration::seconds(3));
  for (int i = 0; i < 10; ++i) {
    one.fate = two.fate = Commit::kUnavailable;
    pass(Duration::seconds(30));
    // The one comes back sooner than the other.
    one.fate = Commit::kClean;
    pass(Duration::millis(1'500));
    two.fate = Commit::kClean;
    pass(Duration::seconds(3));
  }
  EXPECT_TRUE(one.lost.empty());
  EXPECT_TRUE(two.lost.empty());
  EXPECT_EQ(one.keeper.counters().declared_dead + two.keeper.counters().declared_dead, 0U);
  EXPECT_GT(one.keeper.counters().beats_failed, 0U);
}

TEST_F(KeeperTest, WhoLeavesInOrderIsNotDeclaredDead) {
  Kept& one = add("n1");
  Kept& two = add("n2");
  pass(Duration::seconds(3));
  ASSERT_TRUE(run(two.node.ownership.acquire(actor_)).ok());
  ASSERT_TRUE(run(two.keeper.start_leaving()).ok());
  // It takes its time, and beats meanwhile.
  pass(Duration::seconds(20));
  EXPECT_EQ(state("n2"), NodeState::kLeaving);
  ASSERT_TRUE(run(two.node.ownership.release(actor_)).ok());
  ASSERT_TRUE(run(two.keeper.leave()).ok());
  pass(Duration::seconds(20));
  EXPECT_EQ(state("n2"), NodeState::kLeft);
  EXPECT_FALSE(beat("n2").has_value());
  EXPECT_EQ(two.work.size(), 0U);
  EXPECT_TRUE(two.lost.empty());
  EXPECT_EQ(one.keeper.counters().declared_dead, 0U);
  EXPECT_TRUE(run(one.node.ownership.acquire(actor_)).ok());
}

TEST_F(KeeperTest, ANodeThatIsDeclaredDeadWhileItLeavesStaysAway) {
  Kept& one = add("n1");
  pass(Duration::seconds(3));
  ASSERT_TRUE(run(one.keeper.start_leaving()).ok());
  ASSERT_TRUE(
      run(declare_dead(machine_.world, database_, "n1", one.node.ownership.fence().epoch())).ok());
  EXPECT_EQ(run(one.keeper.leave()).error().code, Code::kFailedPrecondition);
  pass(Duration::seconds(5));
  EXPECT_EQ(one.work.size(), 0U);
  EXPECT_TRUE(one.lost.empty());
  EXPECT_EQ(state("n1"), NodeState::kFailed);
}

}  // namespace
}  // namespace kelpie::cluster
