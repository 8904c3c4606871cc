// Net: byte streams between hosts. HTTP, TLS and RPC are built above it, so that they cross the
// simulated network too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "async/task.h"
#include "base/bytes.h"

namespace kelpie::world {

struct Address {
  // A name, an IPv4 address, or an IPv6 address without brackets.
  std::string host;
  uint16_t port = 0;

  // `host:port`, with brackets around an IPv6 address.
  [[nodiscard]] std::string to_string() const;
  bool operator==(const Address&) const = default;
};

// Parses `host:port`, `[v6]:port`; the error says what was expected.
Result<Address> parse_address(std::string_view text);

// A connected, ordered, reliable stream of bytes. One reader and one writer at a time; they may be
// different tasks. Destroying it closes it. Dropping a pending operation leaves the stream fit only
// to be closed.
class ByteStream {
 public:
  ByteStream() = default;
  ByteStream(const ByteStream&) = delete;
  ByteStream& operator=(const ByteStream&) = delete;
  virtual ~ByteStream() = default;

  // Reads at least one byte and at most the buffer; 0 is the end of the stream. `unavailable` when
  // the connection broke. The buffer outlives the task.
  virtual Task<size_t> read(std::span<char> buffer) = 0;
  // Writes at least one byte and at most all; the caller goes on with the rest.
  virtual Task<size_t> write(ByteView bytes) = 0;
  // Sends the end of our direction after what was written.
  virtual void shutdown_write() = 0;
  // Breaks both directions now; pending operations end with an error. Idempotent.
  virtual void close() = 0;
  // The other side, for logs.
  [[nodiscard]] virtual std::string peer() const = 0;
};

// Writes all of it. The bytes outlive the task.
Task<void> write_all(ByteStream& stream, ByteView bytes);

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  virtual ~Listener() = default;

  // `cancelled` after `close`.
  virtual Task<std::unique_ptr<ByteStream>> accept() = 0;
  // Where it listens, with the port that the system chose if 0 was asked for.
  [[nodiscard]] virtual Address address() const = 0;
  virtual void close() = 0;
};

class Net {
 public:
  Net() = default;
  Net(const Net&) = delete;
  Net& operator=(const Net&) = delete;
  virtual ~Net() = default;

  // Resolves and connects. `unavailable` when nothing answers; bound it with async::timeout.
  virtual Task<std::unique_ptr<ByteStream>> dial(Address to) = 0;
  virtual Task<std::unique_ptr<Listener>> listen(Address at) = 0;
};

}  // namespace kelpie::world
