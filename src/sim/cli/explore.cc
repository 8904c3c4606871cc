// `kelpie sim explore`: small scenarios, exhausted.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "sim/cli/output.h"
#include "sim/cli/verbs.h"
#include "sim/explore/explorer.h"

namespace kelpie::sim {
namespace {

std::string verdict_of(const SmallScenarioInfo& scenario, const ExploreResult& result) {
  if (result.violation) {
    return "FAILED by " + result.violation->failure.oracle;
  }
  if (!result.passed()) {
    return "NOT EXHAUSTED";
  }
  if (scenario.ends != 0 && result.ends != scenario.ends) {
    return fmt::format("{} ENDS instead of {}: the race does not take place", result.ends,
                       scenario.ends);
  }
  return "exhausted";
}

void print_violation(const SmallScenarioInfo& scenario, const Violation& violation,
                     const MutantSet& mutants) {
  std::string command =
      fmt::format("kelpie sim explore {} --tape {}", scenario.name, tape_text(violation.tape));
  for (const std::string& mutant : mutants) {
    command += " --mutant " + mutant;
  }
  fmt::print("  {}: {}\n  replay: {} --trace\n", violation.failure.oracle,
             violation.failure.message, command);
}

// Whether it passed.
Result<bool> explore_one(const SmallScenarioInfo& scenario, const Flags& flags, LogFile& file) {
  const Stopwatch watch;
  const ExploreResult result = explore(scenario, ExploreOptions{}, flags.mutants);
  ExploreLine line{.name = std::string(scenario.name),
                   .what = std::string(scenario.what),
                   .commit = flags.version,
                   .verdict = verdict_of(scenario, result),
                   .result = result.to_string(),
                   .runs = result.runs,
                   .ends = result.ends,
                   .wall_ms = watch.ms()};
  fmt::print("{}: {}, {}, {:.1f} s\n", line.name, line.verdict, line.result,
             static_cast<double>(line.wall_ms) / 1'000);
  if (result.violation) {
    print_violation(scenario, *result.violation, flags.mutants);
  }
  std::fflush(stdout);
  if (flags.mutants.empty()) {
    TRY(file.add(to_line(line)));
  }
  return line.verdict == "exhausted";
}

// Each planted bug of a small scenario must be found in its space, by its oracle.
bool plant(const SmallScenarioInfo& scenario) {
  bool all = true;
  for (const SmallMutant& mutant : scenario.mutants) {
    const Stopwatch watch;
    const MutantSet on = {std::string(mutant.name)};
    const ExploreResult result = explore(scenario, ExploreOptions{}, on);
    const bool caught = result.violation && result.violation->failure.oracle == mutant.oracle;
    fmt::print("{} with {}: {} at run {}, {:.1f} s\n", scenario.name, mutant.name,
               caught             ? "caught by " + std::string(mutant.oracle)
               : result.violation ? "CAUGHT BY " + result.violation->failure.oracle
                                  : "MISSED",
               result.violation ? result.violation->at_run : result.runs,
               static_cast<double>(watch.ms()) / 1'000);
    if (result.violation) {
      print_violation(scenario, *result.violation, on);
    }
    std::fflush(stdout);
    all = all && caught;
  }
  return all;
}

int replay_tape(const SmallScenarioInfo& scenario, const Flags& flags) {
  const Result<Tape> tape = parse_tape(flags.tape);
  if (!tape.ok()) {
    return cannot(tape.error());
  }
  Trace::Sink sink;
  if (flags.trace) {
    fmt::print("{}", trace_legend());
    sink = [](std::string_view line) { fmt::print("{}\n", line); };
  }
  const SmallReplay replay = replay_small(scenario, *tape, flags.mutants, std::move(sink));
  fmt::print("{} hash {:016x}, {} decisions\n", scenario.name, replay.hash, replay.tape.size());
  if (replay.failure) {
    fmt::print("FAILED by {}: {}\n", replay.failure->oracle, replay.failure->message);
    return 1;
  }
  fmt::print("clean\n");
  return 0;
}

}  // namespace

int run_explore(const Flags& flags) {
  std::vector<const SmallScenarioInfo*> chosen;
  for (const std::string& name : flags.words) {
    const SmallScenarioInfo* scenario = find_small_scenario(name);
    if (scenario == nullptr) {
      return cannot(base::invalid_argument("there is no scenario \"" + name +
                                           "\" to explore; `kelpie sim list` names them"));
    }
    chosen.push_back(scenario);
  }
  if (!flags.tape.empty()) {
    return chosen.size() == 1 ? replay_tape(*chosen.front(), flags)
                              : cannot(base::invalid_argument(std::string(sim_usage())));
  }
  for (const SmallScenarioInfo& scenario : small_scenarios()) {
    if (flags.words.empty()) {
      chosen.push_back(&scenario);
    }
  }
  Result<LogFile> file = LogFile::open(flags.log);
  if (!file.ok()) {
    return cannot(file.error());
  }
  size_t passed = 0;
  bool planted = true;
  for (const SmallScenarioInfo* scenario : chosen) {
    const Result<bool> one = explore_one(*scenario, flags, *file);
    if (!one.ok()) {
      return cannot(one.error());
    }
    passed += *one ? 1 : 0;
    planted = (!flags.mutants.empty() || plant(*scenario)) && planted;
  }
  fmt::print("{} scenarios exhausted, {} failed{}\n", passed, chosen.size() - passed,
             planted ? "" : "; a planted bug was missed");
  return passed == chosen.size() && planted ? 0 : 1;
}

}  // namespace kelpie::sim
