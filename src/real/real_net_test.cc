#include "real/real_net.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "async/scope.h"
#include "async/select.h"
#include "async/sleep.h"
#include "real/process.h"
#include "real/real_log.h"

namespace kelpie::real {
namespace {

using world::Address;
using world::ByteStream;
using world::Listener;

struct Pair {
  std::unique_ptr<ByteStream> client;
  std::unique_ptr<ByteStream> server;
};

class RealNetTest : public testing::Test {
 protected:
  void SetUp() override { ignore_broken_pipes(); }

  std::unique_ptr<Listener> listen(const std::string& host) {
    auto listener = loop_.run(net_.listen(Address{host, 0}));
    return listener.ok() ? std::move(listener).value() : nullptr;
  }

  // The kernel completes the handshake before `accept`, so one after the other will do.
  Pair connect() {
    auto listener = listen("127.0.0.1");
    Pair pair;
    pair.client = loop_.run(net_.dial(listener->address())).value();
    pair.server = loop_.run(listener->accept()).value();
    return pair;
  }

  RealLoop loop_;
  RealLog log_{LogOptions{.level = world::LogLevel::kError}};
  RealNet net_{loop_, log_};
};

Task<std::string> read_all(ByteStream& stream) {
  std::string all;
  std::array<char, 1000> buffer;
  for (;;) {
    const size_t count = co_await stream.read(buffer);
    if (count == 0) {
      co_return all;
    }
    all.append(buffer.data(), count);
  }
}

Task<void> write_and_end(ByteStream& stream, const std::string& text) {
  co_await world::write_all(stream, text);
  stream.shutdown_write();
  co_return kOk;
}

Task<void> echo(ByteStream& stream) {
  std::array<char, 64 * 1024> buffer;
  for (;;) {
    const size_t count = co_await stream.read(buffer);
    if (count == 0) {
      stream.shutdown_write();
      co_return kOk;
    }
    co_await world::write_all(stream, ByteView(buffer.data(), count));
  }
}

TEST_F(RealNetTest, CarriesMoreThanTheSocketBuffersHoldInBothDirectionsAtOnce) {
  Pair pair = connect();
  std::string text(8'000'000, 'x');
  for (size_t i = 0; i < text.size(); i += 7) {
    text[i] = static_cast<char>('a' + i % 26);
  }
  Scope scope(loop_, [](const Error& error) { ADD_FAILURE() << error.to_string(); });
  scope.spawn(echo(*pair.server));
  scope.spawn(write_and_end(*pair.client, text));
  const auto back = loop_.run(read_all(*pair.client));
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_TRUE(*back == text);
}

TEST_F(RealNetTest, ListensAndDialsOverIpv6) {
  auto listener = listen("::1");
  if (listener == nullptr) {
    GTEST_SKIP() << "this machine has no IPv6 loopback";
  }
  EXPECT_TRUE(listener->address().to_string().starts_with("[::1]:"));
  auto client = loop_.run(net_.dial(listener->address()));
  ASSERT_TRUE(client.ok()) << client.error().to_string();
  EXPECT_EQ((*client)->peer(), listener->address().to_string());
}

TEST_F(RealNetTest, ResolvesNames) {
  auto listener = listen("127.0.0.1");
  auto client = loop_.run(net_.dial(Address{"localhost", listener->address().port}));
  ASSERT_TRUE(client.ok()) << client.error().to_string();
}

TEST_F(RealNetTest, ANameThatDoesNotExistIsUnavailable) {
  const auto stream = loop_.run(net_.dial(Address{"no-such-host.invalid", 1}));
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().code, Code::kUnavailable);
  EXPECT_NE(stream.error().message.find("no-such-host.invalid"), std::string::npos);
}

TEST_F(RealNetTest, APortThatNobodyListensOnIsUnavailable) {
  Address gone;
  {
    gone = listen("127.0.0.1")->address();
  }
  const auto stream = loop_.run(net_.dial(gone));
  ASSERT_FALSE(stream.ok());
  EXPECT_EQ(stream.error().code, Code::kUnavailable);
  EXPECT_NE(stream.error().message.find(gone.to_string()), std::string::npos);
}

TEST_F(RealNetTest, APortInUseIsAnErrorThatNamesIt) {
  auto listener = listen("127.0.0.1");
  const auto second = loop_.run(net_.listen(listener->address()));
  ASSERT_FALSE(second.ok());
  EXPECT_NE(second.error().message.find(listener->address().to_string()), std::string::npos);
}

TEST_F(RealNetTest, HalfACloseEndsOneDirectionOnly) {
  Pair pair = connect();
  pair.client->shutdown_write();
  EXPECT_EQ(loop_.run(read_all(*pair.server)).value(), "");
  ASSERT_TRUE(loop_.run(write_and_end(*pair.server, "late")).ok());
  EXPECT_EQ(loop_.run(read_all(*pair.client)).value(), "late");
}

Task<void> write_until_it_fails(ByteStream& stream) {
  const std::string text(100'000, 'x');
  for (;;) {
    co_await world::write_all(stream, text);
  }
}

TEST_F(RealNetTest, WritingToAPeerThatIsGoneIsUnavailable) {
  Pair pair = connect();
  pair.server.reset();
  const auto result = loop_.run(write_until_it_fails(*pair.client));
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Code::kUnavailable);
}

TEST_F(RealNetTest, CloseEndsAPendingReadAndAPendingAcceptWithAnError) {
  auto listener = listen("127.0.0.1");
  Pair pair = connect();
  loop_.start_timer(loop_.now() + Duration::millis(1), [&] {
    pair.client->close();
    listener->close();
  });
  EXPECT_EQ(loop_.run(read_all(*pair.client)).error().code, Code::kCancelled);
  EXPECT_EQ(loop_.run(listener->accept()).error().code, Code::kCancelled);
}

// The task's buffer is gone when the bytes arrive; the address sanitizer would see a write to it.
TEST_F(RealNetTest, ADroppedReadTouchesItsBufferNoMore) {
  Pair pair = connect();
  for (int i = 0; i < 3; ++i) {
    const auto result =
        loop_.run(async::timeout(loop_, Duration::millis(1), read_all(*pair.client)));
    EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  }
  ASSERT_TRUE(loop_.run(write_and_end(*pair.server, "all of it")).ok());
  EXPECT_EQ(loop_.run(read_all(*pair.client)).value(), "all of it");
}

TEST_F(RealNetTest, ADroppedWriteTouchesItsBytesNoMore) {
  Pair pair = connect();
  const auto result =
      loop_.run(async::timeout(loop_, Duration::millis(5), write_until_it_fails(*pair.client)));
  EXPECT_EQ(result.error().code, Code::kDeadlineExceeded);
  pair.client->shutdown_write();
  EXPECT_GT(loop_.run(read_all(*pair.server)).value().size(), 0u);
}

TEST_F(RealNetTest, ADroppedDialLeavesNothingBehind) {
  // 192.0.2.0/24 is for documentation: nobody answers, or the network says so at once.
  const auto result =
      loop_.run(async::timeout(loop_, Duration::millis(1), net_.dial(Address{"192.0.2.1", 9})));
  EXPECT_FALSE(result.ok());
  const auto name = loop_.run(
      async::timeout(loop_, Duration::nanos(1), net_.dial(Address{"no-such-host.invalid", 9})));
  EXPECT_FALSE(name.ok());
}

Task<void> read_forever(ByteStream& stream, size_t& total) {
  std::array<char, 16> buffer;
  for (;;) {
    total += co_await stream.read(buffer);
  }
}

TEST_F(RealNetTest, APeerThatIsAlwaysReadyDoesNotKeepTheLoop) {
  Pair pair = connect();
  ASSERT_TRUE(
      loop_.run(async::timeout(loop_, Duration::millis(5), write_until_it_fails(*pair.server)))
          .error()
          .code == Code::kDeadlineExceeded);
  size_t total = 0;
  bool others_ran = false;
  size_t read_before = 0;
  Scope scope(loop_, [](const Error&) {});
  scope.spawn(read_forever(*pair.client, total));
  loop_.post([&] {
    others_ran = true;
    read_before = total;
    loop_.stop();
  });
  loop_.run();
  EXPECT_TRUE(others_ran);
  EXPECT_LT(read_before, 100'000u);
}

}  // namespace
}  // namespace kelpie::real
