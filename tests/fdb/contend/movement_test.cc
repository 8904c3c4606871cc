#include "movement.h"

#include <gtest/gtest.h>

#include <utility>

#include "testing.h"

namespace kelpie::contend {
namespace {

using namespace testing;  // NOLINT

const Stop kStop{.node = "one", .from_ns = 1'000, .to_ns = 2'000};

// It loses its actor while it stands still, and gets it back.
NodeLog stopped() {
  NodeLog log = log_of("one", {add(0, 10, "one/1", 1, "01"), read(900, 2'010, 1),
                               failed_add(2'015, 2'016, "one/3", "unavailable"),
                               add(2'100, 2'150, "one/2", 3, "03")});
  log.epochs = {{.at_ns = 0, .epoch = "e1"}, {.at_ns = 2'020, .epoch = "e2"}};
  return log;
}
NodeLog other() {
  return log_of("two", {refused(1'100, 1'110, "one"), add(1'500, 1'510, "two/1", 2, "02")});
}

std::vector<std::string> problems(NodeLog first, NodeLog second) {
  std::vector<std::string> texts;
  for (const Problem& problem :
       movement_of({std::move(first), std::move(second)}, kStop).problems) {
    texts.push_back(problem.text);
  }
  return texts;
}
using Texts = std::vector<std::string>;

TEST(Movement, CountsWhatMoved) {
  const Movement seen = movement_of({stopped(), other()}, kStop);
  EXPECT_TRUE(seen.problems.empty());
  EXPECT_EQ(seen.moved, 2U);
  EXPECT_EQ(seen.actors_moved, 1U);
  EXPECT_EQ(seen.claimed_again, 0U);
  EXPECT_EQ(seen.tenth_ns, 215);
  EXPECT_EQ(seen.moved_in, (std::vector<uint64_t>{0, 0, 0, 0, 0, 0, 0, 1, 0, 1}));
  EXPECT_EQ(seen.held, 1U);
  EXPECT_EQ(seen.taken, 1U);
  EXPECT_EQ(seen.taken_back, 1U);
  EXPECT_EQ(seen.first_taken_ns, 510);
  EXPECT_EQ(seen.last_refused_ns, 100);
  EXPECT_EQ(seen.begun_before, 1U);
  EXPECT_EQ(seen.lost, 1U);
  EXPECT_EQ(seen.answered_after, 1U);
  EXPECT_EQ(seen.first_answer_after_ns, 150);
  EXPECT_EQ(seen.epochs_before, 1U);
  EXPECT_EQ(seen.epochs_after, 1U);
}

TEST(Movement, TellsANewGenerationOfTheSameNodeFromAMove) {
  NodeLog same = stopped();
  same.calls.push_back(add(2'200, 2'210, "one/3", 4, "04"));
  const Movement seen = movement_of({same, other()}, kStop);
  EXPECT_EQ(seen.moved, 2U);
  EXPECT_EQ(seen.claimed_again, 1U);
}

TEST(Movement, FindsARunThatShowedNothing) {
  EXPECT_TRUE(problems(stopped(), other()).empty());
  NodeLog calls = stopped();
  calls.calls.push_back(read(1'200, 1'210, 1));
  EXPECT_EQ(problems(calls, other()), (Texts{"it made calls while it stood still"}));
  NodeLog same_epoch = stopped();
  same_epoch.epochs.pop_back();
  EXPECT_EQ(problems(same_epoch, other()), (Texts{"it did not come back under a new epoch"}));
  NodeLog silent = stopped();
  silent.calls.pop_back();
  EXPECT_EQ(problems(silent, other()), (Texts{"it answered nothing after it was continued"}));
  NodeLog refusing = other();
  refusing.calls.push_back(refused(1'950, 1'960, "one"));
  EXPECT_EQ(problems(stopped(), refusing),
            (Texts{"it was still taken for the owner at the end of its stop"}));
  NodeLog idle = other();
  idle.calls.pop_back();
  EXPECT_EQ(
      problems(stopped(), idle),
      (Texts{"no actor changed its node", "nothing of it was taken over while it stood still"}));
}

}  // namespace
}  // namespace kelpie::contend
