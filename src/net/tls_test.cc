#include "net/tls.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "async/manual_loop.h"
#include "async/scope.h"
#include "net/testing/pipe.h"
#include "net/testing/tls_peer.h"

namespace kelpie::net {
namespace {

using testing::PipeOptions;
using testing::TestCertificate;
using testing::TlsPeer;
using testing::TlsPeerOptions;

constexpr WallTime kNow = WallTime::from_seconds(1'795'208'532);

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    certificate.write_pem(path);
    other.write_pem(other_path);
  }
  ~TlsTest() override {
    static_cast<void>(std::remove(path.c_str()));
    static_cast<void>(std::remove(other_path.c_str()));
  }

  Result<std::unique_ptr<world::ByteStream>> connect(const std::string& ca_file, std::string host,
                                                     WallTime now = kNow) {
    roots = std::make_unique<TlsRoots>(TlsRoots::load(ca_file).value());
    testing::Pipe pipe = testing::make_pipe(loop, pipes);
    peers.push_back(std::make_unique<TlsPeer>(certificate, std::move(pipe.server), options));
    peer = peers.back().get();
    scope.spawn(peer->run());
    return loop.run(tls_connect(loop, *roots, std::move(pipe.client), std::move(host), now));
  }
  // Everything until the end, or what went wrong.
  static Task<std::string> read_to_end(world::ByteStream& stream) {
    std::string all;
    std::array<char, 1'000> buffer{};
    while (true) {
      const size_t got = co_await stream.read(std::span<char>(buffer));
      if (got == 0) {
        co_return std::move(all);
      }
      all.append(buffer.data(), got);
    }
  }
  static Task<std::string> read_exactly(world::ByteStream& stream, size_t size) {
    std::string all(size, '\0');
    size_t have = 0;
    while (have < size) {
      const size_t got = co_await stream.read(std::span<char>(all).subspan(have));
      if (got == 0) {
        co_return base::unavailable("ended");
      }
      have += got;
    }
    co_return std::move(all);
  }
  static Task<void> write_then_end(world::ByteStream& stream, std::string bytes) {
    co_await world::write_all(stream, bytes);
    stream.shutdown_write();
    co_return kOk;
  }

  std::string path = ::testing::TempDir() + "kelpie_tls_test_root.pem";
  std::string other_path = ::testing::TempDir() + "kelpie_tls_test_other.pem";
  async::ManualLoop loop;
  TestCertificate certificate{"DNS:server.test,DNS:*.wild.test,IP:10.0.0.1", kNow};
  TestCertificate other{"DNS:server.test", kNow};
  PipeOptions pipes;
  TlsPeerOptions options;
  std::unique_ptr<TlsRoots> roots;
  std::vector<std::unique_ptr<TlsPeer>> peers;
  TlsPeer* peer = nullptr;  // the last one
  Scope scope{loop, nullptr};
};

TEST_F(TlsTest, CarriesBytesBothWaysAndEnds) {
  auto stream = connect(path, "server.test");
  ASSERT_TRUE(stream.ok()) << stream.error().message;
  ASSERT_TRUE(loop.run(world::write_all(**stream, "hello")).ok());
  EXPECT_EQ(loop.run(read_exactly(**stream, 5)).value(), "hello");
  (*stream)->shutdown_write();
  EXPECT_EQ(loop.run(read_to_end(**stream)).value(), "");
  loop.run_ready();
  EXPECT_TRUE(peer->saw_farewell);
  EXPECT_EQ(peer->server_name, "server.test");
}

TEST_F(TlsTest, ReadsAndWritesMuchAtTheSameTimeOverASmallPipe) {
  pipes = PipeOptions{.buffer_bytes_max = 700, .read_bytes_max = 300, .write_bytes_max = 110};
  auto stream = connect(path, "server.test");
  ASSERT_TRUE(stream.ok());
  std::string bytes;
  for (int i = 0; i < 60'000; ++i) {
    bytes += std::to_string(i) + " ";
  }
  scope.spawn(write_then_end(**stream, bytes));
  EXPECT_EQ(loop.run(read_to_end(**stream)).value(), bytes);
}

TEST_F(TlsTest, AnswersANewKeyWhileItReads) {
  auto stream = connect(path, "server.test");
  ASSERT_TRUE(stream.ok());
  for (int i = 0; i < 3; ++i) {
    peer->ask_for_new_keys();
    ASSERT_TRUE(loop.run(world::write_all(**stream, "hello")).ok());
    EXPECT_EQ(loop.run(read_exactly(**stream, 5)).value(), "hello");
  }
}

TEST_F(TlsTest, RefusesARootThatIsNotTrusted) {
  for (const std::string& roots_file : {other_path, std::string()}) {
    const auto stream = connect(roots_file, "server.test");
    ASSERT_FALSE(stream.ok());
    EXPECT_EQ(stream.error().code, Code::kUnavailable);
    EXPECT_NE(stream.error().message.find("certificate is not trusted"), std::string::npos)
        << stream.error().message;
  }
}

TEST_F(TlsTest, RefusesACertificateForAnotherHost) {
  for (const char* host : {"evil.test", "a.server.test", "10.0.0.2", "::1", "a.b.wild.test"}) {
    EXPECT_FALSE(connect(path, host).ok()) << host;
  }
  for (const char* host : {"server.test", "SERVER.test", "10.0.0.1", "a.wild.test"}) {
    EXPECT_TRUE(connect(path, host).ok()) << host;
  }
}

TEST_F(TlsTest, RefusesACertificateOutsideItsDates) {
  EXPECT_FALSE(connect(path, "server.test", kNow + Duration::hours(48)).ok());
  EXPECT_FALSE(connect(path, "server.test", kNow + Duration::hours(-48)).ok());
}

TEST_F(TlsTest, AnEndWithoutFarewellIsAnError) {
  options = TlsPeerOptions{.answer = "cut", .answers_max = 1, .farewell = false};
  auto stream = connect(path, "server.test");
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(loop.run(world::write_all(**stream, "x")).ok());
  EXPECT_EQ(loop.run(read_exactly(**stream, 3)).value(), "cut");
  EXPECT_EQ(loop.run(read_to_end(**stream)).error().code, Code::kUnavailable);
}

TEST_F(TlsTest, ARecordThatSomeoneForgedIsAnErrorAndNoEnd) {
  options = TlsPeerOptions{.answer = "cut", .answers_max = 1, .farewell = false};
  options.raw_end = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'f');
  auto stream = connect(path, "server.test");
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE(loop.run(world::write_all(**stream, "x")).ok());
  EXPECT_EQ(loop.run(read_exactly(**stream, 3)).value(), "cut");
  const Result<std::string> rest = loop.run(read_to_end(**stream));
  ASSERT_FALSE(rest.ok());
  EXPECT_TRUE(rest.error().message.starts_with("TLS: ")) << rest.error().message;
}

TEST_F(TlsTest, APeerThatDoesNotSpeakTlsIsAnError) {
  roots = std::make_unique<TlsRoots>(TlsRoots::load(path).value());
  for (const char* bytes : {"HTTP/1.1 400 Bad Request\r\n\r\n", ""}) {
    testing::Pipe pipe = testing::make_pipe(loop);
    ASSERT_TRUE(loop.run(write_then_end(*pipe.server, bytes)).ok());
    const auto stream =
        loop.run(tls_connect(loop, *roots, std::move(pipe.client), "server.test", kNow));
    EXPECT_EQ(stream.error().code, Code::kUnavailable);
  }
}

TEST_F(TlsTest, TrustsTheCertificatesOfAPemText) {
  roots = std::make_unique<TlsRoots>(TlsRoots::parse("A comment.\n" + read_file(path)).value());
  testing::Pipe pipe = testing::make_pipe(loop, pipes);
  peers.push_back(std::make_unique<TlsPeer>(certificate, std::move(pipe.server), options));
  scope.spawn(peers.back()->run());
  EXPECT_TRUE(
      loop.run(tls_connect(loop, *roots, std::move(pipe.client), "server.test", kNow)).ok());
}

TEST_F(TlsTest, TrustsNobodyElseThanThePemText) {
  roots = std::make_unique<TlsRoots>(TlsRoots::parse(read_file(other_path)).value());
  testing::Pipe pipe = testing::make_pipe(loop, pipes);
  peers.push_back(std::make_unique<TlsPeer>(certificate, std::move(pipe.server), options));
  scope.spawn(peers.back()->run());
  EXPECT_EQ(
      loop.run(tls_connect(loop, *roots, std::move(pipe.client), "server.test", kNow)).error().code,
      Code::kUnavailable);
}

TEST_F(TlsTest, RefusesAPemTextThatIsNoneOrDamaged) {
  const std::string good = read_file(path);
  std::string damaged = good;
  damaged[damaged.size() / 2] = '*';
  for (const std::string& pem :
       {std::string(), std::string("no certificate"), damaged, good + damaged}) {
    EXPECT_EQ(TlsRoots::parse(pem).error().code, Code::kInvalidArgument);
  }
}

TEST_F(TlsTest, RefusesARootsFileThatIsNone) {
  EXPECT_EQ(TlsRoots::load("/nonexistent.pem").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace kelpie::net
