#include "codec/sse.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kelpie::codec {
namespace {

using Events = std::vector<SseEvent>;

void drain(SseDecoder& decoder, Events& events) {
  while (true) {
    auto event = decoder.next();
    ASSERT_TRUE(event.ok());
    if (!event->has_value()) {
      return;
    }
    events.push_back(std::move(**event));
  }
}

Events decode(const std::vector<std::string_view>& pieces) {
  SseDecoder decoder;
  Events events;
  for (const std::string_view piece : pieces) {
    decoder.feed(piece);
    drain(decoder, events);
  }
  return events;
}

constexpr std::string_view kStream =
    "\xef\xbb\xbf: hello\n\ndata: one\r\n\r\nevent: tick\rid: 7\rdata:two\rdata: three\r\rdata\n\n"
    "data:\ndata:\n\nretry: 10\nunknown: x\ndata:  spaced\r\n\nevent: lost\n\nid\ndata: last\n\n"
    "data: never ended\n";

const Events kEvents = {{"", "one", ""}, {"tick", "two\nthree", "7"}, {"", "", "7"},
                        {"", "\n", "7"}, {"", " spaced", "7"},        {"", "last", ""}};

TEST(Sse, ReadsTheForms) { EXPECT_EQ(decode({kStream}), kEvents); }

TEST(Sse, PiecesMayEndAnywhere) {
  for (size_t i = 0; i <= kStream.size(); ++i) {
    EXPECT_EQ(decode({kStream.substr(0, i), kStream.substr(i)}), kEvents) << i;
    for (size_t j = i; j <= kStream.size(); j += 3) {
      ASSERT_EQ(decode({kStream.substr(0, i), kStream.substr(i, j - i), kStream.substr(j)}),
                kEvents);
    }
  }
  std::vector<std::string_view> bytes;
  for (size_t i = 0; i < kStream.size(); ++i) {
    bytes.push_back(kStream.substr(i, 1));
  }
  EXPECT_EQ(decode(bytes), kEvents);
}

TEST(Sse, AnEventIsThereAsSoonAsItsLastLineEnds) {
  EXPECT_EQ(decode({"data: a\r\r"}).size(), 1U);
  EXPECT_EQ(decode({"data: a\r\n\r"}).size(), 1U);
  EXPECT_EQ(decode({"data: a\r\n\r", "\n", "data: b\n\n"}).size(), 2U);
}

TEST(Sse, ReadsWhatItWrites) {
  const std::string stream = sse_data("{\"a\":1}") + sse_comment("ping") +
                             sse_event("error", "x\ny\r\nz\r") + sse_data("[DONE]") + sse_data("");
  EXPECT_EQ(
      decode({stream}),
      (Events{
          {"", "{\"a\":1}", ""}, {"error", "x\ny\nz\n", ""}, {"", "[DONE]", ""}, {"", "", ""}}));
  EXPECT_EQ(sse_data("{}"), "data: {}\n\n");
  EXPECT_EQ(sse_event("ping", "{}"), "event: ping\ndata: {}\n\n");
}

TEST(Sse, RefusesAnEventBeyondTheLimitAndStaysRefusing) {
  for (const std::string& stream :
       {std::string(200, 'x'), "data: " + std::string(200, 'x') + "\n",
        "data: " + std::string(60, 'x') + "\ndata: " + std::string(60, 'y') + "\n\n"}) {
    SseDecoder decoder(100);
    decoder.feed("data: fine\n\n");
    EXPECT_TRUE(decoder.next()->has_value());
    decoder.feed(stream);
    EXPECT_EQ(decoder.next().error().code, Code::kOutOfRange);
    decoder.feed("\n\ndata: a\n\n");
    EXPECT_EQ(decoder.next().error().code, Code::kOutOfRange);
  }
}

TEST(Sse, ManySmallEventsDoNotCountTogether) {
  SseDecoder decoder(100);
  Events events;
  for (int i = 0; i < 1'000; ++i) {
    decoder.feed("data: " + std::string(90, 'x') + "\n\n");
    drain(decoder, events);
  }
  EXPECT_EQ(events.size(), 1'000U);
}

}  // namespace
}  // namespace kelpie::codec
