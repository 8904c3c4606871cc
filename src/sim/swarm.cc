#include "sim/swarm.h"

#include <fmt/format.h>

#include <charconv>
#include <sstream>
#include <type_traits>

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
  kDiskFull,
  kSlowDisk,
  kClockJumps,
  kBuggify,
  kSyncFails,
  kWriteFails,
  kCorruption,
  kOutOfMemory,
  kPartitions,
  kSlowPairs,
  kPauses,
  kSlowCpu,
  kClockSkew,
  kStoreConflicts,
  kStoreLags,
  kStoreOverload,
  kStoreSlow,
  kCommitsUnknown,
  kCommitsLate,
  kStoreOutages,
  kWatches,
  kDeclaredDead,
  kRudeClients,
  kGracefulStops,
};
constexpr uint64_t kFamilies = static_cast<uint64_t>(Family::kGracefulStops) + 1;

void switch_on_network(Swarm& swarm, Family family, world::Rng& rng) {
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
    case Family::kPartitions:
      swarm.partition_interval = Duration::millis(rng.between(3'000, 30'000));
      break;
    case Family::kSlowPairs:
      swarm.slow_pair_max = Duration::millis(rng.between(5, 300));
      break;
    default:
      break;
  }
}

void switch_on_disk(Swarm& swarm, Family family, world::Rng& rng) {
  switch (family) {
    case Family::kReadFails:
      swarm.activation_read_fail_rate = rng.between(10'000, 210'000);
      swarm.disk.read_fail_rate = rng.chance(1, 2) ? rng.below(5'000) + 100 : 0;
      break;
    case Family::kDiskFull:
      swarm.disk.full_rate = rng.below(20'000) + 500;
      break;
    case Family::kSlowDisk:
      swarm.disk.slow_rate = rng.below(50'000) + 1'000;
      break;
    case Family::kSyncFails:
      swarm.disk.sync_fail_rate = rng.below(8'000) + 500;
      break;
    case Family::kWriteFails:
      swarm.disk.write_fail_rate = rng.below(8'000) + 500;
      break;
    case Family::kCorruption:
      swarm.disk.corrupt_rate = rng.below(3'000) + 100;
      break;
    case Family::kOutOfMemory:
      swarm.disk.no_memory_rate = rng.below(5'000) + 200;
      swarm.kill_interval = Duration::millis(rng.between(5'000, 40'000));
      break;
    default:
      break;
  }
}

void switch_on_host(Swarm& swarm, Family family, world::Rng& rng) {
  switch (family) {
    case Family::kCrashes:
      swarm.crash_interval = Duration::millis(rng.between(2'000, 20'000));
      break;
    case Family::kGracefulStops:
      swarm.stop_interval = Duration::millis(rng.between(2'000, 20'000));
      break;
    case Family::kPauses:
      swarm.pause_interval = Duration::millis(rng.between(3'000, 30'000));
      swarm.pause_max = Duration::millis(rng.between(100, 20'000));
      break;
    case Family::kSlowCpu:
      swarm.slow_cpu_max = Duration::micros(rng.between(10, 2'000));
      break;
    case Family::kClockJumps:
      swarm.clock_jump_interval = Duration::millis(rng.between(1'000, 10'000));
      break;
    case Family::kClockSkew:
      swarm.clock_drift_ppm_max = rng.between(100, 100'000);
      swarm.clock_swing_max = Duration::millis(rng.between(0, 10'000));
      swarm.monotonic_drift_ppm_max = rng.between(10, 100'000);
      break;
    case Family::kBuggify:
      swarm.buggify_per_million = 250'000;
      break;
    case Family::kRudeClients:
      swarm.rude_interval = Duration::millis(rng.between(200, 5'000));
      break;
    default:
      break;
  }
}

void switch_on_store(Swarm& swarm, Family family, world::Rng& rng) {
  FdbFaults& fdb = swarm.fdb;
  switch (family) {
    case Family::kStoreConflicts:
      fdb.false_conflict_rate = rng.below(100'000) + 1'000;
      break;
    case Family::kStoreLags:
      fdb.too_old_rate = rng.below(20'000) + 500;
      fdb.future_version_rate = rng.below(20'000) + 500;
      fdb.process_behind_rate = rng.below(20'000) + 500;
      break;
    case Family::kStoreOverload:
      fdb.throttled_rate = rng.below(20'000) + 500;
      break;
    case Family::kStoreSlow:
      fdb.slow_rate = rng.below(100'000) + 1'000;
      fdb.slow_max = Duration::millis(rng.between(5, 3'000));
      break;
    case Family::kCommitsUnknown:
      fdb.unknown_rate = rng.below(100'000) + 1'000;
      break;
    case Family::kCommitsLate:
      fdb.timed_out_rate = rng.below(60'000) + 1'000;
      fdb.version_changed_rate = rng.below(60'000) + 1'000;
      fdb.late_max = Duration::millis(rng.between(5, 8'000));
      break;
    case Family::kStoreOutages:
      fdb.unavailable_interval = Duration::millis(rng.between(5'000, 40'000));
      fdb.recovery_interval = Duration::millis(rng.between(5'000, 40'000));
      break;
    case Family::kWatches:
      fdb.watch_late_rate = rng.below(200'000) + 10'000;
      fdb.watch_spurious_rate = rng.below(200'000) + 10'000;
      fdb.watch_missed_rate = rng.below(200'000) + 10'000;
      break;
    case Family::kDeclaredDead:
      swarm.declare_dead_interval = Duration::millis(rng.between(2'000, 20'000));
      break;
    default:
      break;
  }
}

// Each family draws from a stream of its own, so that a new one does not shift the others.
void switch_on(Swarm& swarm, uint64_t family, const Choices& choices) {
  world::Rng rng = choices.fork(fmt::format("swarm/family/{}", family));
  switch_on_network(swarm, static_cast<Family>(family), rng);
  switch_on_disk(swarm, static_cast<Family>(family), rng);
  switch_on_host(swarm, static_cast<Family>(family), rng);
  switch_on_store(swarm, static_cast<Family>(family), rng);
}

int64_t as_number(Duration duration) { return duration.nanos(); }
int64_t as_number(Policy policy) { return static_cast<int64_t>(policy); }
template <class T>
int64_t as_number(T number) {
  static_assert(std::is_integral_v<T>);
  return static_cast<int64_t>(number);
}
void assign(Duration& field, int64_t value) { field = Duration::nanos(value); }
void assign(Policy& field, int64_t value) { field = static_cast<Policy>(value); }
template <class T>
void assign(T& field, int64_t value) {
  field = static_cast<T>(value);
}

}  // namespace

Swarm Swarm::calm(const Choices& choices, Profile profile) {
  world::Rng rng = choices.fork("swarm");
  Swarm swarm;
  swarm.scheduler.policy = static_cast<Policy>(rng.below(kPolicies));
  swarm.scheduler.pct_depth = rng.below(5) + 1;
  // A run has some thousand events, or some hundred thousand.
  swarm.scheduler.pct_span_events = uint64_t{1} << choices.fork("swarm/pct").between(12, 18);
  swarm.chaos = profile == Profile::kLong ? Duration::seconds(rng.between(600, 1'800))
                                          : Duration::seconds(rng.between(60, 120));
  swarm.loops = static_cast<int64_t>(choices.fork("swarm/loops").below(2)) + 1;
  swarm.nodes = static_cast<int64_t>(choices.fork("swarm/nodes").below(3)) + 2;
  swarm.clients = static_cast<int64_t>(choices.fork("swarm/clients").below(4)) + 2;
  swarm.provider = ProviderSwarm::calm(choices);
  world::Rng reads = choices.fork("swarm/reads");
  swarm.disk.read_tail_rate = reads.chance(1, 2) ? reads.below(200'000) + 10'000 : 0;
  return swarm;
}

Swarm Swarm::draw(const Choices& choices, Profile profile) {
  Swarm swarm = calm(choices, profile);
  world::Rng rng = choices.fork("swarm/families");
  const uint64_t shape = rng.below(20);
  if (shape == 0) {
    return swarm;
  }
  swarm.freezes = choices.fork("swarm/freezes").chance(3, 4);
  if (shape <= 3) {
    switch_on(swarm, rng.below(kFamilies), choices);
    return swarm;
  }
  for (uint64_t family = 0; family < kFamilies; ++family) {
    if (rng.chance(1, 2)) {
      switch_on(swarm, family, choices);
    }
  }
  if (rng.chance(3, 4)) {
    swarm.provider = ProviderSwarm::with_faults(choices);
  }
  return swarm;
}

void Swarm::visit(const Visit& visit) {
  const auto knob = [&visit](std::string_view name, auto& field) {
    const int64_t before = as_number(field);
    int64_t value = before;
    visit(name, value);
    if (value != before) {
      assign(field, value);
    }
  };
  knob("policy", scheduler.policy);
  knob("pct_depth", scheduler.pct_depth);
  knob("pct_span", scheduler.pct_span_events);
  knob("chaos_ns", chaos);
  knob("loops", loops);
  knob("nodes", nodes);
  knob("clients", clients);
  knob("rude_interval_ns", rude_interval);
  knob("buggify", buggify_per_million);
  knob("crash_interval_ns", crash_interval);
  knob("kill_interval_ns", kill_interval);
  knob("stop_interval_ns", stop_interval);
  knob("freezes", freezes);
  knob("pause_interval_ns", pause_interval);
  knob("pause_max_ns", pause_max);
  knob("slow_cpu_max_ns", slow_cpu_max);
  knob("activation_read_fail", activation_read_fail_rate);
  knob("partition_interval_ns", partition_interval);
  knob("slow_pair_max_ns", slow_pair_max);
  knob("clock_jump_interval_ns", clock_jump_interval);
  knob("clock_drift_ppm", clock_drift_ppm_max);
  knob("clock_swing_ns", clock_swing_max);
  knob("monotonic_drift_ppm", monotonic_drift_ppm_max);
  knob("latency_max_ns", network.latency_max);
  knob("tail", network.tail_rate);
  knob("clog", network.clog_rate);
  knob("reset", network.reset_rate);
  knob("black_hole", network.black_hole_rate);
  knob("partial", network.partial_rate);
  knob("read_tail", disk.read_tail_rate);
  knob("slow_disk", disk.slow_rate);
  knob("read_fail", disk.read_fail_rate);
  knob("corrupt", disk.corrupt_rate);
  knob("no_memory", disk.no_memory_rate);
  knob("disk_full", disk.full_rate);
  knob("write_fail", disk.write_fail_rate);
  knob("sync_fail", disk.sync_fail_rate);
  knob("fdb_too_old", fdb.too_old_rate);
  knob("fdb_future_version", fdb.future_version_rate);
  knob("fdb_process_behind", fdb.process_behind_rate);
  knob("fdb_throttled", fdb.throttled_rate);
  knob("fdb_slow", fdb.slow_rate);
  knob("fdb_slow_max_ns", fdb.slow_max);
  knob("fdb_false_conflict", fdb.false_conflict_rate);
  knob("fdb_unknown", fdb.unknown_rate);
  knob("fdb_timed_out", fdb.timed_out_rate);
  knob("fdb_version_changed", fdb.version_changed_rate);
  knob("fdb_late_max_ns", fdb.late_max);
  knob("fdb_unavailable_interval_ns", fdb.unavailable_interval);
  knob("fdb_recovery_interval_ns", fdb.recovery_interval);
  knob("fdb_watch_late", fdb.watch_late_rate);
  knob("fdb_watch_spurious", fdb.watch_spurious_rate);
  knob("fdb_watch_missed", fdb.watch_missed_rate);
  knob("declare_dead_interval_ns", declare_dead_interval);
  knob("provider", provider.in_use);
  knob("provider_crash_interval_ns", provider.crash_interval);
  knob("tls_bit_flip", provider.bit_flip_rate);
  provider.faults.visit(knob);
}

std::string Swarm::to_string() const {
  Swarm plain;
  std::map<std::string, int64_t, std::less<>> defaults;
  plain.visit([&](std::string_view name, int64_t& value) { defaults[std::string(name)] = value; });
  std::string text;
  Swarm copy = *this;
  copy.visit([&](std::string_view name, int64_t& value) {
    if (value != defaults.find(name)->second) {
      text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
    }
  });
  return text;
}

Result<Swarm> Swarm::parse(std::string_view text) {
  std::map<std::string, int64_t, std::less<>> wanted;
  std::istringstream words{std::string(text)};
  for (std::string word; words >> word;) {
    const size_t equals = word.find('=');
    int64_t value = 0;
    const char* const end = word.data() + word.size();
    if (equals == std::string::npos ||
        std::from_chars(word.data() + equals + 1, end, value).ptr != end) {
      return base::invalid_argument("expected name=number, got \"" + word + "\"");
    }
    wanted[word.substr(0, equals)] = value;
  }
  Swarm swarm;
  swarm.visit([&](std::string_view name, int64_t& value) {
    const auto found = wanted.find(name);
    if (found != wanted.end()) {
      value = found->second;
      wanted.erase(found);
    }
  });
  if (!wanted.empty()) {
    return base::invalid_argument("a swarm has no \"" + wanted.begin()->first + "\"");
  }
  return swarm;
}

}  // namespace kelpie::sim
