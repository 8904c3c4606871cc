#include "real/real_world.h"

#include <sys/random.h>

#include <cerrno>
#include <utility>

#include "base/check.h"

namespace kelpie::real {

uint64_t random_seed() {
  uint64_t seed = 0;
  ssize_t count = 0;
  do {
    count = getrandom(&seed, sizeof(seed), 0);
  } while (count < 0 && errno == EINTR);
  // Up to 256 bytes come whole or not at all.
  CHECK(count == static_cast<ssize_t>(sizeof(seed)));
  return seed;
}

RealWorld::RealWorld(RealLoop& loop, world::Log& log, world::NodeName self)
    : rng_(random_seed()),
      net_(loop, log),
      world_{.loop = loop,
             .clock = clock_,
             .rng = rng_,
             .net = net_,
             .log = log,
             .faults = faults_,
             .self = std::move(self)} {}

}  // namespace kelpie::real
