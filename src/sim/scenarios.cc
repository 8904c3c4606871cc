#include <array>
#include <string>

#include "async/sleep.h"
#include "sim/actors/actors_scenario.h"
#include "sim/first_light.h"
#include "sim/messages/messages_scenario.h"
#include "sim/scenario.h"
#include "sim/takeover/takeover_scenario.h"
#include "sim/transactions/transactions_scenario.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kCanaryPerMillion = 10'000;

// Fails on purpose in one seed of a hundred: whoever runs a campaign of it and sees no failure has
// a simulator that reports none.
class Canary final : public Scenario {
 public:
  explicit Canary(Simulation& simulation) : simulation_(simulation) {}

  Task<void> run() override {
    SimHost& host = simulation_.add_host("canary");
    host.boot();
    for (int i = 0; i < 10; ++i) {
      co_await async::sleep_for(host.loop(), Duration::millis(1));
    }
    co_await async::yield(simulation_.loop());
    host.stop();
    co_return kOk;
  }
  void judge() override {
    if (simulation_.choices().seed_has("canary", kCanaryPerMillion)) {
      simulation_.fail("canary", "this seed fails on purpose");
    }
  }
  [[nodiscard]] uint64_t operations() const override { return 1; }

 private:
  Simulation& simulation_;
};

std::unique_ptr<Scenario> make_canary(Simulation& simulation) {
  return std::make_unique<Canary>(simulation);
}

constexpr std::array kScenarios = {
    ScenarioInfo{
        "first_light",
        "one server, its HTTP clients and its disk: crashes, kills, stops, pauses, partitions, "
        "disk faults, rude clients, sometimes a provider that fails",
        0, make_first_light},
    ScenarioInfo{"provider", "first_light with agents whose model is a provider that fails", 0,
                 make_provider},
    ScenarioInfo{"tls", "provider over TLS, on a wire that damages bytes", 0, make_tls},
    ScenarioInfo{"actors",
                 "nodes that share a store, crash, stand still and are declared dead; their actors "
                 "are called on any of them",
                 0, make_actors},
    ScenarioInfo{"messages",
                 "the same nodes; their actors send, call and remind each other, and each call has "
                 "a key",
                 0, make_messages},
    ScenarioInfo{"takeover",
                 "servers that take one shared store from each other, HTTP clients of all", 0,
                 make_takeover},
    ScenarioInfo{"transactions",
                 "clients on the store itself: the embedded pipeline, or the FoundationDB adapter",
                 0, make_transactions},
    ScenarioInfo{"canary", "fails on purpose in 1 % of seeds", kCanaryPerMillion, make_canary},
};

}  // namespace

std::span<const ScenarioInfo> scenarios() { return kScenarios; }

const ScenarioInfo* find_scenario(std::string_view name) {
  for (const ScenarioInfo& scenario : kScenarios) {
    if (scenario.name == name) {
      return &scenario;
    }
  }
  return nullptr;
}

}  // namespace kelpie::sim
