#include "net/http_client.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "async/scope.h"
#include "async/select.h"
#include "net/http_server.h"
#include "net/testing/handlers.h"
#include "net/testing/test_world.h"
#include "net/testing/tls_peer.h"

namespace kelpie::net {
namespace {

using testing::PipeOptions;

// A server that answers with given bytes: per connection a list of answers, one for each piece it
// reads; then it ends the connection.
class ScriptedServer {
 public:
  ScriptedServer(Loop& loop, world::Listener& listener)
      : listener_(listener), scope_(loop, nullptr) {
    scope_.spawn(accept());
  }
  std::deque<std::vector<std::string>> scripts;
  std::vector<std::string> requests;

 private:
  Task<void> accept() {
    while (true) {
      std::unique_ptr<world::ByteStream> stream = co_await listener_.accept();
      std::vector<std::string> script;
      if (!scripts.empty()) {
        script = std::move(scripts.front());
        scripts.pop_front();
      }
      scope_.spawn(answer(std::move(stream), std::move(script)));
    }
  }
  Task<void> answer(std::unique_ptr<world::ByteStream> stream, std::vector<std::string> script) {
    std::array<char, 4'096> buffer{};
    for (const std::string& bytes : script) {
      const size_t got = co_await stream->read(std::span<char>(buffer));
      requests.emplace_back(buffer.data(), got);
      if (bytes == "silence") {
        co_await stream->read(std::span<char>(buffer));
      } else if (!bytes.empty()) {
        co_await world::write_all(*stream, bytes);
      }
    }
    stream->close();
    co_return kOk;
  }
  world::Listener& listener_;
  Scope scope_;
};

class HttpClientTest : public ::testing::Test {
 protected:
  Result<ClientResponse> send(ClientRequest request) {
    return world.loop.run(client.send(std::move(request)));
  }
  std::string fetch(ClientRequest request) {
    Result<ClientResponse> response = send(std::move(request));
    if (!response.ok()) {
      return response.error().to_string();
    }
    const Result<std::string> body = world.loop.run(read_all(*response->body, 2'000'000));
    return std::to_string(response->status) + " " + (body.ok() ? *body : body.error().to_string());
  }
  void serve() {
    listener = world.loop.run(world.net.listen({.host = "server", .port = 80})).value();
    scope.spawn(server.serve(*listener));
  }
  ScriptedServer& script(std::deque<std::vector<std::string>> scripts) {
    listener = world.loop.run(world.net.listen({.host = "server", .port = 80})).value();
    scripted = std::make_unique<ScriptedServer>(world.loop, *listener);
    scripted->scripts = std::move(scripts);
    return *scripted;
  }

  testing::TestWorld world{PipeOptions{.buffer_bytes_max = 5'000, .read_bytes_max = 777}};
  testing::TestHandler handler{world.loop};
  HttpServer server{world.world, handler, {}};
  HttpClient client{world.world, {}};
  std::unique_ptr<world::Listener> listener;
  std::unique_ptr<ScriptedServer> scripted;
  Scope scope{world.loop, nullptr};
};

const std::string kHi = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";

TEST_F(HttpClientTest, TalksToOurServerOverOneConnection) {
  serve();
  EXPECT_EQ(fetch({.url = "http://server/echo?q=1"}), "200 GET /echo?q=1 ");
  EXPECT_EQ(fetch({.method = "POST", .url = "http://server/echo", .body = "hello"}),
            "200 POST /echo? hello");
  EXPECT_EQ(fetch({.url = "http://server/big"}), "200 " + std::string(1'000'000, 'b'));
  EXPECT_EQ(fetch({.method = "HEAD", .url = "http://server/big"}), "200 ");
  EXPECT_EQ(fetch({.url = "http://server/empty"}), "204 ");
  EXPECT_EQ(fetch({.url = "http://server/fail"}), "500 rejected: it went wrong");
  EXPECT_EQ(world.net.dials(), 1U);
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(HttpClientTest, SendsALargeBody) {
  serve();
  const std::string body(1'500'000, 'x');
  EXPECT_EQ(fetch({.method = "POST", .url = "http://server/echo", .body = body}),
            "200 POST /echo? " + body);
}

TEST_F(HttpClientTest, ReadsAnEarlyRefusalOfALargeBody) {
  HttpServer strict(world.world, handler, {.body_bytes_max = 10});
  listener = world.loop.run(world.net.listen({.host = "server", .port = 80})).value();
  scope.spawn(strict.serve(*listener));
  Result<ClientResponse> response =
      send({.method = "POST", .url = "http://server/echo", .body = std::string(1'500'000, 'x')});
  ASSERT_TRUE(response.ok()) << response.error().message;
  EXPECT_EQ(response->status, 413);
  response->body.reset();
  scope.cancel();
}

TEST_F(HttpClientTest, GivesPiecesOfAStreamAsTheyCome) {
  serve();
  Result<ClientResponse> response = send({.url = "http://server/tap"});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(*find_header(response->headers, "content-type"), "text/plain");
  for (const char* piece : {"one", "two"}) {
    handler.tap.pieces.try_send(piece);
    EXPECT_EQ(world.loop.run(response->body->next()).value(), piece);
  }
  handler.tap.pieces.close();
  EXPECT_EQ(world.loop.run(response->body->next()).value(), std::nullopt);
  EXPECT_EQ(fetch({.url = "http://server/echo"}), "200 GET /echo? ");
  EXPECT_EQ(world.net.dials(), 1U);
}

TEST_F(HttpClientTest, ACutStreamIsAnErrorAndADroppedOneEndsTheServersSource) {
  serve();
  Result<ClientResponse> response = send({.url = "http://server/tap"});
  ASSERT_TRUE(response.ok());
  handler.tap.pieces.try_send(base::unavailable("lost"));
  EXPECT_EQ(world.loop.run(response->body->next()).error().code, Code::kUnavailable);

  response = send({.url = "http://server/tap"});
  ASSERT_TRUE(response.ok());
  world.loop.run_ready();
  EXPECT_EQ(handler.tap.sources, 1);
  response->body.reset();
  handler.tap.pieces.try_send("one");
  world.loop.run_ready();
  EXPECT_EQ(handler.tap.sources, 0);
}

TEST_F(HttpClientTest, UsesAsManyConnectionsAsRequestsAtOnce) {
  serve();
  Result<ClientResponse> first = send({.url = "http://server/tap"});
  Result<ClientResponse> second = send({.url = "http://server/tap"});
  EXPECT_EQ(world.net.dials(), 2U);
  EXPECT_EQ(server.connections(), 2U);
}

TEST_F(HttpClientTest, DoesNotReuseAConnectionThatTheServerClosed) {
  const ScriptedServer& peer = script({{kHi}, {kHi}});
  EXPECT_EQ(fetch({.method = "POST", .url = "http://server/"}), "200 hi");
  world.loop.run_ready();
  EXPECT_EQ(fetch({.method = "POST", .url = "http://server/"}), "200 hi");
  EXPECT_EQ(peer.requests.size(), 2U);
}

TEST_F(HttpClientTest, RepeatsAnIdempotentRequestThatAnIdleConnectionLost) {
  const ScriptedServer& peer = script({{kHi, ""}, {kHi}});
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
  EXPECT_EQ(peer.requests.size(), 3U);
}

TEST_F(HttpClientTest, DoesNotRepeatWhatMayHaveHappened) {
  const ScriptedServer& peer = script({{kHi, ""}, {kHi}});
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
  EXPECT_TRUE(fetch({.method = "POST", .url = "http://server/"}).starts_with("unavailable"));
  EXPECT_EQ(peer.requests.size(), 2U);
}

TEST_F(HttpClientTest, DoesNotRepeatOnAFreshConnectionOrAfterTheFirstByte) {
  const ScriptedServer& fresh = script({{""}, {kHi, "HTTP/1.1 2"}, {kHi}});
  EXPECT_TRUE(fetch({.url = "http://server/"}).starts_with("unavailable"));
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
  EXPECT_TRUE(fetch({.url = "http://server/"}).starts_with("unavailable"));
  EXPECT_EQ(fresh.requests.size(), 3U);
}

TEST_F(HttpClientTest, NoticesABodyThatIsCutShort) {
  script({{"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"},
          {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n"},
          {"HTTP/1.1 200 OK\r\n\r\nhi"}});
  EXPECT_NE(fetch({.url = "http://server/"}).find("unavailable"), std::string::npos);
  EXPECT_NE(fetch({.url = "http://server/"}).find("unavailable"), std::string::npos);
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
}

TEST_F(HttpClientTest, DoesNotReuseAConnectionWithBytesAfterTheResponse) {
  script({{kHi + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", ""}, {kHi}});
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
  EXPECT_EQ(fetch({.url = "http://server/"}), "200 hi");
  EXPECT_EQ(world.net.dials(), 2U);
}

TEST_F(HttpClientTest, GivesUpOnASilentPeer) {
  script({{"silence"}, {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", "silence"}});
  const Instant start = world.loop.now();
  EXPECT_TRUE(fetch({.url = "http://server/", .read_timeout = Duration::seconds(7)})
                  .starts_with("deadline_exceeded"));
  EXPECT_EQ(world.loop.now() - start, Duration::seconds(7));
  EXPECT_NE(fetch({.url = "http://server/", .read_timeout = Duration::seconds(7)})
                .find("deadline_exceeded"),
            std::string::npos);
}

TEST_F(HttpClientTest, RefusesWhatIsNotHttp) {
  script({{"hello\r\n\r\n"}, {"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x')}});
  EXPECT_NE(fetch({.url = "http://server/"}).find("not HTTP/1.1"), std::string::npos);
  EXPECT_NE(fetch({.url = "http://server/"}).find("not HTTP/1.1"), std::string::npos);
}

TEST_F(HttpClientTest, SaysWhatIsWrongWithARequest) {
  EXPECT_EQ(send({.url = "ftp://server/"}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(send({.url = "http://server/", .headers = {{"a", "b\r\nc: d"}}}).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(send({.url = "http://nobody/"}).error().code, Code::kUnavailable);
}

TEST_F(HttpClientTest, ReadAllStopsAtItsLimit) {
  serve();
  Result<ClientResponse> response = send({.url = "http://server/big"});
  ASSERT_TRUE(response.ok());
  EXPECT_EQ(world.loop.run(read_all(*response->body, 999'999)).error().code, Code::kOutOfRange);
}

TEST_F(HttpClientTest, TalksHttpsAndKeepsTheConnection) {
  const std::string path = ::testing::TempDir() + "kelpie_http_client_test_root.pem";
  const testing::TestCertificate certificate("DNS:secure", world.clock.now);
  certificate.write_pem(path);
  HttpClient secure(world.world, {.ca_file = path});
  listener = world.loop.run(world.net.listen({.host = "secure", .port = 443})).value();
  Result<ClientResponse> response = base::internal("not sent");
  Scope clients(world.loop, nullptr);
  std::vector<std::unique_ptr<testing::TlsPeer>> peers;
  clients.spawn([](world::Listener& at, const testing::TestCertificate& with, Scope& running,
                   std::vector<std::unique_ptr<testing::TlsPeer>>& all) -> Task<void> {
    while (true) {
      std::unique_ptr<world::ByteStream> stream = co_await at.accept();
      all.push_back(std::make_unique<testing::TlsPeer>(with, std::move(stream),
                                                       testing::TlsPeerOptions{.answer = kHi}));
      running.spawn(all.back()->run());
    }
  }(*listener, certificate, scope, peers));
  for (int i = 0; i < 3; ++i) {
    response = world.loop.run(secure.send({.url = "https://secure/"}));
    ASSERT_TRUE(response.ok()) << response.error().message;
    EXPECT_EQ(world.loop.run(read_all(*response->body, 100)).value(), "hi");
  }
  EXPECT_EQ(world.net.dials(), 1U);
  // The system's roots do not know it.
  EXPECT_EQ(send({.url = "https://secure/"}).error().code, Code::kUnavailable);
  static_cast<void>(std::remove(path.c_str()));
  response = base::internal("done");
  scope.cancel();
}

}  // namespace
}  // namespace kelpie::net
