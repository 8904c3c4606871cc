#include "actor/method_call.h"

#include "actor/testing/actor_test.h"

namespace kelpie::actor {
namespace {

class CallTest : public testing::ActorTest {
 protected:
  // The next commits, but so many first ones, meet a conflict.
  void conflicts(int passed, int count) {
    database_.on_commit = [passed, count]() mutable -> std::optional<Error> {
      if (passed-- > 0 || count-- <= 0) {
        return std::nullopt;
      }
      return base::aborted("in this test");
    };
  }
  static bool says(const Result<Bytes>& answer, const std::string& what) {
    return !answer.ok() && answer.error().message.find(what) != std::string::npos;
  }
};

TEST_F(CallTest, ATurnCallsAnotherActorAndHearsItsAnswer) {
  EXPECT_EQ(act("a", "call b do append x").value(), "x ");
  EXPECT_EQ(text("b"), "x ");
  EXPECT_EQ(runtime_->waits().size(), 0U);
}

TEST_F(CallTest, AnErrorOfTheOtherIsTheCallersOwn) {
  EXPECT_EQ(act("a", "append 1;call b do fail 1 not_found").error().code, Code::kNotFound);
  EXPECT_EQ(text("a"), "");
  EXPECT_EQ(act("a", "append 1;try b dance x").value(), "refused");
  EXPECT_EQ(text("a"), "1 ") << "who handles the error goes on";
}

TEST_F(CallTest, WhatTheOtherCommittedStaysIfTheCallerFails) {
  EXPECT_FALSE(act("a", "append 1;call b do append x;fail 1 unavailable").ok());
  EXPECT_EQ(text("a"), "");
  EXPECT_EQ(text("b"), "x ");
}

TEST_F(CallTest, TheCallIsMadeOnceHoweverOftenTheTurnIsTried) {
  conflicts(1, 3);
  EXPECT_EQ(act("a", "append 1;call b do append x;append 2").value(), "1 2 ");
  EXPECT_EQ(text("b"), "x ");
  EXPECT_EQ(runtime_->counters().repetitions, 3U);
}

TEST_F(CallTest, EachCallOfATurnAndEachTurnIsACallOfItsOwn) {
  ASSERT_TRUE(act("a", "call b do append x;call b do append x").ok());
  ASSERT_TRUE(act("a", "call b do append x").ok());
  EXPECT_EQ(text("b"), "x x x ");
  start();
  ASSERT_TRUE(act("a", "call b do append x").ok());
  EXPECT_EQ(text("b"), "x x x x ");
}

TEST_F(CallTest, ARepeatedCallWithAKeyMakesItsOwnCallsOnce) {
  EXPECT_FALSE(act("a", "call b do append x;fail 1 unavailable", once("k")).ok());
  EXPECT_TRUE(act("a", "call b do append x;fail 1 unavailable", once("k")).ok());
  EXPECT_EQ(text("b"), "x ");
}

TEST_F(CallTest, ACallToItselfIsRefusedAtOnce) {
  const auto refused = act("a", "call a do append x");
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(says(refused, "script/default/a.do -> script/default/a.do"));
  EXPECT_EQ(runtime_->counters().deadlocks, 1U);
}

TEST_F(CallTest, ACycleIsRefusedAtOnceWithItsNames) {
  const Instant begun = machine_.loop.now();
  const auto refused = act("a", "call b do call a do append x");
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(says(refused, "script/default/b.do -> script/default/a.do -> script/default/b.do"))
      << refused.error().message;
  EXPECT_LT(machine_.loop.now() - begun, Duration::millis(10));
  EXPECT_EQ(runtime_->waits().size(), 0U);
}

TEST_F(CallTest, TwoChainsThatCrossDoNotWaitForEver) {
  auto one = begin("a", "sleep 10;call b do append x");
  auto two = begin("b", "sleep 10;call a do append y");
  pass(Duration::seconds(1));
  ASSERT_TRUE(one->has_value() && two->has_value());
  EXPECT_NE((*one)->ok(), (*two)->ok()) << "one is refused, and frees the other";
}

TEST_F(CallTest, AReadOfAnActorThatMustTakeATurnWaitsLikeACall) {
  // b is not active yet: the read waits behind b's first turn, which calls a.
  ASSERT_TRUE(act("a", "append 1").ok());
  auto reader = begin("a", "call b look x");
  auto turn = begin("b", "call a do append y");
  pass(Duration::seconds(1));
  ASSERT_TRUE(turn->has_value() && reader->has_value());
  EXPECT_EQ((*turn)->error().code, Code::kFailedPrecondition);
  EXPECT_TRUE((*reader)->ok());
  EXPECT_EQ(runtime_->waits().size(), 0U);
}

TEST_F(CallTest, AReadFromMemoryIsNoWait) {
  ASSERT_TRUE(act("b", "append 1").ok());
  EXPECT_EQ(act("a", "call b look x").value(), "1 ");
  EXPECT_EQ(act("b", "append 2;call b look x").value(), "1 ") << "committed state only";
}

TEST_F(CallTest, AReentrantMethodRunsInsideTheTurnThatWaits) {
  EXPECT_EQ(act("a", "append 1;call b do call a do_inside append 2").value(), "1 2 ");
  EXPECT_EQ(text("a"), "1 2 ") << "it saw what was not committed yet";
  EXPECT_EQ(journal_.count("activate a"), 1U);
  EXPECT_EQ(runtime_->waits().size(), 0U);
}

TEST_F(CallTest, AReentrantMethodHasATurnOfItsOwnIfNobodyWaits) {
  EXPECT_EQ(invoke("a", "do_inside", "append 1").value(), "1 ");
  EXPECT_EQ(act("b", "call a do_inside append 2").value(), "1 2 ");
}

// Another's turn is none of its business, however it ends.
TEST_F(CallTest, ACallThatComesBackTooLateDoesNotRunInsideALaterTurn) {
  auto first = begin("a", "hurry 20 b do sleep 50|call a do_inside append x;append 1");
  auto second = begin("a", "append 2;sleep 500;append 3");
  pass(Duration::seconds(2));
  ASSERT_TRUE(first->has_value() && second->has_value());
  EXPECT_EQ(text("a"), "1 2 3 x ");
}

TEST_F(CallTest, WhatRanInsideIsCommittedThoughTheTurnSaysThatItOnlyReads) {
  ASSERT_TRUE(act("a", "call b do call a do_inside append 2;only_reads").ok());
  EXPECT_EQ(text("a"), "2 ");
}

TEST_F(CallTest, AReadInsideDoesNotMakeTheTurnReadOnly) {
  ASSERT_TRUE(act("a", "append 1;call b do call a do_inside only_reads").ok());
  EXPECT_EQ(text("a"), "1 ");
}

// The other actor would answer a repetition from its record, and not call inside again.
TEST_F(CallTest, WhatRanInsideIsNeverLostBehindASuccess) {
  conflicts(1, 1);
  const auto answer = act("a", "append 1;call b do append y|call a do_inside append 2");
  EXPECT_EQ(text("b"), "y ");
  EXPECT_FALSE(answer.ok()) << text("a");
  EXPECT_EQ(text("a"), "");
}

TEST_F(CallTest, AMethodThatCallsItselfInsideHasALimit) {
  ASSERT_TRUE(act("a", "append 1").ok());
  int depth = 0;
  runtime_->register_type(
      "endless",
      [&depth](ActorServices) -> std::unique_ptr<Actor> {
        class Endless final : public MethodActor {
         public:
          explicit Endless(int& counted) : depth_(counted) {}
          Task<void> activate(store::Transaction&) override { co_return kOk; }
          Task<Bytes> invoke(Turn& turn, std::shared_ptr<const Invocation> what) override {
            ++depth_;
            return call_from_turn(turn, turn.self(), *what);
          }
          [[nodiscard]] Result<Bytes> read(const Invocation&) const override { return Bytes(); }

         private:
          int& depth_;
        };
        return std::make_unique<Endless>(depth);
      },
      TypeOptions{.methods = [](std::string_view) { return MethodKind::kReentrant; }});
  const auto refused = run(runtime_->invoke({"endless", "n", "a"}, {"again", ""}));
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(depth, base::kCallDepthMax + 1);
}

TEST_F(CallTest, AChainHasALimit) {
  // Each calls the next: the program is the same, so it is given by a type of its own.
  runtime_->register_type(
      "chain",
      [](ActorServices) -> std::unique_ptr<Actor> {
        class Link final : public MethodActor {
         public:
          Task<void> activate(store::Transaction&) override { co_return kOk; }
          Task<Bytes> invoke(Turn& turn, std::shared_ptr<const Invocation> what) override {
            const int left = std::stoi(what->arguments);
            if (left == 0) {
              co_return Bytes("end");
            }
            co_return co_await call_from_turn(turn, {"chain", "n", std::to_string(left)},
                                              {"go", std::to_string(left - 1)});
          }
          [[nodiscard]] Result<Bytes> read(const Invocation&) const override { return Bytes(); }
        };
        return std::make_unique<Link>();
      },
      TypeOptions{.methods = [](std::string_view) { return MethodKind::kTurn; }});
  const auto go = [this](int calls) {
    return run(runtime_->invoke({"chain", "n", "first"}, {"go", std::to_string(calls)}));
  };
  EXPECT_EQ(go(base::kCallDepthMax).value(), "end");
  const auto refused = go(base::kCallDepthMax + 1);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(says(refused, "calls wait for each other"));
}

TEST_F(CallTest, TheDeadlineTravelsWithTheCall) {
  const Instant begun = machine_.loop.now();
  auto late = act("a", "append 1;call b do call c do append x|sleep 10000|append y",
                  deadline_in(Duration::millis(100)));
  EXPECT_EQ(late.error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(machine_.loop.now() - begun, Duration::millis(100));
  pass(Duration::minutes(1));
  EXPECT_EQ(text("a") + text("b"), "");
  EXPECT_EQ(text("c"), "x ");
  EXPECT_EQ(runtime_->waits().size(), 0U);
}

TEST_F(CallTest, ACallToNoTypeOrWithTooMuchIsRefused) {
  EXPECT_EQ(
      act("a", "call b " + std::string(base::kActorMethodBytesMax + 1, 'm') + " x").error().code,
      Code::kInvalidArgument);
  EXPECT_EQ(run(runtime_->invoke({"nothing", "n", "a"}, {"do", ""})).error().code, Code::kNotFound);
  EXPECT_EQ(invoke("a", "do", Bytes(base::kActorArgumentBytesMax + 1, ' ')).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(invoke("a", "", "").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace kelpie::actor
