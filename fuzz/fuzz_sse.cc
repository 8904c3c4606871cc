// The decoder of server-sent events: whole against cut into pieces, and what was read written and
// read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/sse.h"
#include "split.h"

namespace kelpie::fuzz {
namespace {

using codec::SseDecoder;
using codec::SseEvent;

constexpr size_t kEventBytesMax = 500;

template <class NextLength>
std::string read_events(std::string_view input, NextLength next) {
  std::string log;
  SseDecoder decoder(kEventBytesMax);
  while (!input.empty()) {
    const size_t length = next(input.size());
    decoder.feed(input.substr(0, length));
    input.remove_prefix(length);
    while (true) {
      auto event = decoder.next();
      if (!event.ok()) {
        return log + "too large";
      }
      if (!event->has_value()) {
        break;
      }
      CHECK((*event)->data.size() <= kEventBytesMax);
      log += (*event)->event + "\n" + (*event)->id + "\n" + (*event)->data + "\n\n";
    }
  }
  return log;
}

// Data is one event's, whatever lines are in it; every kind of line end is read back as '\n'.
void check_round_trip(std::string_view data) {
  SseDecoder decoder(data.size() * 8 + 100);
  decoder.feed(codec::sse_data(data));
  auto event = decoder.next();
  CHECK(event.ok() && event->has_value());
  std::string expected;
  for (size_t i = 0; i < data.size(); ++i) {
    const bool pair = data[i] == '\r' && i + 1 < data.size() && data[i + 1] == '\n';
    i += pair ? 1 : 0;
    expected.push_back(data[i] == '\r' ? '\n' : data[i]);
  }
  CHECK((*event)->data == expected);
  event = decoder.next();
  CHECK(event.ok() && !event->has_value());
}

}  // namespace
}  // namespace kelpie::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kelpie::fuzz;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Splitter splitter = take_splitter(input);
  const auto whole = [](size_t left) { return left; };
  const auto pieces = [splitter](size_t left) mutable { return splitter.next(left); };
  CHECK(read_events(input, whole) == read_events(input, pieces));
  check_round_trip(input);
  return 0;
}
