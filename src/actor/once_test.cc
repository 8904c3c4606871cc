#include "actor/once.h"

#include "actor/testing/actor_test.h"
#include "store/chunked.h"

namespace kelpie::actor {
namespace {

constexpr WallTime kThen = WallTime::from_seconds(1'000'000);

OnceRecord record(int64_t sequence, uint64_t fingerprint) {
  return {sequence, fingerprint, kThen, "reply"};
}

TEST(Once, JudgesACallByTheRecordOfItsKey) {
  using enum OnceVerdict;
  EXPECT_EQ(judge_once(std::nullopt, {"k", 0}, 7), kNew);
  EXPECT_EQ(judge_once(record(0, 7), {"k", 0}, 7), kRepetition);
  EXPECT_EQ(judge_once(record(0, 7), {"k", 0}, 8), kOtherCall);
  EXPECT_EQ(judge_once(record(3, 7), {"k", 3}, 7), kRepetition);
  EXPECT_EQ(judge_once(record(3, 7), {"k", 3}, 8), kOtherCall);
  EXPECT_EQ(judge_once(record(3, 7), {"k", 4}, 7), kNew);
  EXPECT_EQ(judge_once(record(3, 7), {"k", 2}, 7), kOvertaken);
  EXPECT_EQ(judge_once(record(3, 7), {"k", 2}, 8), kOvertaken);
}

TEST(Once, ReadsBackWhatItWrote) {
  const OnceRecord written{-5, ~uint64_t{0}, kThen, Bytes("a\0b", 3)};
  const auto read = OnceRecord::decode(written.encode());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(*read, written);
}

TEST(Once, RefusesEveryTruncation) {
  const Bytes whole = record(3, 7).encode();
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto read = OnceRecord::decode(whole.substr(0, length));
    EXPECT_FALSE(read.ok()) << length;
  }
  EXPECT_FALSE(OnceRecord::decode(whole + "x").ok());
}

TEST(Once, TellsMethodsAndArgumentsApart) {
  EXPECT_EQ(fingerprint_of({"m", "a"}), fingerprint_of({"m", "a"}));
  EXPECT_NE(fingerprint_of({"m", "a"}), fingerprint_of({"m", "b"}));
  EXPECT_NE(fingerprint_of({"m", "a"}), fingerprint_of({"n", "a"}));
  EXPECT_NE(fingerprint_of({"ma", ""}), fingerprint_of({"m", "a"}));
}

TEST(Once, KeysHaveLimits) {
  EXPECT_FALSE(check_once({"", 0}).ok());
  EXPECT_TRUE(check_once({std::string(base::kOnceKeyBytesMax, 'k'), 0}).ok());
  EXPECT_FALSE(check_once({std::string(base::kOnceKeyBytesMax + 1, 'k'), 0}).ok());
  EXPECT_FALSE(check_once({"k", -1}).ok());
}

Task<void> sweep_into(Turn& turn, Bytes from, std::optional<Bytes>& next) {
  next = co_await sweep_once(turn, std::move(from), 2);
  co_return kOk;
}

class OnceCalls : public testing::ActorTest {};

TEST_F(OnceCalls, ARepetitionHearsTheSameAndHasNoEffect) {
  EXPECT_EQ(act("a", "append x", once("k")).value(), "x ");
  EXPECT_EQ(act("a", "append y").value(), "x y ");
  EXPECT_EQ(act("a", "append x", once("k")).value(), "x ");
  EXPECT_EQ(text("a"), "x y ");
  EXPECT_EQ(runtime_->counters().repetitions, 1U);
}

TEST_F(OnceCalls, AKeyOfAnotherCallIsRefused) {
  ASSERT_TRUE(act("a", "append x", once("k")).ok());
  EXPECT_EQ(act("a", "append y", once("k")).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(act("b", "append y", once("k")).ok()) << "another actor's keys are its own";
  EXPECT_EQ(text("a"), "x ");
}

TEST_F(OnceCalls, ANumberedCallerGoesOnAndNotBack) {
  EXPECT_EQ(act("a", "append x", once("s", 1)).value(), "x ");
  EXPECT_EQ(act("a", "append x", once("s", 2)).value(), "x x ");
  EXPECT_EQ(act("a", "append x", once("s", 2)).value(), "x x ");
  EXPECT_EQ(act("a", "append x", once("s", 1)).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(text("a"), "x x ");
}

TEST_F(OnceCalls, DuplicatesAtTheSameTimeWaitForTheFirst) {
  auto first = begin("a", "sleep 50;append x", once("k"));
  auto second = begin("a", "sleep 50;append x", once("k"));
  machine_.loop.run_ready();
  auto third = begin("a", "sleep 50;append x", once("k"));
  pass(Duration::seconds(1));
  for (const auto& answer : {first, second, third}) {
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ((*answer)->value(), "x ");
  }
  EXPECT_EQ(text("a"), "x ");
}

TEST_F(OnceCalls, AFailedCallLeavesNoRecord) {
  EXPECT_FALSE(act("a", "append x;fail 1 unavailable", once("k")).ok());
  EXPECT_EQ(act("a", "append x;fail 1 unavailable", once("k")).value(), "x ");
}

TEST_F(OnceCalls, TheRecordOutlivesTheActivationAndTheRuntime) {
  ASSERT_TRUE(act("a", "append x", once("k")).ok());
  ASSERT_TRUE(act("a", "append y", once("s", 4)).ok());
  ASSERT_TRUE(run(runtime_->deactivate(ref("a"))).value());
  machine_.loop.run_ready();
  EXPECT_EQ(act("a", "append x", once("k")).value(), "x ");
  start();
  EXPECT_EQ(act("a", "append x", once("k")).value(), "x ");
  EXPECT_EQ(act("a", "append y", once("s", 3)).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(text("a"), "x y ");
}

// A clock that was set forward makes nothing happen twice.
TEST_F(OnceCalls, ARecordCountsForAsLongAsItIsThere) {
  ASSERT_TRUE(act("a", "append x", once("k")).ok());
  pass(base::kOnceKeptFor + Duration::seconds(1));
  EXPECT_EQ(act("a", "append x", once("k")).value(), "x ");
}

TEST_F(OnceCalls, ALongReplyIsKeptTooAndTooLongAOneIsRefused) {
  const Bytes answer(300'000, 'x');
  EXPECT_TRUE(act("a", "reply 300000", once("k")).value() == answer);
  EXPECT_TRUE(act("a", "reply 300000", once("k")).value() == answer);
  EXPECT_EQ(act("a", "append x;reply 1000001", once("l")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(text("a"), "");
}

TEST_F(OnceCalls, ANumberedCallerThatIsKnownCostsNoReadOfItsRecord) {
  const auto reads_of = [this](int64_t sequence) {
    const Bytes key = store::keys::actor_once(ref("a").name(), "s");
    int reads = 0;
    database_.on_get = [&reads, key](const Bytes& read) {
      reads += read == key ? 1 : 0;
      return std::optional<Error>();
    };
    EXPECT_TRUE(act("a", "blind x", once("s", sequence)).ok());
    database_.on_get = nullptr;
    return reads;
  };
  EXPECT_EQ(reads_of(1), 1);
  EXPECT_EQ(reads_of(2), 0);
  EXPECT_EQ(reads_of(2), 0) << "a repetition";
  EXPECT_EQ(text("a"), "x x ");
}

TEST_F(OnceCalls, AReadOnlyMethodWithAKeyAnswersAsThen) {
  ASSERT_TRUE(act("a", "append x").ok());
  EXPECT_EQ(invoke("a", "look", "", once("k")).value(), "x ");
  ASSERT_TRUE(act("a", "append y").ok());
  EXPECT_EQ(invoke("a", "look", "", once("k")).value(), "x ");
}

TEST_F(OnceCalls, TheSweepRemovesWhatIsOldAndItsChunks) {
  ASSERT_TRUE(act("a", "reply 300000", once("old")).ok());
  pass(base::kOnceKeptFor);
  ASSERT_TRUE(act("a", "append y", once("new")).ok());
  pass(Duration::seconds(1));
  Bytes from;
  for (int turns = 0; turns < 20; ++turns) {
    std::optional<Bytes> next;
    ASSERT_TRUE(run(runtime_->run_turn(ref("a"), [&](Actor&, Turn& turn) {
                  return sweep_into(turn, from, next);
                })).ok());
    if (!next) {
      break;
    }
    from = *next;
  }
  auto transaction = local_.begin();
  const auto left =
      run(transaction->get_range({.range = store::keys::actor_onces(ref("a").name())})).value();
  ASSERT_EQ(left.rows.size(), 1U);
  EXPECT_EQ(left.rows.front().key, store::keys::actor_once(ref("a").name(), "new"));
}

}  // namespace
}  // namespace kelpie::actor
