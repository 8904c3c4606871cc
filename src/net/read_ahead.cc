#include "net/read_ahead.h"

#include <span>
#include <utility>

#include "base/check.h"

namespace kelpie::net {
namespace {

constexpr size_t kPieceBytes = 8 * 1024;
static_assert(kPieceBytes <= ReadAhead::kBufferBytesMax);

}  // namespace

ReadAhead::ReadAhead(Loop& loop, std::unique_ptr<world::ByteStream> stream)
    : stream_(std::move(stream)),
      piece_(kPieceBytes),
      readable_(loop),
      room_(loop),
      ended_event_(loop),
      broken_event_(loop),
      scope_(loop, nullptr) {
  room_.set();
  scope_.spawn(pump());
}

Task<void> ReadAhead::pump() {
  while (true) {
    co_await room_.wait();
    if (!discarding_ && buffered().size() >= kBufferBytesMax) {
      room_.clear();
      continue;
    }
    Result<size_t> got = co_await stream_->read(std::span<char>(piece_)).result();
    if (!got.ok() || *got == 0) {
      if (!got.ok()) {
        error_.emplace(std::move(got).error());
        broken_event_.set();
      }
      ended_ = true;
      readable_.set();
      ended_event_.set();
      co_return kOk;
    }
    if (!discarding_) {
      buffer_.append(piece_.data(), *got);
      readable_.set();
    }
  }
}

void ReadAhead::consume(size_t bytes) {
  CHECK(bytes <= buffered().size());
  consumed_ += bytes;
  if (consumed_ == buffer_.size()) {
    buffer_.clear();
    consumed_ = 0;
    if (!ended_) {
      readable_.clear();
    }
  }
  if (buffered().size() < kBufferBytesMax) {
    room_.set();
  }
}

Task<void> ReadAhead::readable() {
  while (buffered().empty() && !ended_) {
    co_await readable_.wait();
  }
  co_return kOk;
}

Task<void> ReadAhead::until_broken() {
  co_await broken_event_.wait();
  co_return kOk;
}

Task<void> ReadAhead::until_ended() {
  co_await ended_event_.wait();
  co_return kOk;
}

void ReadAhead::discard() {
  discarding_ = true;
  consume(buffered().size());
  room_.set();
}

void ReadAhead::close() { stream_->close(); }

}  // namespace kelpie::net
