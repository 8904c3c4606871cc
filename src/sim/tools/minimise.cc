#include "sim/tools/minimise.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace kelpie::sim {
namespace {

// Whatever is found by then is small enough.
constexpr int64_t kChaosGrainNs = 250'000'000;
constexpr int kPassesMax = 3;
// Without the decisions of a stream a run may go on for ever; one that becomes this much longer is
// no smaller one.
constexpr uint64_t kEventsFactorMax = 2;
constexpr uint64_t kEventsMin = 10'000;
constexpr std::array<std::string_view, 3> kSizes = {"loops", "nodes", "clients"};

using Knobs = std::vector<std::pair<std::string, int64_t>>;

Knobs knobs_of(Swarm swarm) {
  Knobs knobs;
  swarm.visit(
      [&](std::string_view name, int64_t& value) { knobs.emplace_back(std::string(name), value); });
  return knobs;
}

Swarm with(Swarm swarm, std::string_view knob, int64_t to) {
  swarm.visit([&](std::string_view name, int64_t& value) { value = name == knob ? to : value; });
  return swarm;
}

class Minimiser {
 public:
  Minimiser(const ScenarioInfo& scenario, const MinimiseOptions& options)
      : scenario_(scenario), options_(options) {}

  Result<Minimised> run(const RunOptions& failing) {
    best_.run = failing;
    best_.run.choices.record = true;
    const RunResult first = run_seed(scenario_, best_.run);
    if (!first.failure) {
      return base::failed_precondition(fmt::format(
          "seed {} of {} is clean: there is nothing to minimise", failing.seed, scenario_.name));
    }
    best_.run.swarm = first.swarm;
    best_.failure = *first.failure;
    best_.events_before = best_.events = first.events;
    best_.decisions_before = first.tape.size();
    tape_ = first.tape;
    labels_ = first.labels;
    for (int pass = 0; pass < kPassesMax && shrink_swarm(); ++pass) {
    }
    best_.decisions = tape_.size();
    if (!best_.run.choices.tapes) {
      shrink_tape();
    }
    best_.run.choices.record = false;
    best_.runs = runs_;
    return std::move(best_);
  }

 private:
  // Runs it, and keeps it when it fails by the same promise.
  bool keeps_failing(const RunOptions& smaller) {
    if (runs_ >= options_.runs_max) {
      return false;
    }
    ++runs_;
    RunOptions bounded = smaller;
    bounded.events_until = best_.events * kEventsFactorMax + kEventsMin;
    const RunResult result = run_seed(scenario_, bounded);
    if (!result.failure || result.failure->oracle != best_.failure.oracle) {
      return false;
    }
    best_.run = smaller;
    best_.failure = *result.failure;
    best_.events = result.events;
    tape_ = result.tape;
    labels_ = result.labels;
    return true;
  }

  bool fails_with(std::string_view knob, int64_t to) {
    RunOptions smaller = best_.run;
    smaller.swarm = with(*best_.run.swarm, knob, to);
    return keeps_failing(smaller);
  }

  void say(const std::string& what) {
    if (options_.on_step) {
      options_.on_step(what);
    }
  }

  // Whether anything became smaller.
  bool shrink_swarm() {
    bool smaller = false;
    const Knobs off = knobs_of(Swarm{});
    for (const auto& [name, value] : knobs_of(*best_.run.swarm)) {
      const auto usual = std::ranges::find(off, name, &Knobs::value_type::first)->second;
      if (name == "chaos_ns") {
        smaller = shrink_chaos(value) || smaller;
      } else if (std::ranges::find(kSizes, name) != kSizes.end()) {
        smaller = shrink_size(name, value) || smaller;
      } else if (value != usual && fails_with(name, usual)) {
        say(fmt::format("{}: {} to {}", name, value, usual));
        smaller = true;
      }
    }
    return smaller;
  }

  bool shrink_chaos(int64_t from_ns) {
    int64_t fails_ns = from_ns;
    int64_t holds_ns = 0;
    while (fails_ns - holds_ns > kChaosGrainNs) {
      const int64_t middle_ns = holds_ns + (fails_ns - holds_ns) / 2;
      (fails_with("chaos_ns", middle_ns) ? fails_ns : holds_ns) = middle_ns;
    }
    if (fails_ns == from_ns) {
      return false;
    }
    say(fmt::format("chaos: {} ms to {} ms", from_ns / 1'000'000, fails_ns / 1'000'000));
    return true;
  }

  bool shrink_size(const std::string& name, int64_t from) {
    for (int64_t size = 1; size < from; ++size) {
      if (fails_with(name, size)) {
        say(fmt::format("{}: {} to {}", name, from, size));
        return true;
      }
    }
    return false;
  }

  bool fails_on(const Tape& tape, const StreamLabels& labels, size_t count) {
    RunOptions taped = best_.run;
    taped.choices.tapes = by_stream(tape, labels, count);
    taped.choices.beyond = Beyond::kMild;
    const bool fails = keeps_failing(taped);
    best_.decisions = fails ? std::min(count, tape.size()) : best_.decisions;
    return fails;
  }

  void shrink_tape() {
    Tape tape = tape_;
    const StreamLabels labels = labels_;
    if (!fails_on(tape, labels, tape.size())) {
      return;
    }
    for (const auto& [hash, label] : labels) {
      Tape without;
      std::ranges::copy_if(tape, std::back_inserter(without),
                           [&](const Choice& choice) { return choice.label_hash != hash; });
      if (without.size() < tape.size() && fails_on(without, labels, without.size())) {
        say(fmt::format("{}: {} decisions to none", label, tape.size() - without.size()));
        tape = std::move(without);
      }
    }
    size_t fails = tape.size();
    size_t holds = 0;
    if (fails_on(tape, labels, 0)) {
      fails = 0;
    }
    while (fails > holds + 1) {
      const size_t middle = holds + (fails - holds) / 2;
      (fails_on(tape, labels, middle) ? fails : holds) = middle;
    }
    if (fails < tape.size()) {
      say(fmt::format("tape: the first {} of {} decisions", fails, tape.size()));
    }
  }

  const ScenarioInfo& scenario_;
  const MinimiseOptions& options_;
  Minimised best_;
  Tape tape_;
  StreamLabels labels_;
  uint64_t runs_ = 0;
};

}  // namespace

Result<Minimised> minimise(const ScenarioInfo& scenario, const RunOptions& failing,
                           const MinimiseOptions& options) {
  return Minimiser(scenario, options).run(failing);
}

}  // namespace kelpie::sim
