#include "api/actor_metrics.h"

#include <string>
#include <string_view>
#include <vector>

#include "actor/due_queue.h"

namespace kelpie::api {
namespace {

class Shown {
 public:
  Shown(obs::Metrics& metrics, obs::Labels labels)
      : metrics_(metrics), labels_(std::move(labels)) {}
  void total(std::string_view name, std::string_view help, uint64_t value) {
    metrics_.counter(name, help, labels_).mirror(value);
  }
  void now(std::string_view name, std::string_view help, size_t value) {
    metrics_.gauge(name, help, labels_).set(static_cast<int64_t>(value));
  }

 private:
  obs::Metrics& metrics_;
  obs::Labels labels_;
};

void show_type(obs::Metrics& metrics, const actor::ActorType& type, const obs::Labels& labels) {
  Shown shown(metrics, labels);
  const actor::TypeCounters& counters = type.counters;
  shown.total("kelpie_actor_turns_total", "Calls that were answered by a turn, or refused one.",
              counters.calls);
  shown.total("kelpie_actor_turn_failures_total", "Of these, those that ended with an error.",
              counters.failures);
  shown.total("kelpie_actor_reads_total", "Calls that were answered from memory, without a turn.",
              counters.reads);
  const actor::CallTimes& times = counters.times;
  metrics
      .histogram("kelpie_actor_turn_seconds", "From a call's arrival to its turn's answer.",
                 obs::Unit::kMicros, {times.kBoundsMicros.begin(), times.kBoundsMicros.end()},
                 labels)
      .mirror(times.buckets, times.sum_micros);
}

void show_due(Shown& shown, const actor::DueCounters& counters) {
  shown.total("kelpie_actor_messages_total", "Messages taken from inboxes.", counters.messages);
  shown.total("kelpie_actor_reminders_total", "Reminders fired.", counters.reminders);
  shown.total("kelpie_actor_due_failures_total", "Messages and reminders that failed, each try.",
              counters.failures);
}

}  // namespace

void show_actor_metrics(obs::Metrics& metrics, actor::Runtime& runtime, size_t loop) {
  const std::string label = std::to_string(loop);
  for (const auto& [name, type] : runtime.types()) {
    show_type(metrics, type, {{"type", name}, {"loop", label}});
  }
  Shown shown(metrics, {{"loop", label}});
  const actor::RuntimeCounters& counters = runtime.counters();
  shown.now("kelpie_actors_active", "Actors in memory.", runtime.active());
  shown.now("kelpie_actor_calls_pending", "Calls that wait for a turn, or are in one.",
            runtime.pending());
  shown.total("kelpie_actor_activations_total", "Actors brought into memory.",
              counters.activations);
  shown.total("kelpie_actor_deactivations_total", "Actors that left memory.",
              counters.deactivations);
  shown.total("kelpie_actor_evictions_total", "Of these, because there were too many.",
              counters.evictions);
  shown.total("kelpie_actor_commits_total", "Turns that committed.", counters.turns_committed);
  shown.total("kelpie_actor_conflicts_total", "Turns tried again after a conflict.",
              counters.turns_retried);
  shown.total("kelpie_actor_undecided_total", "Commits whose outcome had to be settled.",
              counters.turns_undecided);
  shown.total("kelpie_actor_fences_lost_total", "Turns refused because the epoch was replaced.",
              counters.fences_lost);
  shown.total("kelpie_actor_fence_checks_total", "Reads of the epoch for answers from memory.",
              runtime.read_checks().checks());
  shown.total("kelpie_actor_fence_passes_total", "Answers from memory that such a read released.",
              runtime.read_checks().passed());
  shown.total("kelpie_actor_dedupe_hits_total", "Calls answered from the record of their key.",
              counters.repetitions);
  shown.total("kelpie_actor_deadlocks_total", "Calls refused because they waited for themselves.",
              counters.deadlocks);
  shown.total("kelpie_actor_overloads_total", "Calls refused because too many waited.",
              counters.overloads);
  if (actor::DueQueue* due = runtime.due()) {
    show_due(shown, due->counters());
  }
}

}  // namespace kelpie::api
