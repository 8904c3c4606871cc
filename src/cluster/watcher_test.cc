#include "cluster/watcher.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace kelpie::cluster {
namespace {

using Kind = WatcherEffect::Kind;

const Epoch kFirst("0000000001");
const Epoch kSecond("0000000002");

NodeSeen node(std::string name, Epoch epoch, int64_t counter,
              NodeState state = NodeState::kActive) {
  NodeSeen seen{.name = std::move(name), .record = {}, .epoch = epoch, .beat = {}};
  seen.record.state = state;
  seen.beat = Beat{.epoch = std::move(epoch), .counter = counter, .sent = {}};
  return seen;
}

class WatcherTest : public ::testing::Test {
 protected:
  // An observation that takes ten milliseconds, a period and a bit after the last one.
  std::vector<WatcherEffect> round(std::vector<NodeSeen> nodes) {
    return after(Duration::millis(1'005), std::move(nodes));
  }
  std::vector<WatcherEffect> after(Duration length, std::vector<NodeSeen> nodes) {
    const Instant asked = now_ + length;
    now_ = asked + Duration::millis(10);
    return watcher_.on_beats({.asked = asked, .answered = now_, .nodes = std::move(nodes)});
  }
  std::vector<WatcherEffect> silent(int rounds) {
    std::vector<WatcherEffect> last;
    for (int i = 0; i < rounds; ++i) {
      last = round({node("b", kFirst, 7)});
    }
    return last;
  }

  Instant now_ = Instant::from_nanos(1);
  Watcher watcher_{"a", {}};
};

TEST_F(WatcherTest, ANodeThatBeatsIsNeverSuspected) {
  for (int64_t i = 0; i < 50; ++i) {
    EXPECT_TRUE(round({node("b", kFirst, i)}).empty());
  }
}

TEST_F(WatcherTest, SuspectsAfterTwoMissedBeatsAndDeclaresDeadAfterFive) {
  EXPECT_TRUE(silent(2).empty());
  const std::vector<WatcherEffect> suspect = {{Kind::kSuspect, "b", kFirst}};
  EXPECT_EQ(silent(1), suspect);
  EXPECT_TRUE(watcher_.suspects("b"));
  EXPECT_TRUE(silent(2).empty());
  const std::vector<WatcherEffect> dead = {{Kind::kDeclareDead, "b", kFirst}};
  EXPECT_EQ(silent(1), dead);
  // Until somebody has done it.
  EXPECT_EQ(silent(1), dead);
}

TEST_F(WatcherTest, ABeatBringsTrustBackAndStartsTheCountAnew) {
  silent(5);
  const std::vector<WatcherEffect> trust = {{Kind::kTrust, "b", kFirst}};
  EXPECT_EQ(round({node("b", kFirst, 8)}), trust);
  EXPECT_FALSE(watcher_.suspects("b"));
  EXPECT_TRUE(round({node("b", kFirst, 8)}).empty());
}

// What failed is no observation: nothing is counted, however long it lasted.
TEST_F(WatcherTest, AnOutageOfTheStoreFailsNobody) {
  silent(5);
  // Four were missed; then nobody could use the store for a minute.
  EXPECT_TRUE(after(Duration::seconds(60), {node("b", kFirst, 7)}).empty());
  EXPECT_TRUE(silent(1).empty());
  EXPECT_FALSE(round({node("b", kFirst, 8)}).empty());
}

TEST_F(WatcherTest, AShortOutageIsOneMissedBeatAtMost) {
  silent(1);
  for (int i = 0; i < 4; ++i) {
    for (const WatcherEffect& effect : after(Duration::millis(4'900), {node("b", kFirst, 7)})) {
      EXPECT_EQ(effect.kind, Kind::kSuspect);
    }
  }
  const std::vector<WatcherEffect> dead = {{Kind::kDeclareDead, "b", kFirst}};
  EXPECT_EQ(after(Duration::millis(4'900), {node("b", kFirst, 7)}), dead);
}

TEST_F(WatcherTest, AWatcherThatStoodStillObservesAnew) {
  silent(6);
  EXPECT_TRUE(after(Duration::hours(1), {node("b", kFirst, 7)}).empty());
  // All five again.
  EXPECT_TRUE(silent(4).empty());
  EXPECT_EQ(silent(1).size(), 1U);
}

// Standing still between the read and the commit after it is standing still, too.
TEST_F(WatcherTest, AnObservationThatTookLongObservesAnew) {
  silent(6);
  const Instant asked = now_ + Duration::seconds(1);
  now_ = asked + Duration::seconds(20);
  EXPECT_TRUE(watcher_.on_beats({.asked = asked, .answered = now_, .nodes = {node("b", kFirst, 7)}})
                  .empty());
  EXPECT_TRUE(silent(4).empty());
}

TEST_F(WatcherTest, ObservationsInQuickSuccessionCountNothing) {
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(after(Duration::millis(100), {node("b", kFirst, 7)}).empty());
  }
}

// The node's clock runs at two thirds of the watcher's pace.
TEST_F(WatcherTest, ASlowClockIsNoDeath) {
  for (int64_t i = 0; i < 60; ++i) {
    EXPECT_TRUE(round({node("b", kFirst, i * 2 / 3)}).empty());
  }
}

TEST_F(WatcherTest, ACounterThatGoesBackIsABeat) {
  silent(5);
  EXPECT_EQ(round({node("b", kFirst, 1)}).front().kind, Kind::kTrust);
}

TEST_F(WatcherTest, ANewIncarnationIsObservedAnew) {
  silent(5);
  EXPECT_TRUE(round({node("b", kSecond, 7)}).empty());
  EXPECT_FALSE(watcher_.suspects("b"));
  for (int i = 0; i < 4; ++i) {
    for (const WatcherEffect& effect : round({node("b", kSecond, 7)})) {
      EXPECT_EQ(effect.kind, Kind::kSuspect);
    }
  }
  const std::vector<WatcherEffect> dead = {{Kind::kDeclareDead, "b", kSecond}};
  EXPECT_EQ(round({node("b", kSecond, 7)}), dead);
}

// The process that was declared dead goes on beating, while its successor does not.
TEST_F(WatcherTest, BeatsOfAnEarlierIncarnationAreNone) {
  for (int64_t i = 0; i < 5; ++i) {
    NodeSeen seen = node("b", kSecond, i);
    seen.beat->epoch = kFirst;
    round({seen});
  }
  NodeSeen seen = node("b", kSecond, 5);
  seen.beat->epoch = kFirst;
  const std::vector<WatcherEffect> dead = {{Kind::kDeclareDead, "b", kSecond}};
  EXPECT_EQ(round({seen}), dead);
}

TEST_F(WatcherTest, WatchesMembersOnlyAndNotItself) {
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(round({node("a", kFirst, 7), node("left", kFirst, 7, NodeState::kLeft),
                       node("failed", kFirst, 7, NodeState::kFailed)})
                    .empty());
  }
  for (const NodeState state : {NodeState::kJoining, NodeState::kLeaving}) {
    Watcher watcher("a", {});
    size_t effects = 0;
    for (int64_t i = 0; i < 6; ++i) {
      const Instant asked = Instant::from_nanos(1) + Duration::seconds(i);
      effects += watcher.on_beats({asked, asked, {node("b", kFirst, 7, state)}}).size();
    }
    EXPECT_EQ(effects, 2U) << node_state_name(state);
  }
}

TEST_F(WatcherTest, ANodeThatIsGoneIsForgotten) {
  silent(5);
  EXPECT_TRUE(round({}).empty());
  EXPECT_FALSE(watcher_.suspects("b"));
  EXPECT_TRUE(silent(2).empty());
}

}  // namespace
}  // namespace kelpie::cluster
