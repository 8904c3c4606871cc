// HTTP/1.1 messages without I/O (RFC 9110, RFC 9112): bytes in as they come, messages out.
//
// Heads are collected whole before they are parsed, so the outcome is a function of the bytes
// alone and never of how they were cut into pieces. What could be read in two ways (two lengths,
// a bare CR or LF, a transfer coding we do not know) is refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::codec {

// Names in lower case, in the order in which they came.
using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// Why a message was refused: the status that a server answers, and a sentence.
struct HttpFailure {
  int status = 400;
  std::string reason;
};

// Finds the end of a head: start line, fields, empty line.
class HeadCollector {
 public:
  explicit HeadCollector(size_t bytes_max) : bytes_max_(bytes_max) {}

  // Takes bytes up to the end of the head; returns how many.
  size_t feed(ByteView bytes);
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] bool started() const { return !head_.empty(); }
  [[nodiscard]] const std::optional<HttpFailure>& failure() const { return failure_; }
  [[nodiscard]] const std::string& head() const { return head_; }

 private:
  void take(char c);

  size_t bytes_max_;
  size_t skipped_ = 0;  // bytes of empty lines before the start line
  size_t line_bytes_ = 0;
  bool done_ = false;
  std::string head_;
  std::optional<HttpFailure> failure_;
};

// Where a body ends.
struct BodyFraming {
  enum class Kind : uint8_t { kNone, kLength, kChunked, kUntilEnd };
  Kind kind = Kind::kNone;
  uint64_t length = 0;
};

// Takes the framing off a body.
class BodyDecoder {
 public:
  BodyDecoder() = default;
  // Chunk lines and trailers are bounded by `line_bytes_max`; the body is the caller's to bound.
  BodyDecoder(BodyFraming framing, size_t line_bytes_max);

  // Takes bytes up to the end of the body, appends the body's own to `out`; returns how many were
  // taken.
  size_t feed(ByteView bytes, std::string& out);
  // The peer's end of stream: the end of a kUntilEnd body. False when the body was cut short.
  [[nodiscard]] bool finish();
  [[nodiscard]] bool done() const { return state_ == State::kDone; }
  [[nodiscard]] const std::optional<HttpFailure>& failure() const { return failure_; }

 private:
  enum class State : uint8_t { kData, kUntilEnd, kSizeLine, kChunkEnd, kTrailer, kDone };
  void take_line_byte(char c);
  void end_line();

  State state_ = State::kDone;
  bool chunked_ = false;
  uint64_t remaining_ = 0;
  size_t line_bytes_max_ = 0;
  size_t trailer_bytes_ = 0;
  std::string line_;
  std::optional<HttpFailure> failure_;
};

struct RequestHead {
  std::string method;  // as it came; methods are case-sensitive
  std::string path;    // percent-encoded, starts with '/'
  std::string query;   // without '?', percent-encoded
  int version_minor = 1;
  HttpHeaders headers;
  bool keep_alive = true;
  bool expects_continue = false;
  BodyFraming framing;
};

struct RequestLimits {
  size_t header_bytes_max = 64 * 1024;
  size_t body_bytes_max = 32 * 1024 * 1024;
};

// One request. Failures: 400 malformed, 413 body too large, 417 unknown expectation, 431 header too
// large, 501 unknown transfer coding, 505 other version. After one, nothing more is taken.
class RequestParser {
 public:
  explicit RequestParser(RequestLimits limits);

  // Takes bytes up to the end of the request; returns how many. The rest is the next request's.
  size_t feed(ByteView bytes);
  // Takes bytes up to the end of the head and none of the body's, for who decides on the head
  // whether to read on; returns how many.
  size_t feed_head(ByteView bytes);
  [[nodiscard]] bool started() const { return collector_.started(); }
  [[nodiscard]] bool head_done() const { return head_done_; }
  [[nodiscard]] bool done() const { return head_done_ && body_.done(); }
  [[nodiscard]] const std::optional<HttpFailure>& failure() const { return failure_; }
  // Valid once the head is done.
  [[nodiscard]] RequestHead& head() { return head_; }
  [[nodiscard]] std::string& body() { return body_bytes_; }

 private:
  RequestLimits limits_;
  HeadCollector collector_;
  bool head_done_ = false;
  RequestHead head_;
  BodyDecoder body_;
  std::string body_bytes_;
  std::optional<HttpFailure> failure_;
};

struct ResponseHead {
  int status = 0;
  int version_minor = 1;
  HttpHeaders headers;
  bool keep_alive = true;
  BodyFraming framing;
};

enum class ResponseTo : uint8_t { kHead, kOther };

// One response; informational ones (1xx) before it are skipped. Its body is taken out piece by
// piece.
class ResponseParser {
 public:
  ResponseParser(ResponseTo request, size_t header_bytes_max);

  size_t feed(ByteView bytes);
  // The peer's end of stream. An error, `unavailable`, when the response was not complete.
  Result<void> finish();
  [[nodiscard]] bool started() const { return seen_ || collector_.started(); }
  [[nodiscard]] bool head_done() const { return head_done_; }
  [[nodiscard]] bool done() const { return head_done_ && body_.done(); }
  [[nodiscard]] const std::optional<HttpFailure>& failure() const { return failure_; }
  [[nodiscard]] ResponseHead& head() { return head_; }
  // What has come of the body since the last call.
  std::string take_body() { return std::exchange(body_bytes_, {}); }

 private:
  ResponseTo request_;
  size_t header_bytes_max_;
  HeadCollector collector_;
  bool seen_ = false;
  int informational_ = 0;
  bool head_done_ = false;
  ResponseHead head_;
  BodyDecoder body_;
  std::string body_bytes_;
  std::optional<HttpFailure> failure_;
};

// `HTTP/1.1 200 OK` and the fields. `invalid_argument` for names that are not tokens, for values
// with control bytes, and for a status that is not 100 to 999.
Result<std::string> write_response_head(int status, const HttpHeaders& headers);
Result<std::string> write_request_head(std::string_view method, std::string_view target,
                                       const HttpHeaders& headers);
// One chunk of a chunked body; `bytes` is not empty (that would be the end).
std::string write_chunk(ByteView bytes);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

// The usual words for a status; "Status" for one that has none.
std::string_view reason_phrase(int status);

}  // namespace kelpie::codec
