#include "real/real_loop.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "async/sleep.h"
#include "real/loop_thread.h"

namespace kelpie::real {
namespace {

Task<int> after(RealLoop& loop, Duration length, int value) {
  co_await async::sleep_for(loop, length);
  co_return value;
}

TEST(RealLoop, RunsPostedWorkInOrderAndNeverInline) {
  RealLoop loop;
  std::string seen;
  loop.post([&] {
    loop.post([&] {
      seen += 'c';
      loop.stop();
    });
    seen += 'a';
  });
  loop.post([&] { seen += 'b'; });
  EXPECT_EQ(seen, "");
  loop.run();
  EXPECT_EQ(seen, "abc");
}

TEST(RealLoop, RunsTimersInOrderOfDueTimeThenOfCreation) {
  RealLoop loop;
  std::string seen;
  const Instant start = loop.now();
  loop.start_timer(start + Duration::millis(2), [&] { seen += 'c'; });
  loop.start_timer(start + Duration::millis(1), [&] { seen += 'a'; });
  loop.start_timer(start + Duration::millis(1), [&] { seen += 'b'; });
  loop.start_timer(start + Duration::millis(2), [&] {
    seen += 'd';
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(seen, "abcd");
}

TEST(RealLoop, NeverFiresATimerEarly) {
  RealLoop loop;
  const Instant start = loop.now();
  EXPECT_EQ(loop.run(after(loop, Duration::micros(2'500), 7)).value(), 7);
  EXPECT_GE(loop.now() - start, Duration::micros(2'500));
}

TEST(RealLoop, ATimerMayCancelAnotherThatIsDueAtTheSameTime) {
  RealLoop loop;
  bool fired = false;
  const Instant due = loop.now();
  async::TimerId second;
  loop.start_timer(due, [&] { loop.cancel_timer(second); });
  second = loop.start_timer(due, [&] { fired = true; });
  loop.start_timer(due, [&] { loop.stop(); });
  loop.run();
  EXPECT_FALSE(fired);
  loop.cancel_timer(second);
}

TEST(RealLoop, ATimerThatRestartsItselfStarvesNobody) {
  RealLoop loop;
  int rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    loop.start_timer(loop.now(), [&] { again(); });
  };
  again();
  loop.post([&] { loop.post([&] { loop.stop(); }); });
  loop.run();
  EXPECT_GE(rounds, 1);
}

TEST(RealLoop, TimeIsFrozenWhileOnePieceOfWorkRuns) {
  RealLoop loop;
  loop.post([&] {
    const Instant before = loop.now();
    const auto real_start = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() == real_start) {
    }
    EXPECT_EQ(loop.now(), before);
    loop.post([&, before] {
      EXPECT_GT(loop.now(), before);
      loop.stop();
    });
  });
  loop.run();
}

TEST(RealLoop, WakesForWorkThatOtherThreadsPost) {
  RealLoop here;
  std::atomic<int> count{0};
  LoopThread other;
  other.start();
  constexpr int kThreads = 4;
  constexpr int kPosts = 2'000;
  std::vector<std::thread> posters;
  for (int i = 0; i < kThreads; ++i) {
    posters.emplace_back([&] {
      for (int j = 0; j < kPosts; ++j) {
        other.loop().post_from_thread([&] {
          if (++count == kThreads * kPosts) {
            here.stop();
          }
        });
      }
    });
  }
  here.run();
  for (std::thread& poster : posters) {
    poster.join();
  }
  EXPECT_EQ(count, kThreads * kPosts);
}

// Long enough that both wait awake for each other, and short of any bound.
TEST(RealLoop, AnswersAnotherLoopThatAsksAgainAtOnce) {
  RealLoop here;
  LoopThread other;
  other.start();
  constexpr int kRounds = 1'000;
  int rounds = 0;
  std::function<void()> ask = [&] {
    other.loop().post_from_thread([&] {
      here.post_from_thread([&] {
        if (++rounds == kRounds) {
          here.stop();
        } else {
          ask();
        }
      });
    });
  };
  here.post([&] { ask(); });
  here.run();
  other.join();
  EXPECT_EQ(rounds, kRounds);
}

TEST(RealLoop, KeepsATimerWhileItWaitsAwake) {
  RealLoop loop;
  LoopThread other;
  other.start();
  Instant due;
  std::function<void()> ask = [&] {
    other.loop().post_from_thread([&] {
      loop.post_from_thread([&] {
        if (due == Instant()) {
          due = loop.now() + Duration::millis(20);
          loop.start_timer(due, [&] { loop.stop(); });
        }
        ask();
      });
    });
  };
  loop.post([&] { ask(); });
  loop.run();
  EXPECT_GE(loop.now(), due);
  other.join();
}

TEST(RealLoop, KeepsTheOrderOfOneForeignThread) {
  RealLoop loop;
  std::vector<int> seen;
  std::thread poster([&] {
    for (int i = 0; i < 1'000; ++i) {
      loop.post_from_thread([&, i] { seen.push_back(i); });
    }
    loop.post_from_thread([&] { loop.stop(); });
  });
  loop.run();
  poster.join();
  ASSERT_EQ(seen.size(), 1'000u);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
}

TEST(RealLoop, RunsWhatIsPendingWithoutWaitingForMore) {
  RealLoop loop;
  std::string seen;
  loop.start_timer(loop.now() + Duration::hours(1), [&] { seen += 't'; });
  std::thread poster([&] { loop.post_from_thread([&] { loop.post([&] { seen += 'c'; }); }); });
  poster.join();
  loop.post([&] { seen += 'a'; });
  loop.stop();
  loop.run_pending();
  EXPECT_EQ(seen, "ac");
  loop.run_pending();
  EXPECT_EQ(seen, "ac");
}

TEST(RealLoop, RunningWhatIsPendingEndsEvenIfWorkPostsItself) {
  RealLoop loop;
  int rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    loop.post([&] { again(); });
  };
  again();
  loop.run_pending();
  EXPECT_GT(rounds, 1);
}

TEST(RealLoop, AStopBeforeRunEndsItAtOnce) {
  RealLoop loop;
  loop.stop();
  loop.run();
  bool ran = false;
  loop.post([&] {
    ran = true;
    loop.stop();
  });
  loop.run();
  EXPECT_TRUE(ran);
}

TEST(RealLoop, DropsWorkThatHasNotRunEvenIfDroppingItPostsMore) {
  auto witness = std::make_shared<int>(0);
  struct PostsWhenDropped {
    RealLoop* loop;
    std::shared_ptr<int> held;
    PostsWhenDropped(RealLoop* l, std::shared_ptr<int> h) : loop(l), held(std::move(h)) {}
    PostsWhenDropped(PostsWhenDropped&& other) noexcept
        : loop(std::exchange(other.loop, nullptr)), held(std::move(other.held)) {}
    ~PostsWhenDropped() {
      if (loop != nullptr) {
        loop->post([keep = held] {});
      }
    }
    void operator()() {}
  };
  {
    RealLoop loop;
    loop.post(PostsWhenDropped(&loop, witness));
    loop.start_timer(loop.now(), PostsWhenDropped(&loop, witness));
    loop.post_from_thread(PostsWhenDropped(&loop, witness));
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace kelpie::real
