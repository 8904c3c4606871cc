// The HTTP parsers: whole against cut into pieces, and what was read written and read again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "codec/http1.h"
#include "split.h"

namespace kelpie::fuzz {
namespace {

using codec::HttpHeaders;
using codec::RequestParser;
using codec::ResponseParser;

constexpr codec::RequestLimits kLimits{.header_bytes_max = 2'000, .body_bytes_max = 3'000};

std::string describe(const HttpHeaders& headers) {
  std::string text;
  for (const auto& [name, value] : headers) {
    text += name + ": " + value + "\n";
  }
  return text;
}

// A request's head, written by us, is read as the same request.
void check_round_trip(codec::RequestHead& head) {
  const std::string target = head.path + (head.query.empty() ? "" : "?" + head.query);
  const auto bytes = codec::write_request_head(head.method, target, head.headers);
  if (!bytes.ok() || head.version_minor == 0) {
    return;
  }
  RequestParser again(codec::RequestLimits{.header_bytes_max = 10'000});
  again.feed(*bytes + std::string(1, '\0'));
  CHECK(again.head_done());
  CHECK(again.head().method == head.method && again.head().path == head.path);
  CHECK(again.head().query == head.query && again.head().headers == head.headers);
  CHECK(again.head().framing.kind == head.framing.kind);
  CHECK(again.head().framing.length == head.framing.length);
}

// Every request in the input and how the last one ended. Bytes come in the pieces that `next`
// gives.
template <class NextLength>
std::string read_requests(std::string_view input, NextLength next) {
  std::string log;
  std::string buffer;
  RequestParser parser(kLimits);
  while (!input.empty()) {
    const size_t length = next(input.size());
    buffer.append(input.substr(0, length));
    input.remove_prefix(length);
    while (true) {
      buffer.erase(0, parser.feed(buffer));
      if (parser.failure().has_value()) {
        return log + "failed " + std::to_string(parser.failure()->status) + " " +
               parser.failure()->reason;
      }
      if (!parser.done()) {
        CHECK(buffer.empty());
        break;
      }
      CHECK(parser.body().size() <= kLimits.body_bytes_max);
      check_round_trip(parser.head());
      log += parser.head().method + " " + parser.head().path + " " + parser.head().query + "\n" +
             describe(parser.head().headers) + parser.body() + "\n";
      parser = RequestParser(kLimits);
    }
  }
  return log + (parser.head_done() ? "in body " + parser.body() : "in head");
}

template <class NextLength>
std::string read_response(std::string_view input, NextLength next) {
  std::string log;
  std::string buffer;
  ResponseParser parser(codec::ResponseTo::kOther, kLimits.header_bytes_max);
  while (!input.empty()) {
    const size_t length = next(input.size());
    buffer.append(input.substr(0, length));
    input.remove_prefix(length);
    buffer.erase(0, parser.feed(buffer));
    log += parser.take_body();
  }
  if (parser.failure().has_value()) {
    return log + "failed " + parser.failure()->reason;
  }
  CHECK(parser.done() || buffer.empty());
  log += describe(parser.head().headers) + std::to_string(parser.head().status);
  const bool done = parser.done();
  const bool finished = parser.finish().ok();
  CHECK(!done || finished);
  return log + (done ? " done" : " open") + (finished ? " finished " : " cut ") + buffer;
}

}  // namespace
}  // namespace kelpie::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kelpie::fuzz;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  Splitter splitter = take_splitter(input);
  const auto whole = [](size_t left) { return left; };
  const auto pieces = [splitter](size_t left) mutable { return splitter.next(left); };
  CHECK(read_requests(input, whole) == read_requests(input, pieces));
  CHECK(read_response(input, whole) == read_response(input, pieces));
  return 0;
}
