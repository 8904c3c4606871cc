#include "sim/links.h"

#include <gtest/gtest.h>

#include <string>

namespace kelpie::sim {
namespace {

TEST(Links, WhatIsSentOverACutLinkArrivesInOrderWhenItIsMended) {
  Links links;
  std::string arrived;
  links.cut("a", "b");
  links.pass("a", "b", [&] { arrived += "1"; });
  links.pass("b", "a", [&] { arrived += "back"; });
  links.pass("a", "b", [&] { arrived += "2"; });
  EXPECT_EQ(arrived, "back");
  links.mend("a", "b");
  EXPECT_EQ(arrived, "back12");
  links.pass("a", "b", [&] { arrived += "3"; });
  EXPECT_EQ(arrived, "back123");
}

TEST(Links, ALinkThatIsCutTwiceKeepsWhatWaits) {
  Links links;
  int arrived = 0;
  links.cut("a", "b");
  links.pass("a", "b", [&] { ++arrived; });
  links.cut("a", "b");
  links.cut("c", "d");
  links.mend_all();
  EXPECT_EQ(arrived, 1);
  EXPECT_EQ(links.cuts(), 0u);
}

TEST(Links, ASlowPairIsSlowInBothDirections) {
  Links links;
  links.slow_down("a", "b", Duration::millis(7));
  EXPECT_EQ(links.slowness("a", "b"), Duration::millis(7));
  EXPECT_EQ(links.slowness("b", "a"), Duration::millis(7));
  EXPECT_EQ(links.slowness("a", "c"), Duration());
}

}  // namespace
}  // namespace kelpie::sim
