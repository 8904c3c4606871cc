// What a runtime knows of a type of actors, and of that type in one namespace.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "actor/actor.h"
#include "base/time.h"

namespace kelpie::actor {

struct TypeOptions {
  // Its actors are MethodActors. Says how a method runs; must answer any name.
  std::function<MethodKind(std::string_view method)> methods;
  // An actor that has never committed anything stays active until it is idle, like any other. For
  // types whose actors have no state.
  bool stays_without_state = false;
};

// How long calls took, from the mailbox to the answer.
struct CallTimes {
  // Inclusive upper bounds of the buckets, in microseconds; the last bucket has none.
  static constexpr std::array<int64_t, 18> kBoundsMicros = {
      100,       250,       500,       1'000,      2'500,      5'000,
      10'000,    25'000,    50'000,    100'000,    250'000,    500'000,
      1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};
  std::array<uint64_t, kBoundsMicros.size() + 1> buckets{};  // each alone, not cumulative
  int64_t sum_micros = 0;

  void add(Duration took) {
    const auto place = std::ranges::lower_bound(kBoundsMicros, took.micros());
    ++buckets[static_cast<size_t>(place - kBoundsMicros.begin())];
    sum_micros += took.micros();
  }
};

struct TypeCounters {
  uint64_t calls = 0;     // ended, in whatever way
  uint64_t failures = 0;  // of these, with an error
  uint64_t reads = 0;     // answered from memory
  CallTimes times;        // of `calls`
};

struct ActorType {
  std::string name;
  ActorFactory factory;
  TypeOptions options;
  TypeCounters counters;
};

// Shared by the activations of a type in a namespace.
struct Kind {
  ActorType& type;
  std::string ns;
  size_t activations = 0;
};

}  // namespace kelpie::actor
