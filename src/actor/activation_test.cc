#include "actor/activation.h"

#include "actor/testing/actor_test.h"
#include "cluster/membership.h"

namespace kelpie::actor {
namespace {

class ActivationTest : public testing::ActorTest {};

Code code_of(const std::shared_ptr<testing::Answer>& answer) {
  CHECK(answer->has_value() && !(*answer)->ok());
  return (*answer)->error().code;
}

TEST_F(ActivationTest, ACallThatIsTooLateIsNotBegun) {
  auto slow = begin("a", "sleep 100;append x");
  auto late = begin("a", "append y", deadline_in(Duration::millis(50)));
  pass(Duration::seconds(1));
  EXPECT_EQ(code_of(late), Code::kDeadlineExceeded);
  EXPECT_EQ(text("a"), "x ");
  EXPECT_EQ(journal_.count("begin a: append y"), 0U);
}

TEST_F(ActivationTest, ATurnIsDroppedAtItsDeadlineAndNothingOfItIsWritten) {
  const Instant begun = machine_.loop.now();
  EXPECT_EQ(
      act("a", "append x;sleep 1000;append y", deadline_in(Duration::millis(50))).error().code,
      Code::kDeadlineExceeded);
  EXPECT_EQ(machine_.loop.now() - begun, Duration::millis(50));
  EXPECT_EQ(act("a", "append z").value(), "z ");
  EXPECT_EQ(text("a"), "z ");
}

TEST_F(ActivationTest, APausedActorAnswersOperatorsAloneOverItsActivations) {
  ASSERT_TRUE(act("a", "append 1;pause").ok());
  const CallOptions as_operator{.origin = CallOrigin::kOperator};
  EXPECT_EQ(act("a", "append 2").error().code, Code::kUnavailable);
  EXPECT_EQ(invoke("a", "look", "").error().code, Code::kUnavailable);
  EXPECT_EQ(invoke("a", "look", "", as_operator).value(), "1 ");
  EXPECT_EQ(act("a", "append 3", as_operator).value(), "1 3 ");
  start();
  EXPECT_EQ(act("a", "append 2").error().code, Code::kUnavailable);
  ASSERT_TRUE(act("a", "resume", as_operator).ok());
  EXPECT_EQ(act("a", "append 4").value(), "1 3 4 ");
  start();
  EXPECT_EQ(act("a", "append 5").value(), "1 3 4 5 ");
}

TEST_F(ActivationTest, ADestroyedActorBeginsAnew) {
  ASSERT_TRUE(act("a", "append 1;pause").ok());
  ASSERT_TRUE(act("a", "destroy", {.origin = CallOrigin::kOperator}).ok());
  EXPECT_FALSE(has_head("a"));
  EXPECT_EQ(act("a", "append 2").value(), "2 ");
}

TEST_F(ActivationTest, TooManyCallsForOneActorAreRefusedAndForTheNodeToo) {
  start({.pending_calls_max = 2, .pending_calls_node_max = 4});
  std::vector<std::shared_ptr<testing::Answer>> a;
  for (int i = 0; i < 3; ++i) {
    a.push_back(begin("a", "append x"));
  }
  std::vector<std::shared_ptr<testing::Answer>> others;
  for (int i = 0; i < 3; ++i) {
    others.push_back(begin("b" + std::to_string(i), "append x"));
  }
  pass(Duration::seconds(1));
  EXPECT_TRUE((*a[1])->ok());
  EXPECT_EQ(code_of(a[2]), Code::kResourceExhausted);
  EXPECT_TRUE((*others[1])->ok());
  EXPECT_EQ(code_of(others[2]), Code::kResourceExhausted);
  EXPECT_EQ(runtime_->counters().overloads, 2U);
  EXPECT_EQ(runtime_->pending(), 0U);
}

TEST_F(ActivationTest, BeyondTheLimitTheOnesUsedLongestAgoAreEvicted) {
  start({.resident_max = 2});
  ASSERT_TRUE(act("a", "append 1").ok());
  ASSERT_TRUE(act("b", "append 1").ok());
  ASSERT_TRUE(act("a", "append 2").ok());
  ASSERT_TRUE(act("c", "append 1").ok());
  machine_.loop.run_ready();
  EXPECT_EQ(runtime_->active(), 2U);
  EXPECT_EQ(runtime_->counters().evictions, 1U);
  EXPECT_EQ(journal_.count("deactivate b"), 1U);
  EXPECT_EQ(act("b", "append 2").value(), "1 2 ");
}

TEST_F(ActivationTest, BusyActorsAreNotEvictedNorIdle) {
  start({.resident_max = 0});
  journal_.busy = true;
  ASSERT_TRUE(act("a", "append 1").ok());
  pass(base::kActorIdleTimeout * 3);
  EXPECT_EQ(runtime_->active(), 1U);
  journal_.busy = false;
  pass(base::kActorIdleTimeout * 3);
  EXPECT_EQ(runtime_->active(), 0U);
}

TEST_F(ActivationTest, DeactivatingWaitsForTheTurnThatRuns) {
  ASSERT_TRUE(act("a", "append 1").ok());
  auto running = begin("a", "append 2;sleep 100;append 3");
  auto waiting = begin("a", "append 4");
  pass(Duration::millis(10));
  ASSERT_TRUE(run(runtime_->deactivate(ref("a"))).value());
  pass(Duration::millis(20));
  EXPECT_EQ(journal_.count("begin a: append 4"), 0U) << "turns of one actor never overlap";
  pass(Duration::seconds(1));
  ASSERT_TRUE(running->has_value() && waiting->has_value());
  EXPECT_EQ((*waiting)->value(), "1 2 3 4 ");
  EXPECT_EQ(journal_.count("deactivate a"), 1U);
  EXPECT_EQ(journal_.count("activate a"), 2U);
  EXPECT_FALSE(run(runtime_->deactivate(ref("b"))).value());
}

TEST_F(ActivationTest, StopAnswersWhatWasAcceptedAndRefusesTheRest) {
  auto first = begin("a", "sleep 100;append 1;call b do sleep 50|append x");
  auto second = begin("a", "append 2");
  pass(Duration::millis(10));
  bool stopped = false;
  callers_->spawn([](Runtime& runtime, bool& done) -> Task<void> {
    co_await runtime.stop();
    done = true;
    co_return kOk;
  }(*runtime_, stopped));
  EXPECT_EQ(act("c", "append 1").error().code, Code::kUnavailable);
  EXPECT_EQ(invoke("a", "look", "").error().code, Code::kUnavailable);
  EXPECT_FALSE(stopped);
  pass(Duration::seconds(1));
  EXPECT_TRUE(stopped);
  EXPECT_TRUE((*first)->ok());
  EXPECT_EQ((*second)->value(), "1 2 ");
  EXPECT_EQ(text("b"), "x ");
  EXPECT_EQ(runtime_->active(), 0U);
  EXPECT_EQ(journal_.count("deactivate a"), 1U);
}

class SharedStore : public testing::ActorTest {
 protected:
  SharedStore() {
    CHECK(run(shared_.join()).ok());
    runtime_.emplace(world_, database_, shared_, RuntimeOptions{});
    runtime_->register_type(
        testing::kScriptType,
        [this](ActorServices services) {
          return std::make_unique<testing::ScriptActor>(std::move(services), journal_);
        },
        TypeOptions{.methods = &testing::ScriptActor::kind_of});
  }
  ~SharedStore() override { crash(); }
  bool owned(std::string id) {
    const ActorRef actor = ref(std::move(id));
    return run(shared_.placement(actor.name())).value().has_value();
  }
  cluster::Ownership shared_{world_, local_, cluster::OwnerRecords::kPerActor};
};

TEST_F(SharedStore, StopGivesAwayWhatIsOnItsWayOut) {
  ASSERT_TRUE(act("a", "append 1").ok());
  ASSERT_TRUE(act("b", "append 1").ok());
  ASSERT_TRUE(owned("a") && owned("b"));
  ASSERT_TRUE(run(runtime_->deactivate(ref("a"))).value());
  ASSERT_TRUE(run(runtime_->stop()).ok());
  EXPECT_FALSE(owned("a"));
  EXPECT_FALSE(owned("b"));
}

// Its record may be gone already, and another node's turns committed: the epoch does not tell.
TEST_F(SharedStore, AReadIsNotAnsweredFromMemoryWhileTheActorIsGivenAway) {
  ASSERT_TRUE(act("a", "append 1").ok());
  auto leaving = run(runtime_->deactivate(ref("a")));
  ASSERT_TRUE(leaving.value());
  EXPECT_FALSE(runtime_->in_memory(ref("a")));
  EXPECT_EQ(invoke("a", "look", "").value(), "1 ");
  EXPECT_EQ(journal_.count("activate a"), 2U);
}

TEST_F(SharedStore, DeactivatingTwiceKeepsTheSuccessorsRecord) {
  ASSERT_TRUE(act("a", "append 1").ok());
  ASSERT_TRUE(run(runtime_->deactivate(ref("a"))).value());
  auto next = begin("a", "append 2");
  ASSERT_TRUE(run(runtime_->deactivate(ref("a"))).ok());
  pass(Duration::seconds(1));
  EXPECT_EQ((*next)->value(), "1 2 ");
  EXPECT_EQ(owned("a"), runtime_->active() == 1);
}

}  // namespace
}  // namespace kelpie::actor
