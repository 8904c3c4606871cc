#include "sim/explore/explorer.h"

#include <fmt/format.h>

#include <charconv>
#include <set>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "sim/explore/depth_first.h"
#include "sim/explore/small_run.h"
#include "sim/tripwire.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kSeed = 1;

// Decides by a list of values, and remembers what was asked.
class Scripted final : public Decider {
 public:
  Scripted(const Tape& script, std::span<const std::string_view> decisions) : script_(script) {
    explored_.insert(base::hash64("schedule/order"));
    for (const std::string_view label : decisions) {
      explored_.insert(base::hash64(label));
    }
  }
  void set_active(bool active) { active_ = active; }
  [[nodiscard]] bool ended() const { return false; }
  [[nodiscard]] const Tape& tape() const { return tape_; }

  uint64_t decide(uint64_t label_hash, uint64_t bound) override {
    if (!active_ || !explored_.contains(label_hash)) {
      return 0;
    }
    const uint64_t wanted = tape_.size() < script_.size() ? script_[tape_.size()].value : 0;
    const uint64_t value = wanted < bound ? wanted : 0;
    tape_.push_back(Choice{label_hash, bound, value});
    return value;
  }

 private:
  const Tape& script_;
  std::set<uint64_t> explored_;
  Tape tape_;
  bool active_ = false;
};

struct Ended {
  std::optional<Failure> failure;
  uint64_t hash = 0;
  uint64_t end = 0;
};

// Runs one of the fixed parts.
void drive(Simulation& simulation, Task<void> task) {
  bool done = false;
  done = task.start([](void* ended) { *static_cast<bool*>(ended) = true; }, &done);
  simulation.run_until(done);
  if (done) {
    const Result<void> result = task.take();
    if (!result.ok()) {
      simulation.fail("scenario", result.error().to_string());
    }
  }
}

// One run. `Decides` is a Decider that can be made active and can end the run.
template <class Decides>
Ended run_once(const SmallScenarioInfo& info, Decides& decides, ReadyListener* listener,
               const MutantSet& mutants, Trace::Sink sink) {
  Tripwire armed;
  Swarm swarm;
  swarm.scheduler = {.policy = info.policy, .tick_min_ns = 0, .tick_spread_ns = 1};
  swarm.disk = {.read_max = Duration::micros(1), .sync_min = Duration(), .sync_max = Duration()};
  Simulation simulation(
      SimulationOptions{.seed = kSeed, .mutants = mutants, .sink = std::move(sink)}, swarm);
  simulation.choices().set_decider(decides);
  if (listener != nullptr) {
    simulation.scheduler().set_ready_listener(*listener);
  }
  SmallRun run(simulation);
  const std::unique_ptr<SmallScenario> scenario = info.make(run);
  drive(simulation, scenario->set_up());
  if (!simulation.failure()) {
    scenario->start();
    decides.set_active(true);
    while (!simulation.failure() && !decides.ended() && simulation.scheduler().step()) {
    }
    decides.set_active(false);
    if (!simulation.scheduler().tripped().empty()) {
      simulation.fail("guard", simulation.scheduler().tripped());
    }
  }
  if (!decides.ended() && !simulation.failure()) {
    run.check_ended();
    drive(simulation, scenario->judge());
  }
  run.drop_tasks();
  return Ended{simulation.failure(), simulation.trace().hash(), run.end()};
}

}  // namespace

ExploreResult explore(const SmallScenarioInfo& scenario, ExploreOptions options,
                      const MutantSet& mutants) {
  // Where work of one host keeps its order, what two others post to it does not commute.
  const Reduction reduction = options.reduction.value_or(scenario.reduction);
  CHECK(reduction == Reduction::kNone || scenario.policy == Policy::kUniform);
  DepthFirst tree({.decisions = scenario.decisions,
                   .reduction = reduction,
                   .choices_max = options.choices_max});
  ExploreResult result;
  std::set<uint64_t> ends;
  for (uint64_t at = 1; at <= options.runs_max && !result.exhausted; ++at) {
    tree.begin_run();
    Ended ended = run_once(scenario, tree, &tree, mutants, nullptr);
    if (tree.diverged()) {
      ended.failure = Failure{"S22", "the same decisions led to another decision"};
    }
    const Tape tape = tree.tape();
    result.tape_max = std::max(result.tape_max, tape.size());
    if (ended.failure) {
      result.violation = Violation{*std::move(ended.failure), tape, at};
      break;
    }
    if (tree.ended()) {
      ++(tree.redundant() ? result.redundant : result.truncated);
    } else {
      ++result.runs;
      ends.insert(ended.end);
    }
    result.exhausted = !tree.next();
  }
  result.ends = ends.size();
  return result;
}

SmallReplay replay_small(const SmallScenarioInfo& scenario, const Tape& tape,
                         const MutantSet& mutants, Trace::Sink sink) {
  Scripted script(tape, scenario.decisions);
  Ended ended = run_once(scenario, script, nullptr, mutants, std::move(sink));
  return SmallReplay{std::move(ended.failure), ended.hash, script.tape()};
}

std::string ExploreResult::to_string() const {
  std::string line =
      fmt::format("{} runs ({} redundant, {} cut off), longest tape {}, {} ends, {}", runs,
                  redundant, truncated, tape_max, ends, exhausted ? "exhausted" : "not exhausted");
  if (violation) {
    line += fmt::format("; {} broken in run {}: {}; tape {}", violation->failure.oracle,
                        violation->at_run, violation->failure.message, tape_text(violation->tape));
  }
  return line;
}

std::string tape_text(const Tape& tape) {
  size_t size = tape.size();
  while (size > 0 && tape[size - 1].value == 0) {
    --size;
  }
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ".", tape[i].value);
  }
  return text.empty() ? "0" : text;
}

Result<Tape> parse_tape(std::string_view text) {
  Tape tape;
  const char* at = text.data();
  const char* const end = at + text.size();
  for (;;) {
    uint64_t value = 0;
    const auto [next, code] = std::from_chars(at, end, value);
    if (code != std::errc()) {
      return base::invalid_argument(fmt::format(
          "\"{}\" is no tape: expected numbers with dots between them, as in 2.0.1", text));
    }
    tape.push_back(Choice{.value = value});
    if (next == end) {
      return tape;
    }
    if (*next != '.') {
      return base::invalid_argument(
          fmt::format("\"{}\" has '{}' where a dot was expected", text, std::string_view(next, 1)));
    }
    at = next + 1;
  }
}

const SmallScenarioInfo* find_small_scenario(std::string_view name) {
  for (const SmallScenarioInfo& each : small_scenarios()) {
    if (each.name == name) {
      return &each;
    }
  }
  return nullptr;
}

}  // namespace kelpie::sim
