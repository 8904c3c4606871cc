#include "codec/http1.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kelpie::codec {
namespace {

struct Outcome {
  std::vector<std::string> requests;
  int failure = 0;
  bool operator==(const Outcome&) const = default;
};

std::string describe(RequestParser& parser) {
  const RequestHead& head = parser.head();
  std::string text = head.method + " " + head.path + "?" + head.query + " 1." +
                     std::to_string(head.version_minor) + (head.keep_alive ? " keep" : " close") +
                     (head.expects_continue ? " continue" : "");
  for (const auto& [name, value] : head.headers) {
    text += " " + name + "=" + value;
  }
  return text + " [" + parser.body() + "]";
}

constexpr RequestLimits kLimits{.header_bytes_max = 400, .body_bytes_max = 40};

// Reads requests one after the other, the bytes cut at the given size.
Outcome read(std::string_view bytes, size_t piece_bytes) {
  Outcome outcome;
  RequestParser parser(kLimits);
  std::string buffer;
  while (true) {
    const std::string_view piece = bytes.substr(0, piece_bytes);
    bytes.remove_prefix(piece.size());
    buffer.append(piece);
    while (true) {
      buffer.erase(0, parser.feed(buffer));
      if (parser.failure().has_value()) {
        outcome.failure = parser.failure()->status;
        return outcome;
      }
      if (!parser.done()) {
        EXPECT_TRUE(buffer.empty());
        break;
      }
      outcome.requests.push_back(describe(parser));
      parser = RequestParser(kLimits);
    }
    if (bytes.empty()) {
      return outcome;
    }
  }
}

Outcome read_every_way(std::string_view bytes) {
  const Outcome whole = read(bytes, bytes.size());
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(read(bytes, size), whole) << "in pieces of " << size << ": " << bytes;
  }
  return whole;
}

int failure_of(std::string_view bytes) { return read_every_way(bytes).failure; }

TEST(Http1Request, ReadsRequestsInARowHoweverTheyAreCut) {
  const Outcome outcome = read_every_way(
      "GET /a?x=1&y HTTP/1.1\r\nHost: h\r\nX-Mixed-Case:  v w \r\n\r\n"
      "\r\nPOST /b HTTP/1.1\r\nhost: h\r\nContent-Length: 5\r\n\r\nhello"
      "POST /c HTTP/1.1\r\nhost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\nA;ext=\"v\"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
      "PUT http://host:80/d?q HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"
      "DELETE / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nExpect: 100-Continue\r\n\r\n"
      "GET http://h HTTP/1.0\r\nConnection: Keep-Alive, x\r\n\r\n");
  EXPECT_EQ(outcome.failure, 0);
  EXPECT_EQ(outcome.requests,
            (std::vector<std::string>{
                "GET /a?x=1&y 1.1 keep host=h x-mixed-case=v w []",
                "POST /b? 1.1 keep host=h content-length=5 [hello]",
                "POST /c? 1.1 keep host=h transfer-encoding=chunked [abc0123456789]",
                "PUT /d?q 1.0 close expect=100-continue []",
                "DELETE /? 1.1 close continue host=h connection=close expect=100-Continue []",
                "GET /? 1.0 keep connection=Keep-Alive, x []"}));
}

TEST(Http1Request, TheHeadCanBeReadWithoutTheBody) {
  const std::string head = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n";
  RequestParser parser(kLimits);
  EXPECT_EQ(parser.feed_head(head.substr(0, 9)), 9U);
  EXPECT_FALSE(parser.head_done());
  EXPECT_EQ(parser.feed_head(head.substr(9) + "hi"), head.size() - 9);
  EXPECT_TRUE(parser.head_done());
  EXPECT_FALSE(parser.done());
  EXPECT_EQ(parser.body(), "");
  EXPECT_EQ(parser.feed_head("hi"), 0U);
  EXPECT_EQ(parser.feed("hi!"), 2U);
  EXPECT_TRUE(parser.done());
  EXPECT_EQ(parser.body(), "hi");
}

TEST(Http1Request, RefusesMalformedHeads) {
  for (const char* head :
       {"GET\r\n\r\n", "GET /\r\n\r\n", " GET / HTTP/1.1\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\nHost: h\n\n", "GET / HTTP/1.1\r\nHost: h\n\r\n",
        "GET / HTTP/1.1\r\nHost\r\n\r\n", "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET * HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTX/1.1\r\nHost: h\r\n\r\n",
        "G@T / HTTP/1.1\r\nHost: h\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: h\r\nX: a\x01z\r\n\r\n", "\x16\x03\x01\x02", "{\"a\":1}\n"}) {
    EXPECT_EQ(failure_of(head), 400) << head;
  }
  EXPECT_EQ(failure_of(std::string_view("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29)), 400);
}

TEST(Http1Request, RefusesBodiesThatCouldBeReadInTwoWays) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  for (const char* fields :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n", "Content-Length: 5, 6\r\n",
        "Content-Length: +5\r\n", "Content-Length: -1\r\n", "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n", "Content-Length: \r\n",
        "Content-Length: 99999999999999999999999\r\n"}) {
    EXPECT_EQ(failure_of(head + fields + "\r\n"), 400) << fields;
  }
  for (const char* coding :
       {"gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", ""}) {
    EXPECT_EQ(failure_of(head + "Transfer-Encoding: " + coding + "\r\n\r\n"), 501) << coding;
  }
  EXPECT_EQ(failure_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(Http1Request, RefusesMalformedChunks) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body :
       {"x\r\n", "\r\n", "3\nabc", "3\r\nabcd\r\n", "3\r\nabc\n", "-1\r\n", "0x3\r\nabc\r\n",
        "3 x\r\nabc\r\n", "ffffffffffffffffff\r\n", "3\r\nabc\r\n0\r\nX: y\n\r\n", "3;\rx\r\n"}) {
    EXPECT_EQ(failure_of(head + body), 400) << body;
  }
  EXPECT_EQ(failure_of(head + "3;" + std::string(500, 'x') + "\r\n"), 431);
  EXPECT_EQ(failure_of(head + "0\r\n" + std::string(500, 'x') + "\r\n"), 431);
  std::string trailers = "0\r\n";
  for (int i = 0; i < 100; ++i) {
    trailers += "a: bcdef\r\n";
  }
  EXPECT_EQ(failure_of(head + trailers), 431);
}

TEST(Http1Request, TheLimitsAreExact) {
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\nX: ";
  const std::string fits = start + std::string(400 - start.size() - 4, 'x') + "\r\n\r\n";
  ASSERT_EQ(fits.size(), 400U);
  EXPECT_EQ(read_every_way(fits).requests.size(), 1U);
  EXPECT_EQ(failure_of(start + std::string(400 - start.size() - 3, 'x') + "\r\n\r\n"), 431);
  EXPECT_EQ(failure_of(std::string(1'000, 'G')), 431);
  EXPECT_EQ(failure_of(std::string(1'000, '\n')), 431);

  const std::string post = "POST / HTTP/1.1\r\nHost: h\r\n";
  EXPECT_EQ(failure_of(post + "Content-Length: 40\r\n\r\n" + std::string(40, 'x')), 0);
  EXPECT_EQ(failure_of(post + "Content-Length: 41\r\n\r\n"), 413);
  const std::string chunked =
      post + "Transfer-Encoding: chunked\r\n\r\n14\r\n" + std::string(20, 'x') + "\r\n";
  EXPECT_EQ(failure_of(chunked + "14\r\n" + std::string(20, 'y') + "\r\n0\r\n\r\n"), 0);
  EXPECT_EQ(failure_of(chunked + "15\r\n" + std::string(21, 'y') + "\r\n0\r\n\r\n"), 413);
}

TEST(Http1Request, RefusesOtherVersionsAndExpectations) {
  EXPECT_EQ(failure_of("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 505);
  EXPECT_EQ(failure_of("PRI * HTTP/2.0\r\n\r\n"), 505);
  EXPECT_EQ(failure_of("GET / HTTP/0.9\r\n\r\n"), 505);
  EXPECT_EQ(failure_of("GET / HTTP/1.1\r\nHost: h\r\nExpect: tea\r\n\r\n"), 417);
}

struct Reply {
  int status = 0;
  std::string body;
  bool done = false;
  bool keep_alive = false;
  bool failed = false;
  bool cut = false;
  size_t rest = 0;
  bool operator==(const Reply&) const = default;
};

Reply read_reply(std::string_view bytes, size_t piece_bytes, ResponseTo to) {
  Reply reply;
  ResponseParser parser(to, 400);
  std::string buffer;
  while (!bytes.empty()) {
    buffer.append(bytes.substr(0, piece_bytes));
    bytes.remove_prefix(std::min(piece_bytes, bytes.size()));
    buffer.erase(0, parser.feed(buffer));
    reply.body += parser.take_body();
  }
  reply.failed = parser.failure().has_value();
  reply.rest = reply.failed ? 0 : buffer.size();
  reply.done = parser.done();
  reply.cut = !parser.done() && !parser.finish().ok();
  if (parser.head_done()) {
    reply.status = parser.head().status;
    reply.keep_alive = parser.head().keep_alive;
  }
  return reply;
}

Reply read_reply_every_way(std::string_view bytes, ResponseTo to = ResponseTo::kOther) {
  const Reply whole = read_reply(bytes, bytes.size(), to);
  for (size_t size = 1; size < bytes.size(); ++size) {
    EXPECT_EQ(read_reply(bytes, size, to), whole) << "in pieces of " << size << ": " << bytes;
  }
  return whole;
}

TEST(Http1Response, ReadsEveryFramingHoweverItIsCut) {
  EXPECT_EQ(read_reply_every_way("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP"),
            (Reply{200, "hi", true, true, false, false, 4}));
  EXPECT_EQ(read_reply_every_way(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n"
                "HTTP/1.1 201 \r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"),
            (Reply{201, "hi", true, true, false, false, 0}));
  EXPECT_EQ(read_reply_every_way("HTTP/1.1 200 OK\r\n\r\nuntil the end"),
            (Reply{200, "until the end", false, false, false, false, 0}));
  EXPECT_EQ(read_reply_every_way("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"),
            (Reply{200, "x", true, false, false, false, 0}));
  EXPECT_EQ(read_reply_every_way("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
            (Reply{204, "", true, false, false, false, 0}));
  EXPECT_EQ(read_reply_every_way("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", ResponseTo::kHead),
            (Reply{200, "", true, true, false, false, 0}));
}

TEST(Http1Response, NoticesWhatWasCutShort) {
  for (const char* bytes :
       {"HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n"}) {
    EXPECT_TRUE(read_reply_every_way(bytes).cut) << bytes;
  }
}

TEST(Http1Response, RefusesWhatIsMalformed) {
  for (const char* bytes :
       {"HTTP/1.1 20 OK\r\n\r\n", "HTTP/2 200\r\n\r\n", "hello\r\n\r\n", "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 101 Switching\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n"}) {
    EXPECT_TRUE(read_reply_every_way(bytes).failed) << bytes;
  }
  std::string endless;
  for (int i = 0; i < 20; ++i) {
    endless += "HTTP/1.1 102 Processing\r\n\r\n";
  }
  EXPECT_TRUE(read_reply_every_way(endless).failed);
}

TEST(Http1Write, ReadsWhatItWrites) {
  const std::string head =
      write_request_head("POST", "/a?b", {{"Host", "h"}, {"Transfer-Encoding", "chunked"}}).value();
  EXPECT_EQ(head, "POST /a?b HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n");
  const std::string body = write_chunk("hello") + write_chunk(std::string(31, 'x'));
  EXPECT_EQ(
      read_every_way(head + body + std::string(kLastChunk)).requests.at(0),
      "POST /a?b 1.1 keep host=h transfer-encoding=chunked [hello" + std::string(31, 'x') + "]");
  EXPECT_EQ(write_response_head(404, {{"x", "y"}}).value(),
            "HTTP/1.1 404 Not Found\r\nx: y\r\n\r\n");
}

TEST(Http1Write, RefusesWhatWouldEndALine) {
  EXPECT_FALSE(write_response_head(200, {{"x", "a\r\ny: z"}}).ok());
  EXPECT_FALSE(write_response_head(200, {{"x y", "a"}}).ok());
  EXPECT_FALSE(write_response_head(200, {{"", "a"}}).ok());
  EXPECT_FALSE(write_response_head(99, {}).ok());
  EXPECT_FALSE(write_request_head("GET", "/a b", {}).ok());
  EXPECT_FALSE(write_request_head("GET", "/\r\n", {}).ok());
  EXPECT_FALSE(write_request_head("GET", "a", {}).ok());
  EXPECT_FALSE(write_request_head("G T", "/", {}).ok());
}

}  // namespace
}  // namespace kelpie::codec
