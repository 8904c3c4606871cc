#include "actor/due_queue.h"

#include "actor/inbox.h"
#include "actor/testing/actor_test.h"

namespace kelpie::actor {
namespace {

class DueQueueTest : public testing::ActorTest {
 protected:
  void write(Bytes key) {
    auto transaction = local_.begin();
    transaction->set(std::move(key), "");
    EXPECT_TRUE(run(transaction->commit()).ok());
  }
};

TEST_F(DueQueueTest, ServesManyActorsAndLeavesNothing) {
  serve({.serving_max = 3});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(act("a", "send b" + std::to_string(i) + " do append x").ok());
  }
  pass(Duration::seconds(5));
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(text("b" + std::to_string(i)), "x ");
  }
  EXPECT_TRUE(marks().empty());
}

TEST_F(DueQueueTest, AnIdleQueueReadsNothing) {
  serve();
  pass(Duration::seconds(2));
  const uint64_t scans = due_->counters().scans;
  EXPECT_EQ(scans, static_cast<uint64_t>(base::kDueShards)) << "each shard once, at the start";
  pass(Duration::minutes(10));
  EXPECT_EQ(due_->counters().scans, scans);
}

TEST_F(DueQueueTest, SeesWhatOthersWriteWhenItPolls) {
  serve({.poll = Duration::seconds(2)});
  pass(Duration::seconds(1));
  Runtime other(world_, database_, ownership_, {});
  other.register_type(
      testing::kScriptType,
      [this](ActorServices services) {
        return std::make_unique<testing::ScriptActor>(std::move(services), journal_);
      },
      TypeOptions{.methods = &testing::ScriptActor::kind_of});
  ASSERT_TRUE(run(other.invoke(ref("a"), {"do", "send b do append x"})).ok());
  pass(Duration::seconds(4));
  EXPECT_EQ(text("b"), "x ");
}

// However many there are, and whoever they belong to.
TEST_F(DueQueueTest, MarksThatAreHeldBackHideNoneBehindThem) {
  const ActorRef wanted = ref("wanted");
  const int64_t shard = due_shard_of(wanted);
  auto transaction = local_.begin();
  for (int i = 0; i < 1'500; ++i) {
    const ActorRef foreign{"aaa", "default", std::to_string(i)};
    transaction->set(store::keys::due(shard, 0, foreign.name(), ""), "");
  }
  EXPECT_TRUE(run(transaction->commit()).ok());
  ASSERT_TRUE(act("a", "send wanted do append x").ok());
  start();
  serve({.lives_here = [](const ActorRef& actor) { return actor.type == testing::kScriptType; }});
  pass(Duration::seconds(3));
  EXPECT_EQ(text("wanted"), "x ");
}

TEST_F(DueQueueTest, ADamagedMarkHoldsNoOtherUp) {
  ASSERT_TRUE(act("a", "send b do append x").ok());
  Bytes damaged = store::keys::due_shard(due_shard_of(ref("b"))).begin;
  write(damaged + Bytes("\x00", 1));
  start();
  serve();
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "x ");
}

TEST_F(DueQueueTest, ATypeThatThisNodeDoesNotHaveWaits) {
  write(store::keys::due(3, 0, {"other", "default", "x"}, ""));
  serve();
  pass(Duration::seconds(10));
  EXPECT_EQ(marks().size(), 1U);
}

TEST_F(DueQueueTest, AReadThatFailsIsMadeAgain) {
  serve();
  pass(Duration::seconds(1));
  ASSERT_TRUE(act("b", "append 0").ok());
  int failures = 5;
  database_.on_get = [&](const Bytes&) -> std::optional<Error> {
    return failures-- > 0 ? std::optional(base::unavailable("in this test")) : std::nullopt;
  };
  ASSERT_TRUE(act("b", "blind 1;send b do append 2").ok());
  pass(Duration::seconds(10));
  EXPECT_EQ(text("b"), "0 1 2 ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(DueQueueTest, AStepBackOfTheClockHoldsNothingUpThatWasPutOff) {
  serve();
  ASSERT_TRUE(act("b", "append 1;pause").ok());
  ASSERT_TRUE(act("a", "send b do append 2").ok());
  clock_.step = Duration::hours(1);
  pass(Duration::seconds(5));
  clock_.step = Duration();
  ASSERT_TRUE(act("b", "resume", {.origin = CallOrigin::kOperator}).ok());
  pass(Duration::seconds(4));
  EXPECT_EQ(text("b"), "1 2 ");
}

TEST_F(DueQueueTest, StopEndsWhatWasBegunAndBeginsNothing) {
  serve();
  ASSERT_TRUE(act("a", "send b do sleep 500|append x").ok());
  pass(Duration::millis(200));
  ASSERT_TRUE(run(due_->stop()).ok());
  EXPECT_EQ(text("b"), "x ");
  ASSERT_TRUE(act("a", "send b do append y").ok());
  pass(Duration::seconds(5));
  EXPECT_EQ(text("b"), "x ");
}

TEST_F(DueQueueTest, ATurnMayOutliveTheQueueItWasBegunUnder) {
  serve();
  auto sent = begin("a", "sleep 100;send b do append x");
  pass(Duration::millis(50));
  due_.reset();
  pass(Duration::seconds(1));
  ASSERT_TRUE(sent->has_value());
  EXPECT_TRUE((*sent)->ok());
  serve();
  pass(Duration::seconds(1));
  EXPECT_EQ(text("b"), "x ");
}

}  // namespace
}  // namespace kelpie::actor
