// RealNet: TCP over IPv4 and IPv6.
#pragma once

#include <memory>

#include "real/real_loop.h"
#include "world/log.h"
#include "world/net.h"

namespace kelpie::real {

// One Loop; loop and log outlive it and its streams. Streams have TCP_NODELAY, listeners
// SO_REUSEADDR. The kernel is asked for readiness only, and bytes move in calls of our own: no
// buffer is ever held while a task waits, so a task may be dropped at any moment, and here (more
// than the contract asks) the stream stays usable.
// Names are resolved on a thread that all dials of a loop share: a name server that does not
// answer holds up the other names, but neither addresses nor the loop.
class RealNet final : public world::Net {
 public:
  RealNet(RealLoop& loop, world::Log& log);

  Task<std::unique_ptr<world::ByteStream>> dial(world::Address to) override;
  Task<std::unique_ptr<world::Listener>> listen(world::Address at) override;

 private:
  RealLoop& loop_;
  world::Log& log_;
};

}  // namespace kelpie::real
