// Where heads and bodies end: HeadCollector and BodyDecoder.
#include <algorithm>

#include "base/check.h"
#include "codec/http1.h"

namespace kelpie::codec {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// `1*HEXDIG [ BWS ";" … ]` (RFC 9112, section 7.1); nullopt when malformed or over 2^60.
std::optional<uint64_t> parse_chunk_size(std::string_view line) {
  uint64_t size = 0;
  size_t digits = 0;
  for (; digits < line.size() && hex_digit(line[digits]) >= 0; ++digits) {
    size = size * 16 + static_cast<uint64_t>(hex_digit(line[digits]));
    if (digits >= 15) {
      return std::nullopt;
    }
  }
  const size_t extension = line.find_first_not_of(" \t", digits);
  const bool bare = extension == std::string_view::npos && digits == line.size();
  const bool extended = extension != std::string_view::npos && line[extension] == ';';
  if (digits == 0 || !(bare || extended)) {
    return std::nullopt;
  }
  return size;
}

}  // namespace

// One byte at a time: heads are small, and the rules are then the same wherever a piece ends.
void HeadCollector::take(char c) {
  if (head_.empty() && (c == '\r' || c == '\n')) {
    // Empty lines before a start line are skipped (RFC 9112, section 2.2).
    ++skipped_;
    return;
  }
  const bool after_cr = !head_.empty() && head_.back() == '\r';
  if ((c == '\n') != after_cr) {
    failure_ = HttpFailure{400, "malformed HTTP header: lines end with CR LF"};
    return;
  }
  if (c == '\0' || (head_.empty() && (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f))) {
    failure_ = HttpFailure{400, "malformed HTTP header: control bytes"};
    return;
  }
  head_.push_back(c);
  if (c == '\n') {
    done_ = line_bytes_ == 0;
    line_bytes_ = 0;
  } else if (c != '\r') {
    ++line_bytes_;
  }
}

size_t HeadCollector::feed(ByteView bytes) {
  size_t used = 0;
  while (used < bytes.size() && !done_ && !failure_.has_value()) {
    if (head_.size() + skipped_ >= bytes_max_) {
      failure_ =
          HttpFailure{431, "expected a header of at most " + std::to_string(bytes_max_) + " bytes"};
      break;
    }
    take(bytes[used]);
    ++used;
  }
  return used;
}

BodyDecoder::BodyDecoder(BodyFraming framing, size_t line_bytes_max)
    : remaining_(framing.length), line_bytes_max_(line_bytes_max) {
  switch (framing.kind) {
    case BodyFraming::Kind::kNone:
      state_ = State::kDone;
      break;
    case BodyFraming::Kind::kLength:
      state_ = remaining_ > 0 ? State::kData : State::kDone;
      break;
    case BodyFraming::Kind::kChunked:
      chunked_ = true;
      state_ = State::kSizeLine;
      break;
    case BodyFraming::Kind::kUntilEnd:
      state_ = State::kUntilEnd;
      break;
  }
}

void BodyDecoder::end_line() {
  switch (state_) {
    case State::kSizeLine: {
      const std::optional<uint64_t> size = parse_chunk_size(line_);
      if (!size.has_value()) {
        failure_ = HttpFailure{400, "malformed chunk: expected its size in hexadecimal"};
        return;
      }
      remaining_ = *size;
      state_ = remaining_ > 0 ? State::kData : State::kTrailer;
      break;
    }
    case State::kChunkEnd:
      state_ = State::kSizeLine;
      break;
    case State::kTrailer:
      // Trailers are read over: nothing that we do depends on one.
      state_ = line_.empty() ? State::kDone : State::kTrailer;
      break;
    case State::kData:
    case State::kUntilEnd:
    case State::kDone:
      CHECK(false);
  }
  line_.clear();
}

void BodyDecoder::take_line_byte(char c) {
  const bool after_cr = !line_.empty() && line_.back() == '\r';
  if ((c == '\n') != after_cr) {
    failure_ = HttpFailure{400, "malformed chunk: lines end with CR LF"};
    return;
  }
  if (c == '\n') {
    line_.pop_back();
    end_line();
    return;
  }
  if (state_ == State::kChunkEnd && c != '\r') {
    failure_ = HttpFailure{400, "malformed chunk: it is longer than its size"};
    return;
  }
  trailer_bytes_ += state_ == State::kTrailer ? 1U : 0U;
  if (line_.size() >= line_bytes_max_ || trailer_bytes_ > line_bytes_max_) {
    failure_ = HttpFailure{431, "expected chunk lines and trailers of at most " +
                                    std::to_string(line_bytes_max_) + " bytes"};
    return;
  }
  line_.push_back(c);
}

size_t BodyDecoder::feed(ByteView bytes, std::string& out) {
  size_t used = 0;
  while (used < bytes.size() && state_ != State::kDone && !failure_.has_value()) {
    if (state_ == State::kUntilEnd) {
      out.append(bytes.substr(used));
      return bytes.size();
    }
    if (state_ == State::kData) {
      const size_t length =
          static_cast<size_t>(std::min<uint64_t>(remaining_, bytes.size() - used));
      out.append(bytes.substr(used, length));
      used += length;
      remaining_ -= length;
      if (remaining_ == 0) {
        state_ = chunked_ ? State::kChunkEnd : State::kDone;
      }
      continue;
    }
    take_line_byte(bytes[used]);
    ++used;
  }
  return used;
}

bool BodyDecoder::finish() {
  if (state_ == State::kUntilEnd) {
    state_ = State::kDone;
  }
  return state_ == State::kDone && !failure_.has_value();
}

}  // namespace kelpie::codec
