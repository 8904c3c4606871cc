#include "async/deadline.h"

#include <gtest/gtest.h>

#include <vector>

#include "async/manual_loop.h"

namespace kelpie::async {
namespace {

constexpr Duration kSecond = Duration::seconds(1);

class DeadlineTest : public ::testing::Test {
 protected:
  Instant after(int seconds) const { return start_ + kSecond * seconds; }

  ManualLoop loop_;
  const Instant start_ = loop_.now();
  std::vector<Instant> passed_;
  std::optional<Deadline> deadline_{std::in_place, loop_,
                                    [this] { passed_.push_back(loop_.now()); }};
};

TEST_F(DeadlineTest, PassesOnceAtItsTime) {
  deadline_->set(after(2));
  loop_.run();
  EXPECT_EQ(passed_, std::vector{after(2)});
}

TEST_F(DeadlineTest, PassesAtTheLastTimeThatItWasMovedTo) {
  deadline_->set(after(2));
  deadline_->set(after(5));
  deadline_->set(after(3));
  loop_.run();
  EXPECT_EQ(passed_, std::vector{after(3)});
}

TEST_F(DeadlineTest, PassesEarlierIfItWasMovedBack) {
  deadline_->set(after(5));
  deadline_->set(after(1));
  loop_.run();
  EXPECT_EQ(passed_, std::vector{after(1)});
}

TEST_F(DeadlineTest, StartsOneTimerHoweverOftenItIsMoved) {
  deadline_->set(after(2));
  for (int i = 3; i < 1'000; ++i) {
    deadline_->set(after(i));
  }
  EXPECT_TRUE(loop_.step());
  EXPECT_EQ(loop_.now(), after(2));
  EXPECT_TRUE(loop_.step());
  EXPECT_EQ(passed_, std::vector{after(999)});
  EXPECT_FALSE(loop_.step());
}

TEST_F(DeadlineTest, DoesNotPassOnceItIsCleared) {
  deadline_->set(after(2));
  deadline_->clear();
  loop_.run();
  EXPECT_TRUE(passed_.empty());
  deadline_->set(after(9));
  loop_.run();
  EXPECT_EQ(passed_, std::vector{after(9)});
}

TEST_F(DeadlineTest, LeavesNoTimerBehindWhenItIsDestroyed) {
  deadline_->set(after(2));
  deadline_.reset();
  EXPECT_FALSE(loop_.step());
  EXPECT_TRUE(passed_.empty());
}

}  // namespace
}  // namespace kelpie::async
