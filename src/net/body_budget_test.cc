#include "net/body_budget.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>

namespace kelpie::net {
namespace {

TEST(BodyBudget, SharesGrowUntilTheyHoldAllOfIt) {
  BodyBudget budget(10);
  BodyShare first(budget);
  BodyShare second(budget);
  EXPECT_TRUE(first.grow_to(4));
  EXPECT_TRUE(second.grow_to(6));
  EXPECT_TRUE(second.grow_to(6));
  EXPECT_FALSE(first.grow_to(5));
  EXPECT_EQ(budget.held(), 10U);
  EXPECT_TRUE(budget.has_room(0));
  EXPECT_FALSE(budget.has_room(1));
  EXPECT_FALSE(budget.has_room(UINT64_MAX));
}

TEST(BodyBudget, AShareIsGivenBackOnceReleasedOrDestroyed) {
  BodyBudget budget(10);
  BodyShare first(budget);
  std::optional<BodyShare> second(std::in_place, budget);
  EXPECT_TRUE(first.grow_to(4));
  EXPECT_TRUE(second->grow_to(6));
  first.release();
  first.release();
  EXPECT_EQ(budget.held(), 6U);
  second.reset();
  EXPECT_EQ(budget.held(), 0U);
  EXPECT_TRUE(first.grow_to(10));
}

}  // namespace
}  // namespace kelpie::net
