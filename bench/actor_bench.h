// The parts of actor_bench: each has a node of its own, over the embedded store.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actor/due_queue.h"
#include "actor/runtime.h"
#include "base/result.h"
#include "bench/harness.h"
#include "bench/store_bench.h"
#include "cluster/ownership.h"

namespace kelpie::bench {

struct ActorRun {
  int rounds = 0;
  int calls = 0;  // a round
  int actors = 0;
  int reminders = 0;
};

// An actor with a kilobyte of state that it keeps in memory and writes whole.
inline constexpr const char* kStateful = "stateful";
// One with none: its methods touch nothing.
inline constexpr const char* kStateless = "stateless";

class ActorBench {
 public:
  ActorBench() = default;
  Result<void> open(const std::string& directory);

  Bench machine;
  std::unique_ptr<OpenStore> store;
  std::optional<cluster::Ownership> ownership;
  std::optional<actor::Runtime> runtime;
  std::optional<actor::DueQueue> due;
  uint64_t fired = 0;
  Samples* lateness = nullptr;  // of reminders, in microseconds

  [[nodiscard]] Loop& loop() { return machine.loop; }
  [[nodiscard]] World& world() { return machine.real.world(); }
};

actor::ActorRef actor_of(const char* type, int number);

// B1: a call and its answer in one process: mailbox, deadline and reentrancy checks on, no store.
// Beside it one hop through the loop's queue.
Result<void> measure_calls(ActorBench& bench, const ActorRun& run, Report& report);
// B6: a linearizable read from memory, beside the same read without the check of the fence.
Result<void> measure_reads(ActorBench& bench, const ActorRun& run, Report& report);
// B7: activations without state a second, and the time of one that reads a kilobyte.
Result<void> measure_activations(ActorBench& bench, const ActorRun& run, Report& report);
// B8: what a resident actor that is idle takes, beside malloc of one small struct; and how long it
// takes to evict all of them.
Result<void> measure_memory(ActorBench& bench, const ActorRun& run, Report& report);
// B9: how late reminders are, with many pending and with few.
Result<void> measure_reminders(ActorBench& bench, const ActorRun& run, Report& report);

}  // namespace kelpie::bench
