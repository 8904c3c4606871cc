#include "judge.h"

#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "testing.h"

namespace kelpie::contend {
namespace {

using namespace testing;  // NOLINT

using Rules = std::set<std::string>;

// The rules that are broken, when the counter holds `last` in the end.
Rules broken(std::vector<Call> first, std::vector<Call> second, int64_t last) {
  const Verdict verdict = judge({log_of("one", std::move(first)), log_of("two", std::move(second))},
                                log_of("last", {read(1'000, 1'001, last)}));
  Rules rules;
  for (const Problem& problem : verdict.problems) {
    rules.insert(problem.rule);
  }
  return rules;
}
bool breaks(const Rules& rules, const std::string& rule) { return rules.contains(rule); }

TEST(Judge, AcceptsWhatMayHappen) {
  EXPECT_EQ(broken({}, {}, 0), Rules());
  EXPECT_EQ(broken({add(0, 10, "a", 1), read(11, 12, 1), add(20, 30, "b", 3, "03")},
                   {add(15, 25, "c", 2, "02"), read(31, 32, 3)}, 3),
            Rules());
  // A read beside an increment may or may not see it.
  EXPECT_EQ(broken({add(0, 10, "a", 1)}, {read(5, 6, 0), read(7, 8, 1)}, 1), Rules());
}

TEST(Judge, CountsWhatItJudged) {
  const Verdict verdict =
      judge({log_of("one", {add(0, 1, "a", 1), failed_add(2, 3, "b", "unknown"), read(4, 5, 1)}),
             log_of("two", {add(6, 7, "a", 1), refused(8, 9, "one")})},
            log_of("last", {read(10, 11, 1)}));
  EXPECT_TRUE(verdict.problems.empty());
  EXPECT_EQ(verdict.actors, 1U);
  EXPECT_EQ(verdict.increments, 1U);
  EXPECT_EQ(verdict.undecided, 1U);
  EXPECT_EQ(verdict.reads, 2U);
}

TEST(Judge, FindsAStaleReply) {
  const Rules rules = broken({add(0, 10, "a", 1)}, {read(11, 12, 0)}, 1);
  EXPECT_EQ(rules, (Rules{"no stale reply", "linearizable"}));
  // Also behind a read, whoever made it.
  EXPECT_TRUE(breaks(broken({add(0, 100, "a", 1), read(20, 30, 1)}, {read(31, 40, 0)}, 1),
                     "no stale reply"));
  // A call that hung all the while may answer what was so when it began.
  EXPECT_EQ(broken({add(5, 10, "a", 1)}, {read(4, 90, 0)}, 1), Rules());
}

TEST(Judge, FindsAStaleCommit) {
  // The second was begun after the first had been answered, and did not see it.
  const Rules rules = broken({add(0, 10, "a", 2)}, {add(11, 20, "b", 1)}, 2);
  EXPECT_TRUE(breaks(rules, "no stale commit"));
  EXPECT_TRUE(breaks(rules, "linearizable"));
}

TEST(Judge, FindsALostIncrement) {
  EXPECT_TRUE(breaks(broken({add(0, 10, "a", 1)}, {add(5, 20, "b", 1)}, 1), "each value once"));
  EXPECT_EQ(broken({add(0, 10, "a", 1), add(11, 12, "b", 2)}, {}, 1),
            (Rules{"final value", "no stale reply", "linearizable"}));
}

TEST(Judge, FindsAnIncrementThatNobodyAskedFor) {
  EXPECT_EQ(broken({add(0, 10, "a", 1)}, {}, 2),
            (Rules{"final value", "nothing made up", "linearizable"}));
  EXPECT_TRUE(breaks(broken({add(0, 10, "a", 2)}, {}, 2), "nothing made up"));
  // One that failed did nothing; one of unknown fate may have, or not.
  EXPECT_TRUE(breaks(broken({failed_add(0, 10, "a", "deadline_exceeded")}, {}, 1), "final value"));
  EXPECT_EQ(broken({failed_add(0, 10, "a", "unknown")}, {}, 1), Rules());
  EXPECT_EQ(broken({failed_add(0, 10, "a", "unknown")}, {}, 0), Rules());
  // Not before it was asked for.
  EXPECT_TRUE(
      breaks(broken({failed_add(20, 30, "a", "unknown")}, {read(0, 10, 1)}, 1), "nothing made up"));
}

TEST(Judge, TakesAllCallsOfAKeyForOne) {
  EXPECT_EQ(broken({failed_add(0, 10, "a", "unknown"), add(11, 20, "a", 1)}, {}, 1), Rules());
  // A repetition is answered as the first was, however old that is.
  EXPECT_EQ(broken({add(0, 10, "a", 1), add(11, 20, "b", 2)}, {add(30, 40, "a", 1)}, 2), Rules());
  EXPECT_TRUE(
      breaks(broken({add(0, 10, "a", 1)}, {add(30, 40, "a", 2)}, 2), "one key, one answer"));
  // An attempt that failed does not stretch the one that happened.
  EXPECT_TRUE(breaks(
      broken({failed_add(0, 1, "b", "unavailable"), add(20, 30, "b", 1)}, {add(2, 10, "a", 2)}, 2),
      "no stale commit"));
}

TEST(Judge, FindsGenerationsThatGoBackOrHaveTwoOwners) {
  EXPECT_EQ(broken({add(0, 10, "a", 1, "02")}, {add(11, 20, "b", 2, "01")}, 2),
            (Rules{"generations grow"}));
  EXPECT_EQ(broken({add(0, 10, "a", 1, "01")}, {add(11, 20, "b", 2, "01")}, 2),
            (Rules{"a generation is one node's"}));
  // Of a key that both asked for nobody can say who served it.
  EXPECT_EQ(broken({add(0, 10, "a", 1, "01")}, {add(11, 20, "a", 1, "01")}, 1), Rules());
}

TEST(Judge, NeedsTheFinalValueOfEachActor) {
  const Verdict none = judge({log_of("one", {add(0, 10, "a", 1)})}, log_of("last", {}));
  ASSERT_EQ(none.problems.size(), 1U);
  EXPECT_EQ(none.problems[0].rule, "final value");
}

}  // namespace
}  // namespace kelpie::contend
