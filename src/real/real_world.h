// RealWorld: the World of one loop of one process on Linux.
#pragma once

#include "real/real_clock.h"
#include "real/real_loop.h"
#include "real/real_net.h"
#include "world/faults.h"
#include "world/log.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::real {

// No flag and no environment variable makes this say yes.
class RealFaults final : public world::Faults {
 public:
  bool mutant(std::string_view) override { return false; }
  bool buggify(std::string_view) override { return false; }
};

// A seed from the kernel's randomness; waits for it only in the first moments of a boot.
uint64_t random_seed();

// The loop and the log outlive it; the log may be shared by several loops.
class RealWorld {
 public:
  RealWorld(RealLoop& loop, world::Log& log, world::NodeName self);
  RealWorld(const RealWorld&) = delete;
  RealWorld& operator=(const RealWorld&) = delete;

  [[nodiscard]] World& world() { return world_; }

 private:
  RealClock clock_;
  world::Rng rng_;
  RealNet net_;
  RealFaults faults_;
  World world_;
};

}  // namespace kelpie::real
