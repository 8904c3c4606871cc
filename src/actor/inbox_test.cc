#include "actor/inbox.h"

#include <algorithm>

#include "actor/testing/actor_test.h"

namespace kelpie::actor {
namespace {

class InboxTest : public testing::ActorTest {
 protected:
  std::vector<StoredMessage> inbox(std::string id) {
    auto transaction = local_.begin();
    return run(list_inbox(*transaction, ref(std::move(id)), 1'000)).value();
  }
  std::vector<StoredParked> parked(std::string id) {
    auto transaction = local_.begin();
    return run(list_parked(*transaction, ref(std::move(id)), 1'000)).value();
  }
  Result<void> operate(std::string id, Task<void> (*verb)(Turn&, Bytes), Bytes stamp) {
    return run(runtime_->run_turn(ref(std::move(id)),
                                  [verb, stamp](Actor&, Turn& turn) { return verb(turn, stamp); }));
  }
};

Task<void> send_many(Turn& turn, ActorRef to, size_t count) {
  for (; count > 0; --count) {
    co_await send(turn, to, {"do", ""});
  }
  co_return kOk;
}

TEST_F(InboxTest, AMessageIsTakenOnceAndNoMarkIsLeft) {
  serve();
  ASSERT_TRUE(act("a", "append sent;send b do append x").ok());
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "x ");
  EXPECT_EQ(due_->counters().messages, 1U);
  EXPECT_TRUE(inbox("b").empty());
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, MessagesOfOneSenderKeepTheirOrder) {
  serve();
  Bytes expected;
  for (int i = 0; i < 30; ++i) {
    const std::string number = std::to_string(i);
    ASSERT_TRUE(
        act("a", "send b do append " + number + ".0;send b do append " + number + ".1").ok());
    expected += number + ".0 " + number + ".1 ";
  }
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), expected);
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, AFailedTurnSendsNothing) {
  serve();
  EXPECT_FALSE(act("a", "send b do append x;fail 1 refused").ok());
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "");
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, ATurnThatIsTriedAgainSendsOnce) {
  serve();
  int conflicts = 2;
  database_.on_commit = [&]() -> std::optional<Error> {
    return conflicts-- > 0 ? std::optional(base::aborted("in this test")) : std::nullopt;
  };
  ASSERT_TRUE(act("a", "append y;send b do append x").ok());
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "x ");
  EXPECT_GE(runtime_->counters().turns_retried, 2U);
}

TEST_F(InboxTest, AnActorSendsToItself) {
  serve();
  ASSERT_TRUE(act("a", "append 1;send a do append 2|send a do append 3").ok());
  pass(Duration::seconds(3));
  EXPECT_EQ(text("a"), "1 2 3 ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, AMessageOutlivesTheProcess) {
  ASSERT_TRUE(act("a", "append sent;send b do append x").ok());
  EXPECT_EQ(inbox("b").size(), 1U);
  EXPECT_EQ(inbox("b").front().message.from, ref("a"));
  EXPECT_FALSE(marks().empty());
  start();
  serve();
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "x ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, AMessageWhoseTurnWasCutOffIsTakenAgain) {
  serve();
  ASSERT_TRUE(act("a", "append sent;send b do sleep 500|append x").ok());
  pass(Duration::millis(200));
  ASSERT_EQ(journal_.count("begin b: sleep 500;append x"), 1U);
  start();
  serve();
  pass(Duration::seconds(3));
  EXPECT_EQ(journal_.count("begin b: sleep 500;append x"), 2U);
  EXPECT_EQ(text("b"), "x ");
}

TEST_F(InboxTest, AnUndecidedTakingHasOneEffect) {
  ASSERT_TRUE(act("a", "append sent;send b do append x").ok());
  bool first = true;
  database_.after_commit = [&]() -> std::optional<Error> {
    return std::exchange(first, false) ? std::optional(base::unknown("in this test"))
                                       : std::nullopt;
  };
  serve();
  pass(Duration::seconds(3));
  EXPECT_FALSE(first);
  EXPECT_EQ(text("b"), "x ");
  EXPECT_EQ(runtime_->counters().turns_undecided, 1U);
}

TEST_F(InboxTest, AFailedMessageIsTriedAgainAfterAPauseAndHoldsItsPlace) {
  serve();
  ASSERT_TRUE(act("a", "send b do fail 2 refused|append x;send b do append y").ok());
  pass(Duration::millis(50));
  EXPECT_EQ(journal_.failures["b"], 1);
  pass(Duration::millis(400));
  EXPECT_EQ(journal_.failures["b"], 2);
  EXPECT_EQ(text("b"), "");
  pass(Duration::seconds(2));
  EXPECT_EQ(text("b"), "x y ");
  EXPECT_EQ(due_->counters().failures, 2U);
  pass(Duration::seconds(2));
  EXPECT_TRUE(marks().empty());
}

// Else a busy recipient would have no pauses, and park in no time what would have succeeded soon.
TEST_F(InboxTest, NewMessagesDoNotShortenThePauseOfTheOneBeforeThem) {
  serve();
  ASSERT_TRUE(act("a", "send b do fail 3 refused|append x").ok());
  for (int i = 0; i < 4; ++i) {
    pass(Duration::millis(110));
    ASSERT_TRUE(act("a", "send b do append y").ok());
  }
  EXPECT_EQ(journal_.failures["b"], 2) << "at once, after 100 ms, and not before 500 ms again";
  pass(Duration::seconds(5));
  EXPECT_TRUE(parked("b").empty());
  EXPECT_EQ(text("b"), "x y y y y ");
  EXPECT_TRUE(marks().empty());
}

// What passes by itself is nobody's fault, and parks nothing.
TEST_F(InboxTest, AMessageWaitsForAsLongAsWhatItNeedsIsAway) {
  serve();
  ASSERT_TRUE(act("a", "send b do fail 8 unavailable|append x").ok());
  for (int i = 0; i < 60; ++i) {
    pass(Duration::seconds(1));
  }
  EXPECT_EQ(text("b"), "x ");
  EXPECT_EQ(due_->counters().failures, 0U);
}

TEST_F(InboxTest, AMessageThatFailsTooOftenIsParkedAndTheNextGoesOn) {
  serve();
  ASSERT_TRUE(act("a", "send b do fail 1000 refused|append x;send b do append y").ok());
  pass(Duration::seconds(60));
  EXPECT_EQ(journal_.failures["b"], base::kMessageTriesMax);
  EXPECT_EQ(text("b"), "y ");
  ASSERT_EQ(parked("b").size(), 1U);
  EXPECT_EQ(parked("b").front().parked.tries, base::kMessageTriesMax);
  EXPECT_NE(parked("b").front().parked.error.find("as told"), std::string::npos);
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, AParkedMessageIsTriedAgainOnDemandOrDropped) {
  serve();
  ASSERT_TRUE(act("a", "send b do fail 1 not_found|append x;send b do fail 2 not_found").ok());
  pass(Duration::seconds(3));
  auto both = parked("b");
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(operate("b", drop_parked, Bytes(12, 'z')).error().code, Code::kNotFound);
  EXPECT_EQ(operate("b", retry_parked, Bytes(12, 'z')).error().code, Code::kNotFound);
  ASSERT_TRUE(operate("b", drop_parked, both[1].stamp).ok());
  ASSERT_TRUE(operate("b", retry_parked, both[0].stamp).ok());
  EXPECT_TRUE(parked("b").empty());
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "x ");
  EXPECT_TRUE(parked("b").empty());
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, AnUnknownMethodIsParkedAtOnce) {
  serve();
  ASSERT_TRUE(act("a", "send b dance x;send b do append y").ok());
  pass(Duration::seconds(1));
  ASSERT_EQ(parked("b").size(), 1U);
  EXPECT_EQ(parked("b").front().parked.tries, 1);
  EXPECT_EQ(text("b"), "y ");
}

TEST_F(InboxTest, AMessageThatNeverEndsIsParkedAndTheNextGoesOn) {
  serve({.message_deadline = Duration::seconds(1)});
  ASSERT_TRUE(act("a", "send b do sleep 1000000;send b do append y").ok());
  pass(Duration::minutes(2));
  EXPECT_EQ(text("b"), "y ");
  EXPECT_EQ(parked("b").size(), 1U);
}

TEST_F(InboxTest, AMessageWhoseEffectNoCommitTakesIsParkedAndTheNextGoesOn) {
  ASSERT_TRUE(act("a", "send b do large 100001;send b do append y").ok());
  serve();
  pass(Duration::minutes(2));
  EXPECT_EQ(text("b"), "y ");
  EXPECT_EQ(parked("b").size(), 1U);
}

TEST_F(InboxTest, MessagesHaveLimits) {
  EXPECT_EQ(act("a", "send b do " + std::string(base::kActorMessageBytesMax, 'x')).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(act("a", "send  do x").error().code, Code::kInvalidArgument) << "no id";
  EXPECT_EQ(
      act("a", "send b " + std::string(base::kActorMethodBytesMax + 1, 'm') + " x").error().code,
      Code::kInvalidArgument);
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, ATurnSendsSoManyMessagesAndNoMore) {
  const auto send_so_many = [this](size_t count) {
    return run(runtime_->run_turn(
        ref("a"), [count](Actor&, Turn& turn) { return send_many(turn, ref("b"), count); }));
  };
  EXPECT_EQ(send_so_many(base::kMessagesPerTurnMax + 1).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(inbox("b").empty());
  EXPECT_TRUE(send_so_many(base::kMessagesPerTurnMax).ok());
}

TEST_F(InboxTest, APausedRecipientTakesItsMessagesLater) {
  serve();
  ASSERT_TRUE(act("b", "append 1;pause").ok());
  ASSERT_TRUE(act("a", "send b do append 2").ok());
  pass(Duration::seconds(5));
  EXPECT_EQ(text("b"), "1 ");
  ASSERT_TRUE(act("b", "resume", {.origin = CallOrigin::kOperator}).ok());
  pass(Duration::seconds(3));
  EXPECT_EQ(text("b"), "1 2 ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(InboxTest, AMarkThatOutlivesItsActorLeavesNoKeyOfIt) {
  ASSERT_TRUE(act("a", "append sent;send b do append x").ok());
  ASSERT_TRUE(act("b", "append 1").ok());
  ASSERT_TRUE(act("b", "destroy").ok());
  ASSERT_FALSE(has_head("b"));
  EXPECT_FALSE(marks().empty());
  serve();
  pass(Duration::seconds(3));
  EXPECT_TRUE(marks().empty());
  EXPECT_FALSE(has_head("b"));
}

}  // namespace
}  // namespace kelpie::actor
