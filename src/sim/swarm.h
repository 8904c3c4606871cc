// Swarm: what a seed draws for its whole run: which faults there are and how often, how clocks and
// processors are, how work is ordered. Swarm testing (Groce et al., "Swarm Testing", ISSTA 2012): a
// random subset of fault families per seed finds what all of them at once hide.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "sim/choices.h"
#include "sim/durable_disk.h"
#include "sim/fdb/faults.h"
#include "sim/network.h"
#include "sim/provider/model_faults.h"
#include "sim/scheduler.h"

namespace kelpie::sim {

// How long the chaos of a run lasts.
enum class Profile : uint8_t {
  kShort,  // 60 to 120 simulated seconds
  kLong,   // 10 to 30 simulated minutes
};

// Rates are per million of their occasion; an interval is a mean, and zero says never.
struct Swarm {
  SchedulerOptions scheduler;
  NetworkOptions network;
  DiskOptions disk;
  Duration chaos = Duration::seconds(60);
  int64_t loops = 1;                // of a server's process
  int64_t nodes = 1;                // servers, where a scenario has several
  int64_t clients = 3;              // where a scenario has a choice
  int64_t buggify_per_million = 0;  // of sites that are on

  // Hosts.
  Duration crash_interval;
  Duration kill_interval;  // killed for want of memory
  Duration stop_interval;  // stopped in order, whatever is in flight
  Duration pause_interval;
  Duration pause_max = Duration::seconds(20);
  Duration slow_cpu_max;                  // a host takes up to so long for each piece of work
  int64_t activation_read_fail_rate = 0;  // of reads in the first seconds after a start

  // When the chaos ends, some of what is broken stays so (frozen.h).
  bool freezes = false;

  // Clients that misbehave.
  Duration rude_interval;

  // Links.
  Duration partition_interval;
  Duration slow_pair_max;

  // Clocks.
  Duration clock_jump_interval;
  int64_t clock_drift_ppm_max = 0;
  Duration clock_swing_max;
  int64_t monotonic_drift_ppm_max = 0;

  // The model provider.
  ProviderSwarm provider;

  // A shared store, and what its nodes' keepers do.
  FdbFaults fdb;
  Duration declare_dead_interval;  // of a node, whether it lives or not

  // Some seeds have no faults, some exactly one family, most a random subset.
  static Swarm draw(const Choices& choices, Profile profile = Profile::kShort);
  // No faults at all, whatever the seed.
  static Swarm calm(const Choices& choices, Profile profile = Profile::kShort);

  // Every knob with its name, in one fixed order: a count, a rate, or nanoseconds.
  using Visit = std::function<void(std::string_view name, int64_t& value)>;
  void visit(const Visit& visit);
  // All of it on one line, `name=value` each; what `parse` reads. Knobs at their default are left
  // out.
  [[nodiscard]] std::string to_string() const;
  // invalid_argument names the word that it cannot read.
  static Result<Swarm> parse(std::string_view text);
};

}  // namespace kelpie::sim
