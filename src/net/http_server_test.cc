#include "net/http_server.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "async/select.h"
#include "net/read_ahead.h"
#include "net/testing/handlers.h"
#include "net/testing/test_world.h"

namespace kelpie::net {
namespace {

using testing::PipeOptions;

const world::Address kAddress{.host = "server", .port = 80};

// A client that speaks bytes. What it sends leaves when the loop runs.
class RawClient {
 public:
  RawClient(async::ManualLoop& loop, std::unique_ptr<world::ByteStream> stream)
      : loop_(loop), input_(std::make_unique<ReadAhead>(loop, std::move(stream))) {}

  // Ends when the server has taken it all.
  Task<void> write(std::string bytes) {
    co_await world::write_all(input_->stream(), bytes);
    co_return kOk;
  }
  void send(std::string bytes) { EXPECT_TRUE(loop_.run(write(std::move(bytes))).ok()); }
  void half_close() { input_->stream().shutdown_write(); }
  void disconnect() { input_.reset(); }

  // What has come by now, without moving time.
  std::string take() {
    std::string bytes;
    do {
      bytes.append(input_->buffered());
      input_->consume(input_->buffered().size());
      loop_.run_ready();
    } while (!input_->buffered().empty());
    return bytes;
  }
  // Everything until the server ends the connection, however long that takes.
  std::string read_to_end() {
    std::string bytes;
    while (!input_->ended() || !input_->buffered().empty()) {
      EXPECT_TRUE(loop_.run(input_->readable()).ok());
      bytes.append(input_->buffered());
      input_->consume(input_->buffered().size());
    }
    return bytes;
  }
  [[nodiscard]] bool ended() const { return input_->ended(); }
  [[nodiscard]] bool broken() const { return input_->broken(); }

 private:
  async::ManualLoop& loop_;
  std::unique_ptr<ReadAhead> input_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  HttpServerTest() { start({}); }

  void start(HttpServerOptions options, PipeOptions pipes = {}) {
    scope.reset();
    server.reset();
    listener.reset();
    net = std::make_unique<testing::PipeNet>(world.loop, pipes);
    server = std::make_unique<HttpServer>(world.world, handler, options);
    scope = std::make_unique<Scope>(world.loop, nullptr);
    listener = world.loop.run(net->listen(kAddress)).value();
    scope->spawn(server->serve(*listener));
  }
  RawClient connect() { return {world.loop, world.loop.run(net->dial(kAddress)).value()}; }
  void advance(Duration length) {
    ASSERT_TRUE(world.loop.run(async::sleep_task(world.loop, length)).ok());
    world.loop.run_ready();
  }

  testing::TestWorld world;
  testing::TestHandler handler{world.loop};
  std::unique_ptr<testing::PipeNet> net;
  std::unique_ptr<HttpServer> server;
  std::unique_ptr<world::Listener> listener;
  std::unique_ptr<Scope> scope;
};

const std::string kDate = "date: Fri, 20 Nov 2026 21:02:12 GMT\r\n";

std::string reply(std::string body, std::string more = "") {
  return "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n" + kDate +
         "content-length: " + std::to_string(body.size()) + "\r\n" + more + "\r\n" + body;
}

int status_of(const std::string& bytes) {
  return bytes.starts_with("HTTP/1.1 ") ? std::stoi(bytes.substr(9, 3)) : 0;
}

TEST_F(HttpServerTest, AnswersRequestsOnOneConnection) {
  RawClient client = connect();
  client.send("GET /echo?a=1 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.take(), reply("GET /echo?a=1 "));
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.take(), reply("POST /echo? hi"));
  EXPECT_EQ(server->connections(), 1U);
  EXPECT_FALSE(client.ended());
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  RawClient client = connect();
  client.send(
      "GET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(client.take(), "");
  handler.gate.set();
  EXPECT_EQ(client.take(), reply("waited") + reply("GET /echo? ") + reply("POST /echo? x"));
}

TEST_F(HttpServerTest, ReadsAndWritesInPiecesOfOneByte) {
  start({}, PipeOptions{.buffer_bytes_max = 3, .read_bytes_max = 1, .write_bytes_max = 2});
  RawClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.take(), reply("POST /echo? hi"));
}

TEST_F(HttpServerTest, ClosesWhenTheClientAsksForIt) {
  RawClient client = connect();
  client.send("GET /echo HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(client.read_to_end(), reply("GET /echo? ", "connection: close\r\n"));
  RawClient old = connect();
  old.send("GET /echo HTTP/1.0\r\n\r\n");
  EXPECT_EQ(old.read_to_end(), reply("GET /echo? ", "connection: close\r\n"));
  EXPECT_FALSE(old.broken());
}

TEST_F(HttpServerTest, KeepsAnOldConnectionWhenAsked) {
  RawClient client = connect();
  client.send("GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_EQ(client.take(), reply("GET /echo? ", "connection: keep-alive\r\n"));
  EXPECT_FALSE(client.ended());
}

TEST_F(HttpServerTest, AHeadResponseHasNoBody) {
  RawClient client = connect();
  client.send("HEAD /echo HTTP/1.1\r\nHost: h\r\n\r\nHEAD /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string bytes = client.take();
  EXPECT_NE(bytes.find("content-length: 12\r\n\r\nHTTP/1.1 200"), std::string::npos) << bytes;
  EXPECT_TRUE(bytes.ends_with("transfer-encoding: chunked\r\n\r\n")) << bytes;
  EXPECT_EQ(handler.tap.sources, 0);
  client.send("GET /empty HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.take(),
            "HTTP/1.1 204 No Content\r\ncontent-type: text/plain\r\n" + kDate + "\r\n");
}

TEST_F(HttpServerTest, StreamsPiecesAsTheyCome) {
  RawClient client = connect();
  client.send("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.take().ends_with("transfer-encoding: chunked\r\n\r\n"));
  handler.tap.pieces.try_send("one");
  EXPECT_EQ(client.take(), "3\r\none\r\n");
  handler.tap.pieces.try_send("");
  EXPECT_EQ(client.take(), "");
  handler.tap.pieces.try_send("two");
  EXPECT_EQ(client.take(), "3\r\ntwo\r\n");
  handler.tap.pieces.close();
  EXPECT_EQ(client.take(), "0\r\n\r\n");
  EXPECT_EQ(handler.tap.sources, 0);
  client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.take(), reply("GET /echo? "));
}

TEST_F(HttpServerTest, AnOldClientsStreamEndsWithTheConnection) {
  RawClient client = connect();
  client.send("GET /tap HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  handler.tap.pieces.try_send("one");
  handler.tap.pieces.close();
  const std::string bytes = client.read_to_end();
  EXPECT_TRUE(bytes.ends_with("connection: close\r\n\r\none")) << bytes;
}

TEST_F(HttpServerTest, AStreamThatFailsIsCutWithoutItsEnd) {
  RawClient client = connect();
  client.send("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  handler.tap.pieces.try_send("one");
  handler.tap.pieces.try_send(base::unavailable("lost"));
  const std::string bytes = client.read_to_end();
  EXPECT_TRUE(bytes.ends_with("\r\n\r\n3\r\none\r\n")) << bytes;
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerTest, AStreamIsPulledOnlyAsFastAsThePeerReads) {
  start({}, PipeOptions{.buffer_bytes_max = 1'000});
  auto stream = world.loop.run(net->dial(kAddress)).value();
  const std::string request = "GET /tap HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_TRUE(world.loop.run(world::write_all(*stream, request)).ok());
  for (int i = 0; i < 100; ++i) {
    handler.tap.pieces.try_send(std::string(500, 'x'));
  }
  world.loop.run_ready();
  EXPECT_GE(handler.tap.pieces.size(), 97U);
}

TEST_F(HttpServerTest, DropsTheStreamOfAPeerThatWentAway) {
  RawClient client = connect();
  client.send("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  world.loop.run_ready();
  EXPECT_EQ(handler.tap.sources, 1);
  client.disconnect();
  handler.tap.pieces.try_send("one");
  world.loop.run_ready();
  EXPECT_EQ(handler.tap.sources, 0);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerTest, DropsTheStreamOfABrokenConnectionWhileItIsQuiet) {
  auto stream = world.loop.run(net->dial(kAddress)).value();
  const std::string request = "GET /tap HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_TRUE(world.loop.run(world::write_all(*stream, request)).ok());
  world.loop.run_ready();
  EXPECT_EQ(handler.tap.sources, 1);
  // The response's head is unread, so this is a reset.
  stream.reset();
  world.loop.run_ready();
  EXPECT_EQ(handler.tap.sources, 0);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerTest, AHalfClosedPeerGetsItsAnswer) {
  RawClient client = connect();
  client.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  client.half_close();
  world.loop.run_ready();
  handler.gate.set();
  EXPECT_EQ(client.read_to_end(), reply("waited") + reply("GET /echo? "));
  RawClient streaming = connect();
  streaming.send("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  streaming.half_close();
  world.loop.run_ready();
  handler.tap.pieces.try_send("one");
  handler.tap.pieces.close();
  EXPECT_TRUE(streaming.read_to_end().ends_with("3\r\none\r\n0\r\n\r\n"));
}

TEST_F(HttpServerTest, RefusesAHeaderBomb) {
  start({.header_bytes_max = 500});
  RawClient client = connect();
  static_cast<void>(world.loop.run(client.write("GET / HTTP/1.1\r\n" + std::string(200'000, 'x'))));
  const std::string bytes = client.read_to_end();
  EXPECT_EQ(status_of(bytes), 431) << bytes;
  EXPECT_NE(bytes.find("connection: close\r\n"), std::string::npos);
  EXPECT_NE(bytes.find("rejected: "), std::string::npos);
}

TEST_F(HttpServerTest, RefusesAnOversizedBodyAndItsSenderCanReadThat) {
  start({.body_bytes_max = 1'000});
  for (const char* framing :
       {"Content-Length: 3000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n2dc6c0\r\n"}) {
    RawClient client = connect();
    client.send("POST /echo HTTP/1.1\r\nHost: h\r\n" + std::string(framing) +
                std::string(3'000'000, 'x'));
    EXPECT_EQ(status_of(client.read_to_end()), 413);
    EXPECT_FALSE(client.broken());
  }
  EXPECT_TRUE(handler.seen.empty());
}

TEST_F(HttpServerTest, RefusesWhatIsMalformedAndClosesAfterwards) {
  RawClient client = connect();
  client.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\nnonsense\r\n\r\n");
  const std::string bytes = client.read_to_end();
  EXPECT_EQ(status_of(bytes), 200);
  EXPECT_NE(bytes.find("HTTP/1.1 400 Bad Request\r\n"), std::string::npos);
}

TEST_F(HttpServerTest, SaysWhenASenderIsTooSlow) {
  RawClient header = connect();
  header.send("GET / HTT");
  for (int i = 0; i < 40; ++i) {
    advance(Duration::seconds(1));
    if (i < 29) {
      header.send("P");
    }
  }
  EXPECT_EQ(status_of(header.take()), 408);
  RawClient body = connect();
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx");
  advance(Duration::seconds(119));
  EXPECT_EQ(body.take(), "");
  advance(Duration::seconds(2));
  EXPECT_EQ(status_of(body.take()), 408);
  EXPECT_TRUE(handler.seen.empty());
}

TEST_F(HttpServerTest, ClosesIdleConnections) {
  RawClient silent = connect();
  RawClient used = connect();
  used.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  advance(Duration::seconds(31));
  EXPECT_TRUE(silent.ended());
  EXPECT_EQ(silent.take(), "");
  EXPECT_FALSE(used.ended());
  advance(Duration::seconds(45));
  EXPECT_TRUE(used.ended());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerTest, CutsAPeerThatTakesNothing) {
  auto stream = world.loop.run(net->dial(kAddress)).value();
  const std::string request = "GET /big HTTP/1.1\r\nHost: h\r\n\r\n";
  ASSERT_TRUE(world.loop.run(world::write_all(*stream, request)).ok());
  advance(Duration::seconds(59));
  EXPECT_EQ(server->connections(), 1U);
  advance(Duration::seconds(2));
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerTest, AsksForABodyThatWaitsToBeAskedFor) {
  RawClient client = connect();
  const std::string head = "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n";
  client.send(head + "Content-Length: 2\r\n\r\n");
  EXPECT_EQ(client.take(), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_EQ(client.take(), reply("POST /echo? hi"));
  client.send(head + "Content-Length: 999999999\r\n\r\n");
  EXPECT_EQ(status_of(client.take()), 413);
}

TEST_F(HttpServerTest, ARefusedRequestIsAnsweredOnItsHeadAndItsBodyIsNeverKept) {
  const std::string head = "POST /forbidden HTTP/1.1\r\nHost: h\r\n";
  for (const char* framing :
       {"Content-Length: 30000000\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n",
        "Expect: 100-continue\r\nContent-Length: 30000000\r\n\r\n"}) {
    RawClient client = connect();
    client.send(head + framing);
    const std::string bytes = client.take();
    EXPECT_EQ(status_of(bytes), 401) << bytes;
    EXPECT_TRUE(bytes.ends_with("connection: close\r\n\r\nnot you")) << bytes;
    EXPECT_EQ(server->buffered_body_bytes(), 0U);
    client.half_close();
  }
  RawClient sending = connect();
  sending.send(head + "Content-Length: 30000000\r\n\r\n" + std::string(3'000'000, 'x'));
  EXPECT_EQ(server->buffered_body_bytes(), 0U);
  EXPECT_EQ(status_of(sending.read_to_end()), 401);
  EXPECT_FALSE(sending.broken());
  RawClient bodiless = connect();
  bodiless.send("HEAD /forbidden HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(bodiless.read_to_end().ends_with("content-length: 7\r\nconnection: close\r\n\r\n"));
  EXPECT_TRUE(handler.seen.empty());
}

TEST_F(HttpServerTest, BodiesBeyondWhatItMayBufferAreRefusedUntilThereIsRoom) {
  start({.body_bytes_max = 1'000, .buffered_body_bytes_max = 1'500});
  const std::string head = "POST /wait HTTP/1.1\r\nHost: h\r\n";
  RawClient first = connect();
  first.send(head + "Content-Length: 1000\r\n\r\n" + std::string(999, 'x'));
  EXPECT_EQ(first.take(), "");
  EXPECT_EQ(server->buffered_body_bytes(), 999U);
  RawClient announced = connect();
  announced.send(head + "Content-Length: 502\r\n\r\n");
  const std::string refusal = announced.take();
  EXPECT_EQ(status_of(refusal), 503);
  EXPECT_NE(refusal.find("\r\nretry-after: 1\r\n"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("\r\nconnection: close\r\n"), std::string::npos) << refusal;
  RawClient chunked = connect();
  chunked.send(head + "Transfer-Encoding: chunked\r\n\r\n1f5\r\n" + std::string(501, 'x'));
  EXPECT_EQ(chunked.take(), "");
  EXPECT_EQ(server->buffered_body_bytes(), 1'500U);
  chunked.send("\r\n1\r\nx");
  EXPECT_EQ(status_of(chunked.take()), 503);
  EXPECT_EQ(server->buffered_body_bytes(), 999U);
  // Held until the handler has answered, and not longer.
  first.send("x");
  EXPECT_EQ(first.take(), "");
  EXPECT_EQ(server->buffered_body_bytes(), 1'000U);
  handler.gate.set();
  EXPECT_EQ(first.take(), reply("waited"));
  EXPECT_EQ(server->buffered_body_bytes(), 0U);
  RawClient gone = connect();
  gone.send(head + "Content-Length: 1000\r\n\r\nx");
  world.loop.run_ready();
  EXPECT_EQ(server->buffered_body_bytes(), 1U);
  gone.disconnect();
  world.loop.run_ready();
  EXPECT_EQ(server->buffered_body_bytes(), 0U);
}

TEST_F(HttpServerTest, ABodyOfTheLargestSizeAlwaysHasRoomInAnIdleServer) {
  start({.body_bytes_max = 1'000, .buffered_body_bytes_max = 1});
  RawClient client = connect();
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n" +
              std::string(1'000, 'x'));
  EXPECT_EQ(status_of(client.take()), 200);
}

TEST_F(HttpServerTest, AFailedHandlerIsA500) {
  RawClient client = connect();
  client.send("GET /fail HTTP/1.1\r\nHost: h\r\n\r\nGET /inject HTTP/1.1\r\nHost: h\r\n\r\n");
  const std::string bytes = client.take();
  EXPECT_EQ(status_of(bytes), 500);
  EXPECT_NE(bytes.find("rejected: it went wrong"), std::string::npos);
  EXPECT_EQ(bytes.find("\r\ny: z"), std::string::npos);
  EXPECT_EQ(world.log.complaints.size(), 2U);
}

TEST_F(HttpServerTest, RefusesConnectionsBeyondTheLimit) {
  start({.connections_max = 2});
  RawClient first = connect();
  RawClient second = connect();
  world.loop.run_ready();
  RawClient third = connect();
  EXPECT_EQ(status_of(third.read_to_end()), 503);
  first.disconnect();
  world.loop.run_ready();
  RawClient fourth = connect();
  fourth.send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(fourth.take()), 200);
  EXPECT_EQ(server->connections(), 2U);
}

TEST_F(HttpServerTest, ADrainLetsRequestsInFlightEnd) {
  RawClient idle = connect();
  RawClient busy = connect();
  busy.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  world.loop.run_ready();
  bool drained = false;
  Scope drains(world.loop, nullptr);
  drains.spawn([](HttpServer& draining, bool& done) -> Task<void> {
    co_await draining.drain(Duration::seconds(10));
    done = true;
    co_return kOk;
  }(*server, drained));
  world.loop.run_ready();
  EXPECT_TRUE(idle.ended());
  EXPECT_FALSE(drained);
  RawClient late = connect();
  world.loop.run_ready();
  EXPECT_TRUE(late.ended());
  handler.gate.set();
  EXPECT_EQ(busy.read_to_end(), reply("waited", "connection: close\r\n"));
  busy.disconnect();
  world.loop.run_ready();
  EXPECT_TRUE(drained);
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(HttpServerTest, ADrainCutsWhatIsLeftAfterItsBound) {
  RawClient client = connect();
  client.send("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  world.loop.run_ready();
  EXPECT_TRUE(world.loop.run(server->drain(Duration::seconds(3))).ok());
  EXPECT_EQ(server->connections(), 0U);
  EXPECT_EQ(handler.tap.sources, 0);
  client.take();
  EXPECT_TRUE(client.ended());
}

TEST_F(HttpServerTest, NothingIsLeftOfAServerThatIsDestroyed) {
  RawClient streaming = connect();
  streaming.send("GET /tap HTTP/1.1\r\nHost: h\r\n\r\n");
  RawClient waiting = connect();
  waiting.send("GET /wait HTTP/1.1\r\nHost: h\r\n\r\n");
  RawClient partial = connect();
  partial.send("GET /wa");
  world.loop.run_ready();
  EXPECT_EQ(server->connections(), 3U);
  scope.reset();
  server.reset();
  EXPECT_EQ(handler.tap.sources, 0);
  streaming.take();
  waiting.take();
  EXPECT_TRUE(streaming.ended());
  EXPECT_TRUE(waiting.ended());
}

}  // namespace
}  // namespace kelpie::net
