// TestWorld: a World for unit tests of what talks over the network, in virtual time.
#pragma once

#include <string>
#include <vector>

#include "async/manual_loop.h"
#include "net/testing/pipe.h"
#include "world/clock.h"
#include "world/faults.h"
#include "world/log.h"
#include "world/net.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::net::testing {

class FixedClock final : public world::Clock {
 public:
  [[nodiscard]] WallTime wall() const override { return now; }
  WallTime now = WallTime::from_seconds(1'795'208'532);
};

class NoFaults final : public world::Faults {
 public:
  [[nodiscard]] bool mutant(std::string_view) override { return false; }
  [[nodiscard]] bool buggify(std::string_view) override { return false; }
};

// Keeps the events' sentences, of warnings and errors.
class RecordingLog final : public world::Log {
 public:
  [[nodiscard]] bool enabled(world::LogLevel) const override { return true; }
  void write(world::LogLevel level, std::string_view event,
             std::initializer_list<world::LogField>) override {
    if (level >= world::LogLevel::kWarn) {
      complaints.emplace_back(event);
    }
  }
  std::vector<std::string> complaints;
};

// The loop is the last to go: its queue may hold frames that refer to the rest.
struct TestWorld {
  explicit TestWorld(PipeOptions pipes = {}) : net(loop, pipes) {}
  async::ManualLoop loop;
  FixedClock clock;
  world::Rng rng{1};
  PipeNet net;
  RecordingLog log;
  NoFaults faults;
  World world{loop, clock, rng, net, log, faults, world::NodeName("test")};
};

}  // namespace kelpie::net::testing
