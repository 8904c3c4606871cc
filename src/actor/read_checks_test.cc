#include "actor/read_checks.h"

#include "actor/testing/actor_test.h"

namespace kelpie::actor {
namespace {

class Reads : public testing::ActorTest {
 protected:
  Reads() { CHECK(act("a", "append 1").ok()); }
  std::shared_ptr<testing::Answer> look() { return begin("a", "look", ""); }
};

TEST_F(Reads, AreAnsweredFromMemoryWithoutACommit) {
  const uint64_t commits = database_.commits;
  EXPECT_EQ(invoke("a", "look", "").value(), "1 ");
  EXPECT_EQ(database_.commits, commits);
  EXPECT_EQ(runtime_->read_checks().checks(), 1U);
}

TEST_F(Reads, OneLookAtTheEpochServesAllThatWait) {
  std::vector<std::shared_ptr<testing::Answer>> answers;
  for (int i = 0; i < 50; ++i) {
    answers.push_back(look());
  }
  pass(Duration::millis(10));
  for (const auto& answer : answers) {
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ((*answer)->value(), "1 ");
  }
  EXPECT_EQ(runtime_->read_checks().checks(), 1U);
  EXPECT_EQ(runtime_->read_checks().passed(), 50U);
}

TEST_F(Reads, ALookThatWasIssuedBeforeDoesNotServe) {
  std::shared_ptr<testing::Answer> during;
  database_.on_get = [&](const Bytes&) {
    if (!during) {
      during = look();
    }
    return std::optional<Error>();
  };
  const auto first = look();
  pass(Duration::millis(10));
  ASSERT_TRUE((*first).has_value() && (*during).has_value());
  EXPECT_EQ(runtime_->read_checks().checks(), 2U);
}

TEST_F(Reads, AreRefusedAfterAnotherProcessTookTheEpoch) {
  cluster::Ownership other(world_, local_, cluster::OwnerRecords::kNone);
  ASSERT_TRUE(run(other.join()).ok());
  EXPECT_EQ(invoke("a", "look", "").error().code, Code::kUnavailable);
  pass(Duration::seconds(1));
  EXPECT_EQ(invoke("a", "look", "").value(), "1 ") << "under the new epoch";
  EXPECT_EQ(runtime_->counters().fences_lost, 1U);
}

TEST_F(Reads, AreAnsweredWhileATurnRunsAndSeeWhatIsCommitted) {
  auto turn = begin("a", "append 2;sleep 1000;append 3");
  pass(Duration::millis(100));
  EXPECT_EQ(invoke("a", "look", "").value(), "1 ");
  EXPECT_FALSE(turn->has_value());
  pass(Duration::seconds(1));
  EXPECT_EQ(invoke("a", "look", "").value(), "1 2 3 ");
}

TEST_F(Reads, OfAnActorThatIsNotActiveTakeATurn) {
  ASSERT_TRUE(run(runtime_->deactivate(ref("a"))).value());
  machine_.loop.run_ready();
  ASSERT_EQ(runtime_->active(), 0U);
  EXPECT_EQ(invoke("a", "look", "").value(), "1 ");
  EXPECT_EQ(invoke("nobody", "look", "").value(), "");
  EXPECT_FALSE(has_head("nobody"));
}

TEST_F(Reads, AConflictIsLookedAtAgainAndAnOutageIsAnError) {
  int errors = 2;
  database_.on_get = [&](const Bytes&) -> std::optional<Error> {
    return errors-- > 0 ? std::optional(base::aborted("in this test")) : std::nullopt;
  };
  EXPECT_EQ(invoke("a", "look", "").value(), "1 ");
  database_.on_get = [&](const Bytes&) { return std::optional(base::unavailable("no store")); };
  EXPECT_EQ(invoke("a", "look", "").error().code, Code::kUnavailable);
}

TEST_F(Reads, HaveADeadlineToo) {
  EXPECT_EQ(invoke("a", "look", "", deadline_in(Duration())).error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(invoke("a", "look", "", deadline_in(Duration::seconds(1))).value(), "1 ");
}

TEST_F(Reads, UnknownOnesAreRefused) {
  database_.on_get = nullptr;
  EXPECT_EQ(invoke("a", "dance", "").error().code, Code::kNotFound);
}

// The caller's task may end after the runtime.
TEST_F(Reads, ACallerMayOutliveTheRuntime) {
  auto waits = look();
  machine_.loop.post([] {});
  runtime_.reset();
  pass(Duration::seconds(1));
  EXPECT_FALSE(waits->has_value());
  callers_->cancel();
}

}  // namespace
}  // namespace kelpie::actor
