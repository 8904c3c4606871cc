#include "world/net.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "async/manual_loop.h"

namespace kelpie::world {
namespace {

TEST(Address, ParsesNamesAndBothKindsOfIp) {
  EXPECT_EQ(parse_address("127.0.0.1:8283").value(), (Address{"127.0.0.1", 8283}));
  EXPECT_EQ(parse_address("localhost:0").value(), (Address{"localhost", 0}));
  EXPECT_EQ(parse_address("[::1]:65535").value(), (Address{"::1", 65535}));
}

TEST(Address, PrintsWhatItParses) {
  for (const std::string text : {"127.0.0.1:8283", "example.test:1", "[::1]:80", "[fe80::1]:443"}) {
    EXPECT_EQ(parse_address(text).value().to_string(), text);
  }
}

TEST(Address, RefusesWhatIsNotHostAndPort) {
  for (const std::string text :
       {"", ":", "localhost", "localhost:", ":80", "localhost:eighty", "localhost:80x",
        "localhost:65536", "localhost:-1", "localhost: 80", "::1:80", "[::1]", "[::1]80", "[]:80",
        "[::1:80"}) {
    const Result<Address> parsed = parse_address(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
    EXPECT_NE(parsed.error().message.find("127.0.0.1:8283"), std::string::npos)
        << "the error shows what was expected";
  }
}

// Takes a few bytes at a time, and breaks after so many writes.
class Trickle final : public ByteStream {
 public:
  explicit Trickle(int writes_left) : writes_left_(writes_left) {}

  Task<size_t> read(std::span<char>) override { co_return size_t{0}; }
  Task<size_t> write(ByteView bytes) override {
    if (writes_left_-- == 0) {
      co_return base::unavailable("broken");
    }
    const size_t taken = std::min<size_t>(bytes.size(), 3);
    got += bytes.substr(0, taken);
    co_return taken;
  }
  void shutdown_write() override {}
  void close() override {}
  [[nodiscard]] std::string peer() const override { return "trickle"; }

  std::string got;

 private:
  int writes_left_;
};

TEST(WriteAll, GoesOnAfterPartialWrites) {
  async::ManualLoop loop;
  Trickle stream(100);
  EXPECT_TRUE(loop.run(write_all(stream, "acknowledged")).ok());
  EXPECT_EQ(stream.got, "acknowledged");
}

TEST(WriteAll, WritesNothingForNoBytes) {
  async::ManualLoop loop;
  Trickle stream(0);
  EXPECT_TRUE(loop.run(write_all(stream, "")).ok());
}

TEST(WriteAll, EndsWithTheErrorOfTheStream) {
  async::ManualLoop loop;
  Trickle stream(2);
  EXPECT_EQ(loop.run(write_all(stream, "acknowledged")).error().code, Code::kUnavailable);
  EXPECT_EQ(stream.got, "acknow");
}

}  // namespace
}  // namespace kelpie::world
