// `kelpie sim replay` and `kelpie sim minimise`.
#include <fmt/format.h>

#include <cstdio>
#include <vector>

#include "sim/cli/output.h"
#include "sim/cli/verbs.h"
#include "sim/tools/minimise.h"
#include "sim/tools/tape_file.h"
#include "sim/tools/timeline.h"

namespace kelpie::sim {
namespace {

// A run that the command names.
struct Named {
  const ScenarioInfo* scenario = nullptr;
  RunOptions run;
};

Result<Named> named_run(const Flags& flags) {
  Named named{.scenario = find_scenario(flags.scenario),
              .run = {.seed = flags.from, .profile = flags.profile, .mutants = flags.mutants}};
  if (!flags.tape.empty()) {
    const TapeFile tape = TRY(read_tape(TRY(read_file(flags.tape))));
    named.scenario = find_scenario(tape.scenario);
    if (named.scenario == nullptr) {
      return base::invalid_argument("there is no scenario \"" + tape.scenario +
                                    "\"; `kelpie sim list` names them");
    }
    named.run = run_of(tape);
    named.run.mutants.insert(flags.mutants.begin(), flags.mutants.end());
  }
  named.run.choices.record = !flags.record.empty();
  if (flags.until) {
    named.run.events_until = *flags.until;
  }
  return named;
}

Result<void> record_tape(const Flags& flags, const Named& named, const RunResult& result) {
  RunOptions run = named.run;
  run.swarm = result.swarm;
  run.choices.tapes = by_stream(result.tape, result.labels, result.tape.size());
  TapeFile tape = tape_of(named.scenario->name, run);
  if (result.failure) {
    tape.oracle = result.failure->oracle;
    tape.what = result.failure->message.substr(0, result.failure->message.find('\n'));
  }
  return write_file(flags.record, write_tape(tape));
}

// The verdict of a run; the exit code.
int print_result(const Flags& flags, const Named& named, const RunResult& result) {
  fmt::print(
      "seed {} hash {:016x}: {} operations, {} events, {:.3f} simulated s\n  {}\n  "
      "broken for good: {}\n",
      result.seed, result.hash, result.operations, result.events,
      static_cast<double>(result.simulated_ns) / 1e9, result.swarm.to_string(),
      result.frozen.to_string());
  if (result.failure) {
    Flags with = flags;
    with.scenario = named.scenario->name;
    with.mutants = named.run.mutants;
    print_failure(result, flags.tape.empty()
                              ? replay_command(with, result.seed)
                              : fmt::format("kelpie sim replay --tape {} --trace", flags.tape));
    return 1;
  }
  if (flags.until && result.events >= *flags.until) {
    fmt::print("left after event {}, not judged\n", result.events);
  } else {
    fmt::print("clean\n");
  }
  return 0;
}

}  // namespace

int replay_seed(const Flags& flags) {
  const Result<Named> named = named_run(flags);
  if (!named.ok()) {
    return cannot(named.error());
  }
  std::vector<std::string> lines;
  Trace::Sink sink;
  if (!flags.follow.empty()) {
    sink = [&](std::string_view line) { lines.emplace_back(line); };
  } else if (flags.trace) {
    sink = [](std::string_view line) { fmt::print("{}\n", line); };
  }
  if (sink) {
    fmt::print("{}", trace_legend());
  }
  const RunResult result = run_seed(*named->scenario, named->run, std::move(sink));
  if (!flags.follow.empty()) {
    const Result<std::vector<std::string>> found = follow_request(lines, flags.follow);
    if (!found.ok()) {
      return cannot(found.error());
    }
    for (const std::string& line : *found) {
      fmt::print("{}\n", line);
    }
  }
  if (!flags.record.empty()) {
    const Result<void> written = record_tape(flags, *named, result);
    if (!written.ok()) {
      return cannot(written.error());
    }
  }
  return print_result(flags, *named, result);
}

int minimise_seed(const Flags& flags) {
  const Result<Named> named = named_run(flags);
  if (!named.ok()) {
    return cannot(named.error());
  }
  const MinimiseOptions options{.on_step = [](std::string_view step) {
    fmt::print("  {}\n", step);
    std::fflush(stdout);
  }};
  const Result<Minimised> small = minimise(*named->scenario, named->run, options);
  if (!small.ok()) {
    return cannot(small.error());
  }
  TapeFile tape = tape_of(named->scenario->name, small->run);
  tape.oracle = small->failure.oracle;
  tape.what = small->failure.message.substr(0, small->failure.message.find('\n'));
  fmt::print("after {} runs: {} events of {}, {} decisions of {}; what remained:\n  {}\n  {}: {}\n",
             small->runs, small->events, small->events_before, small->decisions,
             small->decisions_before, tape.swarm.to_string(), tape.oracle, tape.what);
  if (flags.out.empty()) {
    fmt::print("with --out FILE it is kept, for `kelpie sim replay --tape FILE`\n");
    return 0;
  }
  const Result<void> written = write_file(flags.out, write_tape(tape));
  if (!written.ok()) {
    return cannot(written.error());
  }
  fmt::print("replay: kelpie sim replay --tape {} --trace\n", flags.out);
  return 0;
}

}  // namespace kelpie::sim
