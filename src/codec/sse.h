// Server-sent events: the text/event-stream format of the WHATWG HTML standard, section 9.2.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace kelpie::codec {

// One event: `data: …` for each line of the data, then an empty line.
std::string sse_data(std::string_view data);
// The same with `event: name` before it. The name has no line end.
std::string sse_event(std::string_view name, std::string_view data);
// A line that readers skip, for keeping a quiet connection alive. The text has no line end.
std::string sse_comment(std::string_view text);

struct SseEvent {
  std::string event;  // empty: the default, "message"
  std::string data;   // lines joined by '\n'
  std::string id;     // the last id seen in the stream
  bool operator==(const SseEvent&) const = default;
};

// Reads a stream in pieces that may end anywhere. An event that its empty line did not end is
// dropped with the decoder, as the standard says. A stream is a value; one caller at a time.
class SseDecoder {
 public:
  explicit SseDecoder(size_t event_bytes_max = 4 * 1024 * 1024);

  // Takes bytes in. Bytes are kept until `next` has read them.
  void feed(ByteView bytes);
  // The next whole event; nullopt when more bytes are needed. `out_of_range` once an event is
  // larger than the limit; the decoder is of no more use then.
  Result<std::optional<SseEvent>> next();

 private:
  std::optional<SseEvent> take_line(std::string_view line);
  // True when a whole line was moved to `line`.
  bool next_line(std::string_view& line);

  size_t event_bytes_max_;
  std::string buffer_;
  size_t read_ = 0;     // bytes of the buffer that were consumed
  size_t scanned_ = 0;  // no line end before this position
  bool at_start_ = true;
  bool skip_newline_ = false;  // the last line ended with CR: an LF right after belongs to it
  bool has_data_ = false;
  bool too_large_ = false;
  SseEvent event_;
};

}  // namespace kelpie::codec
