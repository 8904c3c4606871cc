// `kelpie sim run` and `kelpie sim hashes`.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "base/hash.h"
#include "sim/cli/output.h"
#include "sim/cli/verbs.h"
#include "sim/tools/campaign_report.h"
#include "sim/tripwire.h"

namespace kelpie::sim {
namespace {

// Seeds a line of the log: what a campaign that is ended has to do again.
constexpr uint64_t kChunkSeeds = 100;
constexpr uint64_t kLongChunkSeeds = 5;

class Campaign {
 public:
  Campaign(const Flags& flags, LogFile file, CampaignLog log)
      : flags_(flags), file_(std::move(file)), log_(std::move(log)) {}

  Result<void> run() {
    const uint64_t most = flags_.profile == Profile::kLong ? kLongChunkSeeds : kChunkSeeds;
    for (;;) {
      const std::optional<SeedRange> missing =
          next_missing(log_, flags_.scenario, profile_name(flags_.profile),
                       SeedRange{flags_.from, flags_.count});
      if (!missing || (flags_.stop && failed_ > 0)) {
        return kOk;
      }
      TRY(chunk(SeedRange{missing->first, std::min(missing->count, most)}));
    }
  }

  // Of all that the log has of this scenario and profile; the exit code.
  int print() const {
    for (const CampaignTotal& total : totals(log_)) {
      if (total.scenario == flags_.scenario && total.profile == profile_name(flags_.profile)) {
        return print(total);
      }
    }
    fmt::print("no seed was run\n0 seeds clean, 0 failed\n");
    return 1;
  }

  [[nodiscard]] const std::string& hashes() const { return hashes_; }

 private:
  Result<void> chunk(SeedRange seeds) {
    const CampaignOptions options{.first_seed = seeds.first,
                                  .seeds = seeds.count,
                                  .profile = flags_.profile,
                                  .mutants = flags_.mutants,
                                  .repeat = flags_.twice ? Repeat::kAll : Repeat::kSome,
                                  .stop_at_failure = flags_.stop};
    const Stopwatch watch;
    const CampaignResult result = run_campaign(*find_scenario(flags_.scenario), options,
                                               [&](const RunResult& run) { on_result(run); });
    ChunkLine line = chunk_line(flags_.scenario, options, result);
    line.commit = flags_.version;
    line.wall_ms = watch.ms();
    hash_ = base::mix64(hash_ ^ result.hash);
    log_.chunks.push_back(line);
    // With a planted bug it is no record of the code.
    return flags_.mutants.empty() ? file_.add(to_line(line)) : Result<void>(kOk);
  }

  void on_result(const RunResult& run) {
    hashes_ += fmt::format("{} {:016x}\n", run.seed, run.hash);
    if (run.failure) {
      ++failed_;
      print_failure(run, replay_command(flags_, run.seed));
    }
  }

  int print(const CampaignTotal& total) const {
    const ChunkLine& sum = total.sum;
    fmt::print("faults received by production code, and runs that had them configured:\n");
    for (const auto& [name, count] : sum.faults) {
      fmt::print("  {:<28}{:>10} {:>8}\n", name, count.received, count.configured);
    }
    for (const Site& site : known_sites()) {
      if (!sum.sites.contains(std::string(site.name))) {
        fmt::print("  {} {} was not hit by this scenario\n", site.kind, site.name);
      }
    }
    const std::vector<std::string> silent = silent_faults(total);
    for (const std::string& line : silent) {
      fmt::print("{}\n", line);
    }
    const double seconds = static_cast<double>(std::max<int64_t>(sum.wall_ms, 1)) / 1'000;
    const auto runs = static_cast<double>(sum.seeds + sum.repeated);
    const double share = static_cast<double>(sum.seeds) / runs;
    fmt::print(
        "{}, {}: {} seeds from {} ({} run twice), {} operations checked ({} undecided), {} "
        "events, {} simulated s\n"
        "{:.1f} seeds/minute, {:.0f} simulated s/s, {:.0f} events/s, {:.1f} s, tripwires {}\n"
        "hash of this run {:016x}\n{} seeds clean, {} failed{}\n",
        flags_.scenario, total.profile, sum.seeds, sum.first_seed, sum.repeated, sum.operations,
        sum.undecided, sum.events, sum.simulated_ms / 1'000, runs / seconds * 60,
        static_cast<double>(sum.simulated_ms) / 1'000 / share / seconds,
        static_cast<double>(sum.events) / share / seconds, seconds,
        Tripwire::present() ? "armed" : "absent (sanitizer build)", hash_,
        sum.seeds - failures(total), failures(total),
        silent.empty() ? "" : "; a configured fault was never received");
    return failures(total) == 0 && silent.empty() ? 0 : 1;
  }

  // Of the canary, too, which the totals pass over.
  [[nodiscard]] uint64_t failures(const CampaignTotal& total) const {
    return std::max<uint64_t>(total.sum.failures.size(), failed_);
  }

  const Flags& flags_;
  LogFile file_;
  CampaignLog log_;
  std::string hashes_;
  uint64_t failed_ = 0;
  uint64_t hash_ = 0;
};

}  // namespace

int run_seeds(const Flags& flags) {
  Result<CampaignLog> log = read_log_file(flags.log);
  if (!log.ok()) {
    return cannot(log.error());
  }
  Result<LogFile> file = LogFile::open(flags.log);
  if (!file.ok()) {
    return cannot(file.error());
  }
  Campaign campaign(flags, *std::move(file), *std::move(log));
  const Result<void> ran = campaign.run();
  if (!ran.ok()) {
    return cannot(ran.error());
  }
  if (!flags.hashes.empty()) {
    const Result<void> written = write_file(flags.hashes, campaign.hashes());
    if (!written.ok()) {
      return cannot(written.error());
    }
  }
  return campaign.print();
}

int print_hashes(const Flags& flags) {
  for (uint64_t seed = flags.from; seed < flags.from + flags.count; ++seed) {
    if (flags.sampled && !is_sampled(seed)) {
      continue;
    }
    const RunResult run =
        run_seed(*find_scenario(flags.scenario),
                 RunOptions{.seed = seed, .profile = flags.profile, .mutants = flags.mutants});
    fmt::print("{} {:016x}\n", seed, run.hash);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace kelpie::sim
