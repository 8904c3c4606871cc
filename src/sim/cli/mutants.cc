// `kelpie sim mutants`: planted bugs that must be caught, and a canary that must sing.
#include "sim/mutants.h"

#include <fmt/format.h>

#include <cstdio>

#include "sim/cli/output.h"
#include "sim/cli/verbs.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kCanarySeeds = 1'000;
constexpr int kReplays = 8;
constexpr uint64_t kQuietSeeds = 5;

// The canary must be reported, and by itself: about one seed in a hundred.
bool canary_sings() {
  const CampaignResult campaign =
      run_campaign(*find_scenario("canary"), CampaignOptions{.seeds = kCanarySeeds, .mutants = {}},
                   [](const RunResult&) {});
  const size_t failed = campaign.failures.size();
  const bool ok = failed >= kCanarySeeds / 200 && failed <= kCanarySeeds / 50;
  fmt::print("canary: {} of {} seeds failed, {}\n", failed, kCanarySeeds,
             ok ? "as it should" : "EXPECTED about 1 %");
  return ok;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kCaught:
      return "caught";
    case Verdict::kMissed:
      return "MISSED";
    case Verdict::kWrongOracle:
      return "CAUGHT BY ANOTHER ORACLE";
    case Verdict::kNotRepeatable:
      return "NOT REPEATABLE";
  }
  return "?";
}

// Without any fault it must stay unseen, unless the table says otherwise; nothing when it does.
std::optional<RunResult> seen_without_faults(const Mutant& mutant, uint64_t first_seed) {
  return mutant.needs_no_fault ? std::nullopt : red_without_faults(mutant, first_seed, kQuietSeeds);
}

MutantLine judge(const Mutant& mutant, const Flags& flags) {
  const Stopwatch watch;
  const MutantResult result = hunt(mutant, flags.from, kReplays);
  MutantLine line{.name = std::string(mutant.name),
                  .what = std::string(mutant.what),
                  .commit = flags.version,
                  .verdict = std::string(verdict_name(result.verdict)),
                  .oracle = result.failure ? result.failure->oracle : "-",
                  .seed = result.seed,
                  .seeds = result.seeds,
                  .wall_ms = watch.ms()};
  std::string message = result.failure ? result.failure->message : "";
  if (const auto seen = seen_without_faults(mutant, flags.from)) {
    line.verdict = "SEEN WITHOUT FAULTS";
    line.oracle = seen->failure->oracle;
    line.seed = seen->seed;
    message = seen->failure->message;
  }
  fmt::print("{:<4} {}: {} by {} after {} seeds, {:.1f} s\n", line.name, line.what, line.verdict,
             line.oracle, line.seeds, static_cast<double>(line.wall_ms) / 1'000);
  if (!message.empty()) {
    Flags with = flags;
    with.scenario = mutant.scenario;
    with.mutants = {line.name};
    fmt::print("     {}\n     replay: {}\n", message, replay_command(with, line.seed));
  }
  std::fflush(stdout);
  return line;
}

}  // namespace

int run_mutants(const Flags& flags) {
  Result<LogFile> file = LogFile::open(flags.log);
  if (!file.ok()) {
    return cannot(file.error());
  }
  bool all = canary_sings();
  for (const Mutant& mutant : mutants()) {
    const MutantLine line = judge(mutant, flags);
    all = all && line.verdict == "caught";
    const Result<void> added = file->add(to_line(line));
    if (!added.ok()) {
      return cannot(added.error());
    }
  }
  return all ? 0 : 1;
}

}  // namespace kelpie::sim
