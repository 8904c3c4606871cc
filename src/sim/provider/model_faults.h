// ModelFaults: what may go wrong at the model provider. ProviderSwarm: what a seed draws of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "sim/choices.h"
#include "sim/faults.h"

namespace kelpie::sim {

// Rates are per million of requests; at most one of these strikes a request, the first in this
// order.
struct ModelFaults {
  uint64_t timeout_rate = 0;         // no answer ever
  uint64_t rate_limit_rate = 0;      // 429, with and without a wait
  uint64_t server_error_rate = 0;    // 500, 502, 503, 529, in JSON, HTML or nothing
  uint64_t cut_rate = 0;             // the answer ends at any byte
  uint64_t malformed_rate = 0;       // 200 and nonsense
  uint64_t duplicate_call_rate = 0;  // of answers with tool calls: one comes twice, under one id
  uint64_t slow_rate = 0;            // long gaps, some longer than a client waits
  uint64_t empty_rate = 0;           // neither text nor a call
  uint64_t flood_rate = 0;           // an answer larger than the client takes

  // `knob(name, rate)` for each, in order.
  template <class Fn>
  void visit(Fn knob) {
    knob("model_timeout", timeout_rate);
    knob("model_rate_limit", rate_limit_rate);
    knob("model_server_error", server_error_rate);
    knob("model_cut", cut_rate);
    knob("model_malformed", malformed_rate);
    knob("model_duplicate_call", duplicate_call_rate);
    knob("model_slow", slow_rate);
    knob("model_empty", empty_rate);
    knob("model_flood", flood_rate);
  }
  void configure(FaultLedger& ledger) const;
  // What strikes the next request; a rate of zero draws nothing.
  std::optional<Fault> draw(ChoiceStream& stream) const;
};

// Whether and how a run's agents use the provider.
struct ProviderSwarm {
  bool in_use = false;  // most agents are made with the provider's model
  ModelFaults faults;
  Duration crash_interval;     // mean time between crashes of the provider's host; zero: none
  uint64_t bit_flip_rate = 0;  // of chunks of a TLS connection

  // All of them draw from forks of their own. One seed in three uses a provider; with `faults` it
  // may fail, with its crashes or without.
  static ProviderSwarm calm(const Choices& choices);
  static ProviderSwarm with_faults(const Choices& choices);
};

}  // namespace kelpie::sim
