// ReadAhead: a ByteStream with a task of its own that reads ahead into a bounded buffer.
//
// Dropping a pending read leaves a stream fit only to be closed, so a reader that must also watch a
// clock or write an answer cannot read itself. It waits for this buffer instead, and may stop
// waiting at any time. The buffer's reader also notices at once when the peer ends or breaks the
// connection, however busy everyone else is.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "world/net.h"

namespace kelpie::net {

// One Loop. Reads from its construction on; stops reading while the buffer is full.
class ReadAhead {
 public:
  static constexpr size_t kBufferBytesMax = 64 * 1024;

  ReadAhead(Loop& loop, std::unique_ptr<world::ByteStream> stream);

  // What has come and was not consumed; valid until the next `co_await` or `consume`.
  [[nodiscard]] std::string_view buffered() const {
    return std::string_view(buffer_).substr(consumed_);
  }
  void consume(size_t bytes);
  // Nothing comes after what is buffered: the peer ended its direction, or the connection broke.
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] bool broken() const { return error_.has_value(); }
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

  // Until there is something in the buffer, or never will be again.
  Task<void> readable();
  // Until the connection breaks; a peer that only ends its direction breaks nothing.
  Task<void> until_broken();
  // From now on what comes is thrown away, so that a peer that still sends can come to its end.
  void discard();
  // Until the peer has ended its direction or the connection broke.
  Task<void> until_ended();

  [[nodiscard]] world::ByteStream& stream() { return *stream_; }
  void close();

 private:
  Task<void> pump();

  std::unique_ptr<world::ByteStream> stream_;
  std::vector<char> piece_;
  std::string buffer_;
  size_t consumed_ = 0;
  bool discarding_ = false;
  bool ended_ = false;
  std::optional<Error> error_;
  async::Event readable_;
  async::Event room_;
  async::Event ended_event_;
  async::Event broken_event_;
  // Last, so that the task is gone before what it uses.
  Scope scope_;
};

}  // namespace kelpie::net
