#include "codec/sse.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace kelpie::codec {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

void append_data(std::string& out, std::string_view data) {
  while (true) {
    const size_t end = data.find_first_of("\r\n");
    out.append("data: ");
    out.append(data.substr(0, end));
    out.push_back('\n');
    if (end == std::string_view::npos) {
      return;
    }
    const bool pair = data[end] == '\r' && end + 1 < data.size() && data[end + 1] == '\n';
    data.remove_prefix(end + (pair ? 2 : 1));
  }
}

}  // namespace

std::string sse_data(std::string_view data) {
  std::string out;
  append_data(out, data);
  out.push_back('\n');
  return out;
}

std::string sse_event(std::string_view name, std::string_view data) {
  CHECK(name.find_first_of("\r\n") == std::string_view::npos);
  std::string out = "event: ";
  out.append(name);
  out.push_back('\n');
  append_data(out, data);
  out.push_back('\n');
  return out;
}

std::string sse_comment(std::string_view text) {
  CHECK(text.find_first_of("\r\n") == std::string_view::npos);
  return ": " + std::string(text) + "\n\n";
}

SseDecoder::SseDecoder(size_t event_bytes_max) : event_bytes_max_(event_bytes_max) {}

void SseDecoder::feed(ByteView bytes) {
  if (read_ > 0 && read_ >= buffer_.size() / 2) {
    buffer_.erase(0, read_);
    scanned_ -= read_;
    read_ = 0;
  }
  buffer_.append(bytes);
}

bool SseDecoder::next_line(std::string_view& line) {
  if (at_start_) {
    const std::string_view have = std::string_view(buffer_).substr(read_, kByteOrderMark.size());
    if (have.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(have)) {
      return false;
    }
    at_start_ = false;
    if (have == kByteOrderMark) {
      read_ += kByteOrderMark.size();
      scanned_ = read_;
    }
  }
  if (skip_newline_ && read_ < buffer_.size()) {
    skip_newline_ = false;
    if (buffer_[read_] == '\n') {
      ++read_;
      scanned_ = std::max(scanned_, read_);
    }
  }
  const size_t end = buffer_.find_first_of("\r\n", scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    return false;
  }
  line = std::string_view(buffer_).substr(read_, end - read_);
  // An LF after the CR may be in a piece that is still to come; the line is whole all the same.
  skip_newline_ = buffer_[end] == '\r';
  read_ = end + 1;
  scanned_ = read_;
  return true;
}

std::optional<SseEvent> SseDecoder::take_line(std::string_view line) {
  if (line.empty()) {
    std::optional<SseEvent> whole;
    if (has_data_) {
      whole.emplace(std::move(event_));
      event_.id = whole->id;
    }
    event_.event.clear();
    event_.data.clear();
    has_data_ = false;
    return whole;
  }
  const size_t colon = std::min(line.find(':'), line.size());
  const std::string_view field = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) {
    value.remove_prefix(1);
  }
  if (field == "data") {
    if (has_data_) {
      event_.data.push_back('\n');
    }
    event_.data.append(value);
    has_data_ = true;
  } else if (field == "event") {
    event_.event = value;
  } else if (field == "id" && value.find('\0') == std::string_view::npos) {
    event_.id = value;
  }
  return std::nullopt;
}

Result<std::optional<SseEvent>> SseDecoder::next() {
  std::string_view line;
  while (!too_large_ && next_line(line)) {
    too_large_ = line.size() + event_.data.size() > event_bytes_max_;
    if (too_large_) {
      break;
    }
    std::optional<SseEvent> whole = take_line(line);
    if (whole.has_value()) {
      return whole;
    }
  }
  too_large_ = too_large_ || buffer_.size() - read_ + event_.data.size() > event_bytes_max_;
  if (too_large_) {
    return base::out_of_range("expected events of at most " + std::to_string(event_bytes_max_) +
                              " bytes in the stream");
  }
  return std::optional<SseEvent>();
}

}  // namespace kelpie::codec
