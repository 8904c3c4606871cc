// In-memory streams for tests: a pair of connected ByteStreams, and a Net made of them.
//
// They behave as TCP does where it matters: bounded buffers, partial reads and writes, half close,
// a close that lets the peer read what was sent, and one that resets because something was unread.
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "async/sleep.h"
#include "world/net.h"

namespace kelpie::net::testing {

struct PipeOptions {
  // What one direction holds before its writer waits.
  size_t buffer_bytes_max = 64 * 1024;
  // The most that one read or write moves.
  size_t read_bytes_max = 64 * 1024;
  size_t write_bytes_max = 64 * 1024;
};

// One direction. Shared by both ends.
struct PipeDirection {
  explicit PipeDirection(Loop& loop) : readable(loop), writable(loop) { writable.set(); }
  std::string bytes;
  bool ended = false;   // no more will be written
  bool broken = false;  // reset, or nobody is left to read it
  async::Event readable;
  async::Event writable;

  void end() {
    ended = true;
    readable.set();
    writable.set();
  }
  void break_off() {
    broken = true;
    readable.set();
    writable.set();
  }
};

class PipeStream final : public world::ByteStream {
 public:
  PipeStream(Loop& loop, std::shared_ptr<PipeDirection> in, std::shared_ptr<PipeDirection> out,
             PipeOptions options, std::string peer)
      : loop_(loop),
        in_(std::move(in)),
        out_(std::move(out)),
        options_(options),
        peer_(std::move(peer)) {}
  ~PipeStream() override { close(); }

  Task<size_t> read(std::span<char> buffer) override {
    // Through the loop every time, as a socket's completion is.
    co_await async::yield(loop_);
    while (in_->bytes.empty() && !in_->ended && !in_->broken) {
      in_->readable.clear();
      co_await in_->readable.wait();
    }
    if (in_->broken) {
      co_return base::unavailable("connection reset");
    }
    const size_t size = std::min({buffer.size(), in_->bytes.size(), options_.read_bytes_max});
    std::copy_n(in_->bytes.data(), size, buffer.data());
    in_->bytes.erase(0, size);
    in_->writable.set();
    co_return size;
  }

  Task<size_t> write(ByteView bytes) override {
    co_await async::yield(loop_);
    while (!out_->broken && !out_->ended && out_->bytes.size() >= options_.buffer_bytes_max) {
      out_->writable.clear();
      co_await out_->writable.wait();
    }
    if (out_->broken || out_->ended) {
      // As the reset does that answers bytes nobody reads.
      in_->break_off();
      co_return base::unavailable("broken pipe");
    }
    const size_t room = options_.buffer_bytes_max - out_->bytes.size();
    const size_t size = std::min({bytes.size(), room, options_.write_bytes_max});
    out_->bytes.append(bytes.substr(0, size));
    out_->readable.set();
    co_return size;
  }

  void shutdown_write() override { out_->end(); }
  // With unread bytes it is a reset, which takes back what the peer has not read yet.
  void close() override {
    if (closed_) {
      return;
    }
    closed_ = true;
    if (in_->bytes.empty() || in_->broken) {
      out_->end();
    } else {
      out_->break_off();
    }
    in_->break_off();
  }
  [[nodiscard]] std::string peer() const override { return peer_; }

 private:
  Loop& loop_;
  std::shared_ptr<PipeDirection> in_;
  std::shared_ptr<PipeDirection> out_;
  PipeOptions options_;
  std::string peer_;
  bool closed_ = false;
};

struct Pipe {
  std::unique_ptr<world::ByteStream> client;
  std::unique_ptr<world::ByteStream> server;
};

inline Pipe make_pipe(Loop& loop, PipeOptions options = {}) {
  auto up = std::make_shared<PipeDirection>(loop);
  auto down = std::make_shared<PipeDirection>(loop);
  return Pipe{std::make_unique<PipeStream>(loop, down, up, options, "pipe-server"),
              std::make_unique<PipeStream>(loop, up, down, options, "pipe-client")};
}

// What connects dials with listeners. Shared, so that a listener may outlive its Net.
struct PipeBoard {
  struct Backlog {
    explicit Backlog(Loop& loop) : arrived(loop) {}
    std::deque<std::unique_ptr<world::ByteStream>> streams;
    bool closed = false;
    async::Event arrived;
  };
  std::map<std::string, std::shared_ptr<Backlog>> listening;
};

class PipeListener final : public world::Listener {
 public:
  PipeListener(std::shared_ptr<PipeBoard> board, std::shared_ptr<PipeBoard::Backlog> backlog,
               world::Address at)
      : board_(std::move(board)), backlog_(std::move(backlog)), at_(std::move(at)) {}
  ~PipeListener() override { close(); }

  Task<std::unique_ptr<world::ByteStream>> accept() override {
    while (backlog_->streams.empty() && !backlog_->closed) {
      backlog_->arrived.clear();
      co_await backlog_->arrived.wait();
    }
    if (backlog_->closed) {
      co_return base::cancelled("the listener is closed");
    }
    std::unique_ptr<world::ByteStream> stream = std::move(backlog_->streams.front());
    backlog_->streams.pop_front();
    co_return std::move(stream);
  }
  [[nodiscard]] world::Address address() const override { return at_; }
  void close() override {
    if (backlog_->closed) {
      return;
    }
    backlog_->closed = true;
    backlog_->streams.clear();
    backlog_->arrived.set();
    board_->listening.erase(at_.to_string());
  }

 private:
  std::shared_ptr<PipeBoard> board_;
  std::shared_ptr<PipeBoard::Backlog> backlog_;
  world::Address at_;
};

// Any host name and port can be listened at; dialling the same pair connects.
class PipeNet final : public world::Net {
 public:
  explicit PipeNet(Loop& loop, PipeOptions options = {}) : loop_(loop), options_(options) {}

  Task<std::unique_ptr<world::ByteStream>> dial(world::Address to) override {
    co_await async::yield(loop_);
    ++dials_;
    const auto found = board_->listening.find(to.to_string());
    if (found == board_->listening.end()) {
      co_return base::unavailable("nothing listens at " + to.to_string());
    }
    Pipe pipe = make_pipe(loop_, options_);
    found->second->streams.push_back(std::move(pipe.server));
    found->second->arrived.set();
    co_return std::move(pipe.client);
  }
  Task<std::unique_ptr<world::Listener>> listen(world::Address at) override {
    if (at.port == 0) {
      at.port = next_port_++;
    }
    const std::string name = at.to_string();
    if (board_->listening.contains(name)) {
      co_return base::already_exists("something listens at " + name);
    }
    auto backlog = std::make_shared<PipeBoard::Backlog>(loop_);
    board_->listening.emplace(name, backlog);
    co_return std::unique_ptr<world::Listener>(
        std::make_unique<PipeListener>(board_, std::move(backlog), std::move(at)));
  }
  // How often someone has dialled.
  [[nodiscard]] size_t dials() const { return dials_; }

 private:
  Loop& loop_;
  PipeOptions options_;
  std::shared_ptr<PipeBoard> board_ = std::make_shared<PipeBoard>();
  uint16_t next_port_ = 40'000;
  size_t dials_ = 0;
};

}  // namespace kelpie::net::testing
