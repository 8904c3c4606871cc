#include "actor/wait_graph.h"

#include <gtest/gtest.h>

namespace kelpie::actor {
namespace {

ActorRef actor(const std::string& id) { return {"t", "n", id}; }
WaitGraph::Wait wait(const std::string& from, const std::string& to) {
  return {actor(from), "of_" + from, actor(to), "of_" + to};
}

TEST(WaitGraph, LetsActorsWaitInAChain) {
  WaitGraph graph;
  EXPECT_TRUE(graph.begin(wait("a", "b")).ok());
  EXPECT_TRUE(graph.begin(wait("b", "c")).ok());
  EXPECT_TRUE(graph.begin(wait("c", "d")).ok());
  EXPECT_EQ(graph.size(), 3U);
}

TEST(WaitGraph, RefusesACallToItself) {
  WaitGraph graph;
  const auto refused = graph.begin(wait("a", "a"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("t/n/a.of_a -> t/n/a.of_a"), std::string::npos);
  EXPECT_EQ(graph.size(), 0U);
}

TEST(WaitGraph, RefusesTwoThatWouldWaitForEachOther) {
  WaitGraph graph;
  ASSERT_TRUE(graph.begin(wait("a", "b")).ok());
  EXPECT_FALSE(graph.begin(wait("b", "a")).ok());
  EXPECT_EQ(graph.size(), 1U) << "what was refused is not recorded";
}

TEST(WaitGraph, NamesAllOfACycleOfThreeInItsOrder) {
  WaitGraph graph;
  ASSERT_TRUE(graph.begin(wait("a", "b")).ok());
  ASSERT_TRUE(graph.begin(wait("b", "c")).ok());
  const auto refused = graph.begin(wait("c", "a"));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("t/n/c.of_c -> t/n/a.of_a -> t/n/b.of_b -> t/n/c.of_c"),
            std::string::npos)
      << refused.error().message;
}

TEST(WaitGraph, TakesADiamondForNoCycle) {
  WaitGraph graph;
  EXPECT_TRUE(graph.begin(wait("a", "b")).ok());
  EXPECT_TRUE(graph.begin(wait("a", "c")).ok());
  EXPECT_TRUE(graph.begin(wait("b", "d")).ok());
  EXPECT_TRUE(graph.begin(wait("c", "d")).ok());
}

TEST(WaitGraph, NamesAShortestCycle) {
  WaitGraph graph;
  ASSERT_TRUE(graph.begin(wait("a", "b")).ok());
  ASSERT_TRUE(graph.begin(wait("b", "c")).ok());
  ASSERT_TRUE(graph.begin(wait("c", "d")).ok());
  ASSERT_TRUE(graph.begin(wait("a", "d")).ok());
  const auto refused = graph.begin(wait("d", "a"));
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("t/n/d.of_d -> t/n/a.of_a -> t/n/d.of_d;"),
            std::string::npos)
      << refused.error().message;
}

TEST(WaitGraph, ForgetsWaitsThatHaveEnded) {
  WaitGraph graph;
  const auto first = graph.begin(wait("a", "b"));
  const auto second = graph.begin(wait("a", "b"));
  ASSERT_TRUE(first.ok() && second.ok());
  graph.end(*first);
  EXPECT_FALSE(graph.begin(wait("b", "a")).ok()) << "the other one still waits";
  graph.end(*second);
  EXPECT_TRUE(graph.begin(wait("b", "a")).ok());
  EXPECT_EQ(graph.size(), 1U);
}

TEST(WaitGraph, ACallInsideOfATurnIsNoCycleButMayNotCallBack) {
  WaitGraph graph;
  ASSERT_TRUE(graph.begin(wait("a", "b")).ok());
  const uint64_t inside = graph.begin_inside(wait("b", "a"));
  EXPECT_FALSE(graph.begin(wait("a", "b")).ok());
  EXPECT_TRUE(graph.begin(wait("a", "c")).ok());
  EXPECT_FALSE(graph.begin(wait("c", "b")).ok()) << "b waits for a, which waits for c";
  graph.end(inside);
  EXPECT_TRUE(graph.begin(wait("c", "b")).ok());
}

TEST(WaitGraph, LooksThroughWaitsThatGoInARing) {
  WaitGraph graph;
  ASSERT_TRUE(graph.begin(wait("a", "b")).ok());
  graph.begin_inside(wait("b", "a"));
  EXPECT_TRUE(graph.begin(wait("x", "a")).ok());
  EXPECT_FALSE(graph.begin(wait("b", "x")).ok());
}

}  // namespace
}  // namespace kelpie::actor
