// `kelpie sim corpus`: seeds and tapes that once found a bug.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "sim/cli/output.h"
#include "sim/cli/verbs.h"
#include "sim/tools/tape_file.h"

namespace kelpie::sim {
namespace {

struct Counts {
  uint64_t seeds = 0;
  uint64_t tapes = 0;
  uint64_t caught = 0;  // tapes with a planted bug
  uint64_t failed = 0;
};

// Each line of the file: a scenario, a seed, and after `#` what it once found. All must be clean
// now.
Result<void> run_seed_list(const std::string& path, Counts& counts) {
  std::istringstream lines(TRY(read_file(path)));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    uint64_t seed = 0;
    if (!(words >> name)) {
      continue;
    }
    const ScenarioInfo* scenario = find_scenario(name);
    if (scenario == nullptr || !(words >> seed)) {
      return base::invalid_argument(
          fmt::format("{}: expected a scenario and a seed, got \"{}\"", path, line));
    }
    const RunResult result = run_seed(*scenario, RunOptions{.seed = seed});
    if (result.failure) {
      Flags with;
      with.scenario = name;
      print_failure(result, replay_command(with, seed));
    }
    (result.failure ? counts.failed : counts.seeds) += 1;
  }
  return kOk;
}

// Clean without planted bugs; caught by its oracle with those that it names.
Result<void> run_tape(const std::string& path, Counts& counts) {
  const TapeFile tape = TRY(read_tape(TRY(read_file(path))));
  const ScenarioInfo* scenario = find_scenario(tape.scenario);
  if (scenario == nullptr) {
    return base::invalid_argument(
        fmt::format("{}: there is no scenario \"{}\"", path, tape.scenario));
  }
  RunOptions sound = run_of(tape);
  sound.mutants.clear();
  const RunResult clean = run_seed(*scenario, sound);
  if (clean.failure) {
    print_failure(clean, fmt::format("kelpie sim replay --tape {} --trace", path));
    ++counts.failed;
    return kOk;
  }
  ++counts.tapes;
  if (tape.mutants.empty()) {
    return kOk;
  }
  const RunResult planted = run_seed(*scenario, run_of(tape));
  if (planted.failure && planted.failure->oracle == tape.oracle) {
    ++counts.caught;
    return kOk;
  }
  fmt::print(
      "FAILED tape {}: its planted bug was to be caught by {}, and the verdict is {}; when the "
      "code has changed its course, find another seed and minimise it\n",
      path, tape.oracle,
      planted.failure ? planted.failure->oracle + ": " + planted.failure->message : "clean");
  ++counts.failed;
  return kOk;
}

Result<void> run_path(const std::string& path, Counts& counts) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) {
    return path.ends_with(".tape") ? run_tape(path, counts) : run_seed_list(path, counts);
  }
  std::vector<std::string> tapes;
  for (const auto& entry : std::filesystem::directory_iterator(path, failed)) {
    if (entry.path().extension() == ".tape") {
      tapes.push_back(entry.path().string());
    }
  }
  std::ranges::sort(tapes);
  for (const std::string& tape : tapes) {
    TRY(run_tape(tape, counts));
  }
  return kOk;
}

}  // namespace

int run_corpus(const Flags& flags) {
  Counts counts;
  for (const std::string& path : flags.words) {
    const Result<void> ran = run_path(path, counts);
    if (!ran.ok()) {
      return cannot(ran.error());
    }
  }
  fmt::print("{} regression seeds clean, {} tapes clean, {} planted bugs caught, {} failed\n",
             counts.seeds, counts.tapes, counts.caught, counts.failed);
  return counts.failed == 0 && counts.seeds + counts.tapes > 0 ? 0 : 1;
}

}  // namespace kelpie::sim
