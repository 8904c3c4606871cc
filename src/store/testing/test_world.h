// TestWorld: a World for tests of the store: no network, no clock, no faults but those that a test
// plants. Test support.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "world/clock.h"
#include "world/faults.h"
#include "world/log.h"
#include "world/net.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::store::testing {

class StillClock final : public world::Clock {
 public:
  [[nodiscard]] WallTime wall() const override { return WallTime::from_seconds(1'700'000'000); }
};

class NoNet final : public world::Net {
 public:
  Task<std::unique_ptr<world::ByteStream>> dial(world::Address) override {
    co_return base::unavailable("there is no network in this test");
  }
  Task<std::unique_ptr<world::Listener>> listen(world::Address) override {
    co_return base::unavailable("there is no network in this test");
  }
};

class EventLog final : public world::Log {
 public:
  [[nodiscard]] bool enabled(world::LogLevel) const override { return true; }
  void write(world::LogLevel, std::string_view event,
             std::initializer_list<world::LogField>) override {
    events.emplace_back(event);
  }
  std::vector<std::string> events;
};

class PlantedFaults final : public world::Faults {
 public:
  [[nodiscard]] bool mutant(std::string_view name) override {
    return planted.contains(std::string(name));
  }
  [[nodiscard]] bool buggify(std::string_view site) override {
    return planted.contains(std::string(site));
  }
  // Mutants and sites that are on, always.
  std::set<std::string> planted;
};

struct TestWorld {
  explicit TestWorld(Loop& loop)
      : world{loop, clock, rng, net, log, faults, world::NodeName("test")} {}
  StillClock clock;
  world::Rng rng{1};
  NoNet net;
  EventLog log;
  PlantedFaults faults;
  World world;
};

}  // namespace kelpie::store::testing
