#include "sim/model/breadth_first.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

// A counter that may go up by one or double, up to a bound; some number may be forbidden.
struct Counter {
  struct Action {
    bool doubles;
    [[nodiscard]] std::string_view name() const { return doubles ? "double" : "add one"; }
    [[nodiscard]] std::string to_string() const { return std::string(name()); }
  };
  int value = 1;
  int max = 0;
  int forbidden = 0;
  std::string wanted = "double";
  int witness = 2;

  [[nodiscard]] std::vector<Action> enabled_actions() const {
    return value < max ? std::vector<Action>{{false}, {true}} : std::vector<Action>();
  }
  void apply(const Action& action) { value = action.doubles ? value * 2 : value + 1; }
  [[nodiscard]] std::optional<std::string> invariant() const {
    return value == forbidden ? std::optional<std::string>("forbidden") : std::nullopt;
  }
  [[nodiscard]] Bytes encode() const { return std::to_string(value); }
  [[nodiscard]] std::vector<std::string_view> action_names() const { return {"add one", wanted}; }
  [[nodiscard]] std::vector<Witness<Counter>> witnesses() const {
    return {{"the number", [](const Counter& before, const Action&, const Counter& after) {
               return after.value == before.witness;
             }}};
  }
};

TEST(BreadthFirst, VisitsEachStateOnce) {
  const ModelCheck result = check_breadth_first(Counter{.max = 8}, 100);
  EXPECT_EQ(result.verdict, ModelCheck::Verdict::kHolds) << result.to_string();
  EXPECT_EQ(result.states, 11U);  // 1 to 8, and 10, 12, 14
  EXPECT_EQ(result.transitions, 14U);
  EXPECT_EQ(result.reached, std::vector<std::string>{"the number"});
}

TEST(BreadthFirst, ShowsTheShortestWayToAViolation) {
  const ModelCheck result = check_breadth_first(Counter{.max = 8, .forbidden = 6}, 100);
  EXPECT_EQ(result.verdict, ModelCheck::Verdict::kViolated);
  EXPECT_EQ(result.violation, "forbidden");
  EXPECT_EQ(result.trace, (std::vector<std::string>{"add one", "add one", "double"}));
  EXPECT_NE(result.to_string().find("\n  3. double"), std::string::npos);
}

TEST(BreadthFirst, AViolationInTheFirstStateNeedsNoStep) {
  const ModelCheck result = check_breadth_first(Counter{.max = 8, .forbidden = 1}, 100);
  EXPECT_EQ(result.verdict, ModelCheck::Verdict::kViolated);
  EXPECT_TRUE(result.trace.empty());
}

TEST(BreadthFirst, AWitnessThatIsNeverSeenFailsTheCheck) {
  const ModelCheck result = check_breadth_first(Counter{.max = 8, .witness = 9}, 100);
  EXPECT_EQ(result.verdict, ModelCheck::Verdict::kUnreached);
  EXPECT_EQ(result.missing, std::vector<std::string>{"never seen: the number"});
}

TEST(BreadthFirst, AStepThatIsNeverTakenFailsTheCheck) {
  const ModelCheck result = check_breadth_first(Counter{.max = 8, .wanted = "halve"}, 100);
  EXPECT_EQ(result.verdict, ModelCheck::Verdict::kUnreached);
  EXPECT_EQ(result.missing, std::vector<std::string>{"step never taken: halve"});
}

TEST(BreadthFirst, MoreStatesThanAllowedProveNothing) {
  const ModelCheck result = check_breadth_first(Counter{.max = 8}, 5);
  EXPECT_EQ(result.verdict, ModelCheck::Verdict::kBoundReached);
}

}  // namespace
}  // namespace kelpie::sim
