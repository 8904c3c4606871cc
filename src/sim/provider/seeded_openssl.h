// SeededOpenSsl: OpenSSL's randomness and time for one simulation.
#pragma once

#include "sim/scheduler.h"
#include "sim/tripwire.h"
#include "world/rng.h"

namespace kelpie::sim {

// While one exists, OpenSSL draws all randomness from the stream that it is given, and `time`, with
// which OpenSSL stamps sessions that never leave it, is the simulation's. Nothing of it is left
// behind. At most one in a process, and no other thread may use OpenSSL meanwhile: to it, OpenSSL
// has no randomness.
class SeededOpenSsl {
 public:
  // The scheduler outlives it.
  SeededOpenSsl(world::Rng rng, const Scheduler& scheduler);
  SeededOpenSsl(const SeededOpenSsl&) = delete;
  SeededOpenSsl& operator=(const SeededOpenSsl&) = delete;
  ~SeededOpenSsl();

 private:
  world::Rng rng_;
  AnsweredTime time_;
  const void* method_before_;
};

}  // namespace kelpie::sim
