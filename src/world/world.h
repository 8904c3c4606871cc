// World: everything that the house knows of the machine it runs on. `real/` is one body of it,
// `sim/` the other; nothing below them includes either.
#pragma once

#include <string>

#include "base/strong.h"

namespace kelpie::async {
class Loop;
}

namespace kelpie::world {

class Clock;
class Rng;
class Net;
class Log;
class Faults;

using NodeName = base::Strong<struct NodeNameTag, std::string>;

// One per (node incarnation, loop); passed by constructor, never global. What it refers to
// outlives it.
struct World {
  async::Loop& loop;
  Clock& clock;
  Rng& rng;
  Net& net;
  Log& log;
  Faults& faults;
  NodeName self;
};

}  // namespace kelpie::world

namespace kelpie {
using world::World;
}  // namespace kelpie
