#include "agent/run_watch.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "async/manual_loop.h"

namespace kelpie::agent {
namespace {

TextDelta text(size_t number) { return {"message-1", std::to_string(number)}; }

TEST(RunWatch, EventsComeInTheOrderInWhichTheyWereTold) {
  async::ManualLoop loop;
  RunWatch watch(loop);
  watch.tell(text(0));
  watch.tell(text(1));
  watch.tell(RunEnded{});
  EXPECT_EQ(std::get<TextDelta>(**loop.run(watch.next())).text, "0");
  EXPECT_EQ(std::get<TextDelta>(**loop.run(watch.next())).text, "1");
  EXPECT_TRUE(std::holds_alternative<RunEnded>(**loop.run(watch.next())));
}

TEST(RunWatch, AReaderMayWaitBeforeAnythingIsTold) {
  async::ManualLoop loop;
  RunWatch watch(loop);
  loop.post([&] { watch.tell(text(5)); });
  EXPECT_EQ(std::get<TextDelta>(**loop.run(watch.next())).text, "5");
}

TEST(RunWatch, ClosingEndsItAfterWhatWasTold) {
  async::ManualLoop loop;
  RunWatch watch(loop);
  watch.tell(text(1));
  watch.close();
  watch.tell(text(2));
  EXPECT_TRUE((*loop.run(watch.next())).has_value());
  EXPECT_FALSE((*loop.run(watch.next())).has_value());
  EXPECT_FALSE((*loop.run(watch.next())).has_value());
}

TEST(RunWatch, ClosingWakesAReaderThatWaits) {
  async::ManualLoop loop;
  RunWatch watch(loop);
  loop.post([&] { watch.close(); });
  EXPECT_FALSE((*loop.run(watch.next())).has_value());
}

TEST(RunWatch, AReaderThatIsTooFarBehindIsCutOffAndNeverSeesTheEnd) {
  async::ManualLoop loop;
  RunWatch watch(loop);
  constexpr size_t kMany = 10'050;
  for (size_t i = 0; i < kMany; ++i) {
    watch.tell(text(i));
  }
  watch.tell(RunEnded{});
  size_t heard = 0;
  for (;;) {
    auto event = loop.run(watch.next());
    ASSERT_TRUE(event.ok());
    if (!event->has_value()) {
      break;
    }
    // No gap in what is heard.
    ASSERT_EQ(std::get<TextDelta>(**event).text, std::to_string(heard));
    ++heard;
  }
  EXPECT_EQ(heard, 10'000U);
}

TEST(RunWatch, AReaderThatKeepsUpHearsEverything) {
  async::ManualLoop loop;
  RunWatch watch(loop);
  for (size_t i = 0; i < 20'000; ++i) {
    watch.tell(text(i));
    ASSERT_EQ(std::get<TextDelta>(**loop.run(watch.next())).text, std::to_string(i));
  }
}

}  // namespace
}  // namespace kelpie::agent
