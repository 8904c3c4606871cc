// Swarm testing (Groce et al. 2012): a random subset of fault families per seed finds what all of
// them at once hide.
#include <fmt/format.h>

#include "sim/simulation.h"

namespace kelpie::sim {
namespace {

enum class Family : uint8_t {
  kLatency,
  kClogs,
  kResets,
  kBlackHoles,
  kPartials,
  kCrashes,
  kReadFails,
  kWriteFails,
  kSlowDisk,
  kClockJumps,
  kBuggify,
  kSyncFails,
};
constexpr uint64_t kFamilies = static_cast<uint64_t>(Family::kSyncFails) + 1;

void switch_on(Swarm& swarm, Family family, world::Rng& rng) {
  switch (family) {
    case Family::kLatency:
      swarm.network.latency_max = Duration::millis(rng.between(1, 20));
      swarm.network.tail_rate = rng.below(20'000) + 1'000;
      break;
    case Family::kClogs:
      swarm.network.clog_rate = rng.below(5'000) + 500;
      break;
    case Family::kResets:
      swarm.network.reset_rate = rng.below(10'000) + 1'000;
      break;
    case Family::kBlackHoles:
      swarm.network.black_hole_rate = rng.below(3'000) + 300;
      break;
    case Family::kPartials:
      swarm.network.partial_rate = rng.below(500'000) + 10'000;
      break;
    case Family::kCrashes:
      swarm.crash_interval = Duration::millis(rng.between(2'000, 20'000));
      break;
    case Family::kReadFails:
      swarm.activation_read_fail_rate = rng.below(200'000) + 10'000;
      swarm.disk.read_fail_rate = rng.chance(1, 2) ? rng.below(5'000) + 100 : 0;
      break;
    case Family::kWriteFails:
      swarm.disk.write_fail_rate = rng.below(20'000) + 500;
      break;
    case Family::kSlowDisk:
      swarm.disk.slow_rate = rng.below(50'000) + 1'000;
      break;
    case Family::kClockJumps:
      swarm.clock_jump_interval = Duration::millis(rng.between(1'000, 10'000));
      break;
    case Family::kBuggify:
      swarm.buggify_per_million = 250'000;
      break;
    case Family::kSyncFails:
      swarm.disk.sync_fail_rate = rng.below(8'000) + 500;
      break;
  }
}

}  // namespace

Swarm Swarm::draw(const Choices& choices) {
  world::Rng rng = choices.fork("swarm");
  Swarm swarm;
  swarm.scheduler.policy = static_cast<Policy>(rng.below(4));
  swarm.scheduler.pct_depth = rng.below(5) + 1;
  swarm.chaos = Duration::seconds(rng.between(60, 120));
  swarm.loops = choices.fork("swarm/loops").below(2) + 1;
  world::Rng reads = choices.fork("swarm/reads");
  swarm.disk.read_tail_rate = reads.chance(1, 2) ? reads.below(200'000) + 10'000 : 0;
  const uint64_t shape = rng.below(20);
  if (shape == 0) {
    return swarm;
  }
  if (shape <= 3) {
    switch_on(swarm, static_cast<Family>(rng.below(kFamilies)), rng);
    return swarm;
  }
  for (uint64_t family = 0; family < kFamilies; ++family) {
    if (rng.chance(1, 2)) {
      switch_on(swarm, static_cast<Family>(family), rng);
    }
  }
  return swarm;
}

std::string Swarm::to_string() const {
  return fmt::format(
      "policy={} loops={} chaos_s={} read_tail={} latency_max_us={} tail={} clog={} reset={} "
      "hole={} partial={} crash_interval_ms={} activation_read_fail={} read_fail={} write_fail={} "
      "slow_disk={} sync_fail={} clock_jump_ms={} buggify={}",
      policy_name(scheduler.policy), loops, chaos.seconds(), disk.read_tail_rate,
      network.latency_max.micros(), network.tail_rate, network.clog_rate, network.reset_rate,
      network.black_hole_rate, network.partial_rate, crash_interval.millis(),
      activation_read_fail_rate, disk.read_fail_rate, disk.write_fail_rate, disk.slow_rate,
      disk.sync_fail_rate, clock_jump_interval.millis(), buggify_per_million);
}

}  // namespace kelpie::sim
