#include "sim/cli.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "sim/mutants.h"
#include "sim/runner.h"
#include "sim/tripwire.h"

namespace kelpie::sim {
namespace {

// Below this a campaign is too small to demand that each configured fault arrives.
constexpr uint64_t kFaultCampaignSeedsMin = 100;
constexpr uint64_t kCanarySeeds = 1'000;

constexpr std::string_view kUsage =
    "kelpie sim run [--seeds N] [--from SEED] [--scenario NAME] [--twice] [--mutant M] [--stop]\n"
    "kelpie sim replay SEED [--scenario NAME] [--trace] [--mutant M]\n"
    "kelpie sim corpus FILE\n"
    "kelpie sim list\n"
    "kelpie sim mutants [--from SEED]\n";

struct Flags {
  std::string verb;
  std::string file;
  std::string scenario{scenarios().front().name};
  uint64_t seeds = 1;
  uint64_t from = 1;
  bool twice = false;
  bool trace = false;
  bool stop = false;
  MutantSet mutants;
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return value;
}

Error bad_flag(std::string_view flag) {
  return base::invalid_argument(
      fmt::format("\"{}\" is no flag, or its value is none\n{}", flag, kUsage));
}

// Takes the flag at `at` and its value; moves `at` behind them.
Result<void> take_flag(const std::vector<std::string>& words, size_t& at, Flags& flags) {
  const std::string& flag = words[at++];
  const bool plain = flag == "--twice" || flag == "--trace" || flag == "--stop";
  if (plain) {
    (flag == "--twice" ? flags.twice : flag == "--trace" ? flags.trace : flags.stop) = true;
    return kOk;
  }
  if (flags.verb == "corpus" && !flag.starts_with("--")) {
    flags.file = flag;
    return kOk;
  }
  const bool is_seed = flags.verb == "replay" && !flag.starts_with("--");
  if (is_seed || at == words.size()) {
    const std::optional<uint64_t> seed = number(flag);
    if (!is_seed || !seed) {
      return bad_flag(flag);
    }
    flags.from = *seed;
    return kOk;
  }
  const std::string& value = words[at++];
  if (flag == "--scenario") {
    flags.scenario = value;
  } else if (flag == "--mutant") {
    flags.mutants.insert(value);
  } else if (flag == "--seeds" && number(value)) {
    flags.seeds = *number(value);
  } else if (flag == "--from" && number(value)) {
    flags.from = *number(value);
  } else {
    return bad_flag(flag);
  }
  return kOk;
}

Result<Flags> parse(int argc, char** argv, const char* dst_seed) {
  const std::vector<std::string> words(argv, argv + argc);
  Flags flags;
  if (words.empty()) {
    return base::invalid_argument(std::string(kUsage));
  }
  flags.verb = words.front();
  if (dst_seed != nullptr) {
    const std::optional<uint64_t> seed = number(dst_seed);
    if (!seed) {
      return base::invalid_argument("DST_SEED is no number");
    }
    flags.from = *seed;
  }
  for (size_t at = 1; at < words.size();) {
    TRY(take_flag(words, at, flags));
  }
  if (find_scenario(flags.scenario) == nullptr) {
    return base::invalid_argument("there is no scenario \"" + flags.scenario +
                                  "\"; `kelpie sim list` names them");
  }
  return flags;
}

std::string replay_command(const Flags& flags, uint64_t seed) {
  std::string command = fmt::format("kelpie sim replay {} --scenario {}", seed, flags.scenario);
  for (const std::string& mutant : flags.mutants) {
    command += " --mutant " + mutant;
  }
  return command + " --trace";
}

void print_failure(const Flags& flags, const RunResult& run) {
  fmt::print("FAILED seed {} by {}: {}\n  hash {:016x}, {}\n  replay: {}\n", run.seed,
             run.failure->oracle, run.failure->message, run.hash, run.swarm,
             replay_command(flags, run.seed));
  std::fflush(stdout);
}

// One line a fault; false when a configured one never arrived.
bool print_faults(const FaultLedger& ledger) {
  bool all = true;
  fmt::print("faults received by production code (of runs that had them configured):\n");
  for (size_t i = 0; i < kFaultCount; ++i) {
    const auto fault = static_cast<Fault>(i);
    if (ledger.configured(fault) == 0) {
      continue;
    }
    const bool silent = ledger.received(fault) == 0;
    all = all && !silent;
    fmt::print("  {:<24}{:>10}{}\n", fault_name(fault), ledger.received(fault),
               silent ? "   NEVER RECEIVED" : "");
  }
  return all;
}

int run(const Flags& flags) {
  const auto begin = std::chrono::steady_clock::now();
  const CampaignResult campaign =
      run_campaign(*find_scenario(flags.scenario),
                   CampaignOptions{.first_seed = flags.from,
                                   .seeds = flags.seeds,
                                   .mutants = flags.mutants,
                                   .repeat = flags.twice ? Repeat::kAll : Repeat::kSome,
                                   .stop_at_failure = flags.stop},
                   [&](const RunResult& result) {
                     if (result.failure) {
                       print_failure(flags, result);
                     }
                   });
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const bool faults_ok = print_faults(campaign.ledger) || campaign.seeds < kFaultCampaignSeedsMin;
  const auto runs = static_cast<double>(campaign.seeds + campaign.repeated);
  const double share = static_cast<double>(campaign.seeds) / runs;
  fmt::print(
      "{}: {} seeds from {} ({} run twice), {} operations checked, {} events, {} simulated s\n"
      "{:.1f} seeds/minute, {:.0f} simulated s/s, {:.0f} events/s, {:.1f} s, tripwires {}\n"
      "hash of all {:016x}\n{} seeds clean, {} failed{}\n",
      flags.scenario, campaign.seeds, flags.from, campaign.repeated, campaign.operations,
      campaign.events, campaign.simulated_ns / 1'000'000'000, runs / seconds * 60,
      static_cast<double>(campaign.simulated_ns) / 1e9 / share / seconds,
      static_cast<double>(campaign.events) / share / seconds, seconds,
      Tripwire::present() ? "armed" : "absent (sanitizer build)", campaign.hash,
      campaign.seeds - campaign.failures.size(), campaign.failures.size(),
      faults_ok ? "" : "; a configured fault was never received");
  return campaign.failures.empty() && faults_ok ? 0 : 1;
}

int replay(const Flags& flags) {
  Trace::Sink sink;
  if (flags.trace) {
    sink = [](std::string_view line) { fmt::print("{}\n", line); };
  }
  const RunResult result =
      run_seed(*find_scenario(flags.scenario), flags.from, flags.mutants, std::move(sink));
  fmt::print("seed {} hash {:016x}: {} operations, {} events, {:.3f} simulated s\n  {}\n",
             result.seed, result.hash, result.operations, result.events,
             static_cast<double>(result.simulated_ns) / 1e9, result.swarm);
  if (result.failure) {
    print_failure(flags, result);
    return 1;
  }
  fmt::print("clean\n");
  return 0;
}

// Each line of the file: a scenario, a seed, and after `#` what it once found. All must be clean
// now.
int run_corpus(const Flags& flags) {
  std::ifstream file(flags.file);
  if (!file) {
    fmt::print(stderr, "cannot read \"{}\"\n", flags.file);
    return 2;
  }
  uint64_t clean = 0;
  uint64_t failed = 0;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    uint64_t seed = 0;
    if (!(words >> name)) {
      continue;
    }
    const ScenarioInfo* scenario = find_scenario(name);
    if (scenario == nullptr || !(words >> seed)) {
      fmt::print(stderr, "expected a scenario and a seed, got \"{}\"\n", line);
      return 2;
    }
    const RunResult result = run_seed(*scenario, seed, {}, nullptr);
    if (result.failure) {
      Flags with = flags;
      with.scenario = name;
      print_failure(with, result);
    }
    (result.failure ? failed : clean) += 1;
  }
  fmt::print("{} regression seeds clean, {} failed\n", clean, failed);
  return failed == 0 && clean > 0 ? 0 : 1;
}

int list() {
  for (const ScenarioInfo& scenario : scenarios()) {
    fmt::print("scenario {:<14} {}\n", scenario.name, scenario.what);
  }
  for (const Mutant& mutant : mutants()) {
    fmt::print("mutant   {:<14} {} (caught by {}{}{})\n", mutant.name, mutant.what,
               mutant.oracles[0], mutant.oracles[1].empty() ? "" : " or ", mutant.oracles[1]);
  }
  return 0;
}

// The canary must be reported, and by itself: about one seed in a hundred.
bool canary_sings() {
  const CampaignResult campaign = run_campaign(
      *find_scenario("canary"), CampaignOptions{.seeds = kCanarySeeds}, [](const RunResult&) {});
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

int run_mutants(const Flags& flags) {
  bool all = canary_sings();
  for (const Mutant& mutant : mutants()) {
    const auto begin = std::chrono::steady_clock::now();
    const MutantResult result = hunt(mutant, flags.from, 2);
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    all = all && result.verdict == Verdict::kCaught;
    fmt::print("{:<4} {}: {} by {} after {} seeds, {:.1f} s\n", mutant.name, mutant.what,
               verdict_name(result.verdict), result.failure ? result.failure->oracle : "-",
               result.seeds, seconds);
    if (result.failure) {
      Flags with = flags;
      with.scenario = mutant.scenario;
      with.mutants = {std::string(mutant.name)};
      fmt::print("     {}\n     replay: {}\n", result.failure->message,
                 replay_command(with, result.seed));
    }
    std::fflush(stdout);
  }
  return all ? 0 : 1;
}

}  // namespace

int run_sim_cli(int argc, char** argv, const char* dst_seed) {
  const Result<Flags> flags = parse(argc, argv, dst_seed);
  if (!flags.ok()) {
    fmt::print(stderr, "{}\n", flags.error().message);
    return 2;
  }
  if (flags->verb == "run") {
    return run(*flags);
  }
  if (flags->verb == "replay") {
    return replay(*flags);
  }
  if (flags->verb == "corpus") {
    return run_corpus(*flags);
  }
  if (flags->verb == "list") {
    return list();
  }
  if (flags->verb == "mutants") {
    return run_mutants(*flags);
  }
  fmt::print(stderr, "{}", kUsage);
  return 2;
}

}  // namespace kelpie::sim
