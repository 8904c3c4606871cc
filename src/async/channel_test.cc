#include "async/channel.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"

namespace kelpie::async {
namespace {

Task<void> send_all(Channel<int>& channel, int first, int last, int& sent) {
  for (int value = first; value <= last; ++value) {
    co_await channel.send(value);
    ++sent;
  }
  co_return kOk;
}

Task<void> receive_all(Channel<int>& channel, std::vector<int>& got) {
  while (true) {
    const std::optional<int> value = co_await channel.receive();
    if (!value.has_value()) {
      co_return kOk;
    }
    got.push_back(*value);
  }
}

TEST(Channel, DeliversInTheOrderInWhichValuesCame) {
  ManualLoop loop;
  Channel<int> channel(loop, 2);
  Scope scope(loop, nullptr);
  std::vector<int> got;
  int sent = 0;
  scope.spawn(receive_all(channel, got));
  scope.spawn(send_all(channel, 1, 6, sent));
  loop.run();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3, 4, 5, 6}));
}

TEST(Channel, MakesASenderWaitWhileItIsFull) {
  ManualLoop loop;
  Channel<int> channel(loop, 2);
  Scope scope(loop, nullptr);
  int sent = 0;
  scope.spawn(send_all(channel, 1, 3, sent));
  loop.run();
  EXPECT_EQ(sent, 2);
  EXPECT_EQ(channel.size(), 2U);
  EXPECT_EQ(loop.run(channel.receive()).value(), 1);
  loop.run();
  EXPECT_EQ(sent, 3);
}

TEST(Channel, KeepsSeveralWaitingSendersInOrder) {
  ManualLoop loop;
  Channel<int> channel(loop, 1);
  Scope scope(loop, nullptr);
  int sent = 0;
  for (int value = 1; value <= 4; ++value) {
    scope.spawn(send_all(channel, value, value, sent));
  }
  std::vector<int> got;
  scope.spawn(receive_all(channel, got));
  loop.run();
  EXPECT_EQ(got, (std::vector<int>{1, 2, 3, 4}));
}

TEST(Channel, GivesEachValueToOneReceiverOnly) {
  ManualLoop loop;
  Channel<int> channel(loop, 4);
  Scope scope(loop, nullptr);
  std::vector<int> first;
  std::vector<int> second;
  scope.spawn(receive_all(channel, first));
  scope.spawn(receive_all(channel, second));
  int sent = 0;
  scope.spawn(send_all(channel, 1, 20, sent));
  loop.run();
  EXPECT_EQ(first.size() + second.size(), 20U);
}

TEST(Channel, LosesNothingWhenAWokenReceiverIsDropped) {
  ManualLoop loop;
  Channel<int> channel(loop, 4);
  std::vector<int> dropped;
  std::vector<int> kept;
  Scope stays(loop, nullptr);
  {
    Scope leaves(loop, nullptr);
    leaves.spawn(receive_all(channel, dropped));
    stays.spawn(receive_all(channel, kept));
    ASSERT_TRUE(channel.try_send(7));
  }
  loop.run();
  EXPECT_TRUE(dropped.empty());
  EXPECT_EQ(kept, (std::vector<int>{7}));
}

TEST(Channel, EndsReceiversOnlyOnceItIsClosedAndEmpty) {
  ManualLoop loop;
  Channel<int> channel(loop, 4);
  ASSERT_TRUE(channel.try_send(1));
  channel.close();
  EXPECT_EQ(loop.run(channel.receive()).value(), 1);
  EXPECT_FALSE(loop.run(channel.receive()).value().has_value());
}

TEST(Channel, RefusesValuesOnceClosed) {
  ManualLoop loop;
  Channel<int> channel(loop, 1);
  Scope scope(loop, nullptr);
  ASSERT_TRUE(channel.try_send(1));
  int sent = 0;
  scope.spawn(send_all(channel, 2, 2, sent));
  channel.close();
  loop.run();
  EXPECT_EQ(sent, 0);
  EXPECT_FALSE(channel.try_send(3));
  EXPECT_EQ(loop.run(channel.send(3)).error().code, Code::kCancelled);
}

TEST(Channel, TakesValuesOverItsCapacityFromSendersThatMustNotWait) {
  ManualLoop loop;
  Channel<int> channel(loop, 1);
  for (int value = 0; value < 5; ++value) {
    EXPECT_TRUE(channel.try_send(value));
  }
  EXPECT_EQ(channel.size(), 5U);
}

TEST(Channel, CarriesValuesThatCannotBeCopied) {
  ManualLoop loop;
  Channel<std::unique_ptr<int>> channel(loop, 1);
  EXPECT_TRUE(loop.run(channel.send(std::make_unique<int>(3))).ok());
  auto got = loop.run(channel.receive());
  EXPECT_EQ(**got.value(), 3);
}

}  // namespace
}  // namespace kelpie::async
