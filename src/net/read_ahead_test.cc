#include "net/read_ahead.h"

#include <gtest/gtest.h>

#include <string>

#include "async/manual_loop.h"
#include "async/select.h"
#include "net/testing/pipe.h"

namespace kelpie::net {
namespace {

class ReadAheadTest : public ::testing::Test {
 protected:
  void send(std::string bytes) {
    EXPECT_TRUE(loop.run(world::write_all(*pipe.server, bytes)).ok());
    loop.run_ready();
  }
  std::string take() {
    std::string bytes(input.buffered());
    input.consume(bytes.size());
    return bytes;
  }

  async::ManualLoop loop;
  testing::Pipe pipe = testing::make_pipe(loop, {.buffer_bytes_max = 200'000});
  ReadAhead input{loop, std::move(pipe.client)};
};

TEST_F(ReadAheadTest, AWaitThatIsDroppedLosesNothing) {
  const Result<void> waited =
      loop.run(async::timeout(loop, Duration::seconds(1), input.readable()));
  EXPECT_EQ(waited.error().code, Code::kDeadlineExceeded);
  send("abc");
  EXPECT_TRUE(loop.run(input.readable()).ok());
  EXPECT_EQ(take(), "abc");
}

TEST_F(ReadAheadTest, StopsReadingWhileTheBufferIsFull) {
  send(std::string(150'000, 'x'));
  const size_t held = input.buffered().size();
  EXPECT_GE(held, ReadAhead::kBufferBytesMax);
  EXPECT_LT(held, ReadAhead::kBufferBytesMax + 10'000);
  size_t total = take().size();
  while (total < 150'000) {
    ASSERT_TRUE(loop.run(input.readable()).ok());
    total += take().size();
  }
  EXPECT_EQ(total, 150'000U);
}

TEST_F(ReadAheadTest, AnEndIsNotABreak) {
  send("abc");
  pipe.server->shutdown_write();
  loop.run_ready();
  EXPECT_TRUE(input.ended());
  EXPECT_FALSE(input.broken());
  EXPECT_EQ(take(), "abc");
  EXPECT_TRUE(loop.run(input.readable()).ok());
  EXPECT_TRUE(loop.run(input.until_ended()).ok());
}

TEST_F(ReadAheadTest, NoticesABreakWhileNobodyReads) {
  EXPECT_TRUE(loop.run(world::write_all(input.stream(), "unread")).ok());
  pipe.server->close();
  EXPECT_TRUE(loop.run(input.until_broken()).ok());
  EXPECT_TRUE(input.broken());
  EXPECT_TRUE(input.ended());
}

TEST_F(ReadAheadTest, DiscardsUntilTheEnd) {
  send(std::string(100'000, 'x'));
  input.discard();
  send(std::string(150'000, 'y'));
  pipe.server->shutdown_write();
  EXPECT_TRUE(loop.run(input.until_ended()).ok());
  EXPECT_TRUE(input.buffered().empty());
}

}  // namespace
}  // namespace kelpie::net
