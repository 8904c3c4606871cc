#include "actor/reminder.h"

#include "actor/inbox.h"
#include "actor/testing/actor_test.h"

namespace kelpie::actor {
namespace {

constexpr WallTime kDue = WallTime::from_seconds(1'000);
constexpr Duration kPeriod = Duration::seconds(60);

Reminder every_minute(CatchUp catch_up) {
  return {.name = "r", .due = kDue, .period = kPeriod, .catch_up = catch_up, .what = {"m", "x"}};
}
WallTime after(int64_t seconds) { return kDue + Duration::seconds(seconds); }

void expect_firing(CatchUp catch_up, int64_t late_seconds, bool call, int64_t next_seconds) {
  const Firing firing = decide_firing(every_minute(catch_up), after(late_seconds));
  EXPECT_EQ(firing.call, call) << late_seconds;
  EXPECT_EQ(firing.next, after(next_seconds)) << late_seconds;
}

TEST(Reminder, DecidesWhatBecomesOfMissedTimes) {
  for (const CatchUp each : {CatchUp::kAll, CatchUp::kOne, CatchUp::kNone}) {
    expect_firing(each, 0, true, 60);
    expect_firing(each, 10, true, 60);
  }
  expect_firing(CatchUp::kNone, 11, false, 60);
  expect_firing(CatchUp::kAll, 59, true, 60);
  expect_firing(CatchUp::kOne, 59, true, 60);
  // Just at the next time: that one is missed as well.
  expect_firing(CatchUp::kAll, 60, true, 60);
  expect_firing(CatchUp::kOne, 60, true, 120);
  expect_firing(CatchUp::kNone, 60, false, 120);
  expect_firing(CatchUp::kAll, 10'000, true, 60);
  expect_firing(CatchUp::kOne, 10'000, true, 10'020);
  expect_firing(CatchUp::kNone, 10'000, false, 10'020);
}

TEST(Reminder, WithoutAPeriodItFiresOnceHoweverLate) {
  for (const CatchUp each : {CatchUp::kAll, CatchUp::kOne, CatchUp::kNone}) {
    Reminder reminder = every_minute(each);
    reminder.period = Duration();
    const Firing firing = decide_firing(reminder, after(1'000'000));
    EXPECT_TRUE(firing.call);
    EXPECT_FALSE(firing.next.has_value());
  }
}

TEST(Reminder, IsReadBackWholeOrNotAtAll) {
  Reminder reminder = every_minute(CatchUp::kNone);
  reminder.tries = 3;
  const Bytes whole = reminder.encode();
  EXPECT_EQ(Reminder::decode("r", whole).value(), reminder);
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(Reminder::decode("r", whole.substr(0, length)).ok()) << length;
  }
}

class Reminders : public testing::ActorTest {
 protected:
  std::vector<Reminder> reminders(std::string id) {
    auto transaction = local_.begin();
    return run(list_reminders(*transaction, ref(std::move(id)), 100)).value();
  }
  Result<void> set(Reminder reminder) {
    return run(runtime_->run_turn(
        ref("a"), [reminder](Actor&, Turn& turn) { return set_reminder(turn, reminder); }));
  }
};

TEST_F(Reminders, FiresOnceAndNotBeforeItIsDue) {
  serve();
  ASSERT_TRUE(act("a", "remind r 2000 0 append x").ok());
  pass(Duration::millis(1'999));
  EXPECT_EQ(text("a"), "");
  pass(Duration::millis(20));
  EXPECT_EQ(text("a"), "x ");
  pass(Duration::minutes(5));
  EXPECT_EQ(text("a"), "x ");
  EXPECT_EQ(due_->counters().reminders, 1U);
  EXPECT_TRUE(marks().empty());
  EXPECT_TRUE(reminders("a").empty());
}

TEST_F(Reminders, ACancelledOneDoesNotFire) {
  serve();
  ASSERT_TRUE(act("a", "remind r 2000 0 append x").ok());
  ASSERT_TRUE(act("a", "cancel r").ok());
  EXPECT_TRUE(marks().empty());
  pass(Duration::seconds(5));
  EXPECT_EQ(text("a"), "");
}

TEST_F(Reminders, OneOfTheSameNameTakesItsPlace) {
  serve();
  ASSERT_TRUE(act("a", "remind r 1000 0 append x;remind other 1500 0 append z").ok());
  ASSERT_TRUE(act("a", "remind r 2000 0 append y").ok());
  EXPECT_EQ(marks().size(), 2U);
  pass(Duration::seconds(5));
  EXPECT_EQ(text("a"), "z y ");
}

TEST_F(Reminders, AFailedTurnSetsNone) {
  serve();
  EXPECT_FALSE(act("a", "remind r 1000 0 append x;fail 1 refused").ok());
  EXPECT_TRUE(marks().empty());
}

TEST_F(Reminders, OutlivesTheProcess) {
  serve();
  ASSERT_TRUE(act("a", "remind r 1000 0 append x").ok());
  start();
  pass(Duration::minutes(1));
  serve();
  pass(Duration::seconds(1));
  EXPECT_EQ(text("a"), "x ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(Reminders, APeriodicOneFiresAtItsTimesUntilItIsCancelled) {
  serve();
  ASSERT_TRUE(act("a", "remind r 1000 1000 append x").ok());
  pass(Duration::millis(5'500));
  EXPECT_EQ(text("a"), "x x x x x ");
  ASSERT_TRUE(act("a", "cancel r").ok());
  pass(Duration::seconds(5));
  EXPECT_EQ(text("a"), "x x x x x ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(Reminders, CatchesUpAfterALongStop) {
  const WallTime due = WallTime::from_seconds(clock_.wall().seconds() + 2);
  const std::vector<std::pair<CatchUp, Bytes>> each = {
      {CatchUp::kAll, "all"}, {CatchUp::kOne, "one"}, {CatchUp::kNone, "none"}};
  for (const auto& [catch_up, name] : each) {
    ASSERT_TRUE(set({.name = name,
                     .due = due,
                     .period = kPeriod,
                     .catch_up = catch_up,
                     .what = {"do", "append " + name}})
                    .ok());
  }
  pass(kPeriod * 4 + Duration::seconds(30));
  serve();
  pass(Duration::seconds(5));
  const Bytes log = text("a");
  const auto count = [&log](const Bytes& word) {
    int found = 0;
    for (size_t at = log.find(word + " "); at != Bytes::npos; at = log.find(word + " ", at + 1)) {
      ++found;
    }
    return found;
  };
  EXPECT_EQ(count("all"), 5) << log;
  EXPECT_EQ(count("one"), 1) << log;
  EXPECT_EQ(count("none"), 0) << log;
  EXPECT_EQ(marks().size(), 3U);
  for (const Reminder& reminder : reminders("a")) {
    EXPECT_EQ(reminder.due, due + kPeriod * 5) << reminder.name;
  }
}

TEST_F(Reminders, WhatItsOwnFiringSetsOrCancelsIsTheLastWord) {
  serve();
  ASSERT_TRUE(act("a", "remind r 1000 1000 append x|remind r 5000 0 append y").ok());
  pass(Duration::millis(4'500));
  EXPECT_EQ(text("a"), "x ");
  pass(Duration::seconds(5));
  EXPECT_EQ(text("a"), "x y ");
  ASSERT_TRUE(act("a", "remind r 1000 1000 append z|cancel r").ok());
  pass(Duration::seconds(5));
  EXPECT_EQ(text("a"), "x y z ");
  EXPECT_TRUE(marks().empty());
}

TEST_F(Reminders, OneThatFailsIsTriedAgain) {
  serve();
  ASSERT_TRUE(act("a", "remind r 1000 0 fail 3 refused|append x").ok());
  pass(Duration::seconds(10));
  EXPECT_EQ(text("a"), "x ");
  EXPECT_EQ(due_->counters().failures, 3U);
  EXPECT_TRUE(marks().empty());
}

TEST_F(Reminders, OneThatFailsTooOftenIsParkedAndAPeriodicOneGoesOn) {
  serve();
  ASSERT_TRUE(act("a", "remind r 1000 0 fail 1000 refused").ok());
  ASSERT_TRUE(act("b", "remind r 1000 60000 fail 5 refused|append x").ok());
  pass(Duration::seconds(50));
  auto transaction = local_.begin();
  const auto parked = run(list_parked(*transaction, ref("a"), 10)).value();
  ASSERT_EQ(parked.size(), 1U);
  EXPECT_EQ(parked.front().parked.tries, base::kMessageTriesMax);
  EXPECT_TRUE(reminders("a").empty());
  EXPECT_EQ(text("b"), "");
  pass(Duration::seconds(70));
  EXPECT_EQ(text("b"), "x ");
}

// What it fails by is its deadline, so that the clock can be set back while it runs.
TEST_F(Reminders, OneThatFailsWhileTheClockIsSetBackIsNotTriedBeforeItsTime) {
  serve({.message_deadline = Duration::seconds(1)});
  ASSERT_TRUE(act("a", "remind r 3600000 0 sleep 10000").ok());
  ASSERT_TRUE(act("b", "remind r 3600000 60000 sleep 10000").ok());
  for (int tries = 1; tries <= base::kMessageTriesMax; ++tries) {
    clock_.step = Duration::hours(2) * tries;
    pass(Duration::millis(1'500));
    clock_.step = Duration();
    pass(Duration::seconds(20));
    EXPECT_EQ(journal_.count("begin a: sleep 10000"), static_cast<size_t>(tries));
    EXPECT_EQ(journal_.count("begin b: sleep 10000"), static_cast<size_t>(tries));
  }
}

TEST_F(Reminders, AMarkThatOutlivesItsActorLeavesNoKeyOfIt) {
  ASSERT_TRUE(act("a", "append x;remind r 1000 0 append y").ok());
  ASSERT_TRUE(act("a", "destroy").ok());
  ASSERT_FALSE(has_head("a"));
  serve();
  pass(Duration::seconds(5));
  EXPECT_TRUE(marks().empty());
  EXPECT_FALSE(has_head("a"));
  EXPECT_EQ(text("a"), "");
}

TEST_F(Reminders, HaveLimits) {
  const Reminder good{.name = "r", .due = clock_.wall(), .what = {"do", ""}};
  EXPECT_TRUE(set(good).ok());
  const auto refused = [&](auto change) {
    Reminder bad = good;
    change(bad);
    const auto result = set(bad);
    return !result.ok() && result.error().code == Code::kInvalidArgument;
  };
  EXPECT_TRUE(refused([](Reminder& r) { r.name = ""; }));
  EXPECT_TRUE(refused([](Reminder& r) { r.name.resize(base::kReminderNameBytesMax + 1, 'x'); }));
  EXPECT_TRUE(refused([](Reminder& r) { r.due = WallTime::from_nanos(-1); }));
  EXPECT_TRUE(refused([](Reminder& r) { r.due = WallTime::from_nanos(INT64_MAX); }));
  EXPECT_TRUE(refused([](Reminder& r) { r.period = Duration::nanos(1); }));
  EXPECT_TRUE(refused([](Reminder& r) { r.period = Duration::nanos(-1); }));
  EXPECT_TRUE(refused([](Reminder& r) { r.period = Duration::nanos(INT64_MAX); }));
  EXPECT_TRUE(refused([](Reminder& r) { r.what.method = ""; }));
  EXPECT_TRUE(refused([](Reminder& r) { r.what.arguments.resize(base::kActorMessageBytesMax); }));
}

}  // namespace
}  // namespace kelpie::actor
