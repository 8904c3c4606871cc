#include "sim/tools/campaign_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace kelpie::sim {
namespace {

// Below this a campaign is too small to demand that each configured fault arrives.
constexpr uint64_t kFaultRunsMin = 30;
constexpr uint64_t kUndecidedPerMillionMax = 5'000;
constexpr std::string_view kCanary = "canary";

double per_second(uint64_t count, int64_t wall_ms) {
  return wall_ms > 0 ? static_cast<double>(count) * 1'000 / static_cast<double>(wall_ms) : 0;
}

// Time that the seeds took without their repetitions.
int64_t once_ms(const ChunkLine& sum) {
  const uint64_t runs = sum.seeds + sum.repeated;
  return runs == 0 ? 0
                   : static_cast<int64_t>(static_cast<uint64_t>(sum.wall_ms) * sum.seeds / runs);
}

std::string seeds_text(const std::vector<SeedRange>& ranges) {
  std::string text;
  for (const SeedRange& range : ranges) {
    text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", range.first,
                        range.first + range.count - 1);
  }
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) {
    text += (text.empty() ? "" : ", ") + word;
  }
  return text;
}

void add_unless_there(std::vector<std::string>& words, const std::string& word) {
  if (std::ranges::find(words, word) == words.end()) {
    words.push_back(word);
  }
}

void join_ranges(std::vector<SeedRange>& ranges) {
  std::ranges::sort(ranges, {}, &SeedRange::first);
  std::vector<SeedRange> whole;
  for (const SeedRange& range : ranges) {
    if (!whole.empty() && range.first <= whole.back().first + whole.back().count) {
      SeedRange& last = whole.back();
      last.count = std::max(last.count, range.first + range.count - last.first);
    } else {
      whole.push_back(range);
    }
  }
  ranges = std::move(whole);
}

void add(CampaignTotal& total, const ChunkLine& chunk) {
  add_unless_there(total.commits, chunk.commit);
  total.seed_ranges.push_back(SeedRange{chunk.first_seed, chunk.seeds});
  ChunkLine& sum = total.sum;
  sum.seeds += chunk.seeds;
  sum.repeated += chunk.repeated;
  sum.operations += chunk.operations;
  sum.undecided += chunk.undecided;
  sum.events += chunk.events;
  sum.simulated_ms += chunk.simulated_ms;
  sum.wall_ms += chunk.wall_ms;
  if (chunk.scenario != kCanary) {
    sum.failures.insert(sum.failures.end(), chunk.failures.begin(), chunk.failures.end());
  }
  for (const auto& [name, count] : chunk.faults) {
    sum.faults[name].configured += count.configured;
    sum.faults[name].received += count.received;
  }
  for (const auto& [name, count] : chunk.sites) {
    sum.sites[name] += count;
  }
}

std::map<std::string, uint64_t> all_sites(const CampaignLog& log) {
  std::map<std::string, uint64_t> hits;
  for (const Site& site : known_sites()) {
    hits[std::string(site.name)] = 0;
  }
  for (const ChunkLine& chunk : log.chunks) {
    for (const auto& [name, count] : chunk.sites) {
      hits[name] += count;
    }
  }
  return hits;
}

void write_totals(const std::vector<CampaignTotal>& all, std::string& text) {
  text +=
      "## Seeds\n\n"
      "| scenario | profile | seeds | clean | failed | run twice | operations checked | "
      "undecided | events | simulated hours |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const CampaignTotal& total : all) {
    const ChunkLine& sum = total.sum;
    const double undecided = sum.operations == 0 ? 0
                                                 : 100 * static_cast<double>(sum.undecided) /
                                                       static_cast<double>(sum.operations);
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} | {:.3f} % | {} | {:.1f} |\n",
                        total.scenario, total.profile, sum.seeds, sum.seeds - sum.failures.size(),
                        sum.failures.size(), sum.repeated, sum.operations, undecided, sum.events,
                        static_cast<double>(sum.simulated_ms) / 3'600'000);
  }
  text +=
      "\nAn operation is undecided when the check that it belongs to gave up; it counts as "
      "neither passed nor failed.\n\n";
  text += "| scenario | profile | which seeds | commits of the program |\n|---|---|---|---|\n";
  for (const CampaignTotal& total : all) {
    text += fmt::format("| {} | {} | {} | {} |\n", total.scenario, total.profile,
                        seeds_text(total.seed_ranges), joined(total.commits));
  }
}

void write_speed(const std::vector<CampaignTotal>& all, std::string& text) {
  text +=
      "\n## Speed, on one core\n\nTime on the wall; seeds that were run twice count once, and "
      "so does their time.\n\n"
      "| scenario | profile | simulated s/s | seeds/minute | events/s | hours of one core |\n"
      "|---|---|---|---|---|---|\n";
  for (const CampaignTotal& total : all) {
    const ChunkLine& sum = total.sum;
    const int64_t ms = once_ms(sum);
    text +=
        fmt::format("| {} | {} | {:.0f} | {:.0f} | {:.0f} | {:.2f} |\n", total.scenario,
                    total.profile, per_second(static_cast<uint64_t>(sum.simulated_ms) / 1'000, ms),
                    per_second(sum.seeds, ms) * 60, per_second(sum.events, ms),
                    static_cast<double>(sum.wall_ms) / 3'600'000);
  }
}

void write_faults(const std::vector<CampaignTotal>& all, std::string& text) {
  text +=
      "\n## Faults\n\nHow often production code *received* each, and in how many runs it could "
      "happen.\n\n| fault |";
  std::set<std::string> names;
  for (const CampaignTotal& total : all) {
    text += fmt::format(" {}, {} |", total.scenario, total.profile);
    for (const auto& [name, count] : total.sum.faults) {
      names.insert(name);
    }
  }
  text += "\n|---|";
  for (size_t i = 0; i < all.size(); ++i) {
    text += "---|";
  }
  text += "\n";
  for (const std::string& name : names) {
    text += "| " + name + " |";
    for (const CampaignTotal& total : all) {
      const auto found = total.sum.faults.find(name);
      text += found == total.sum.faults.end() || found->second.configured == 0
                  ? std::string(" – |")
                  : fmt::format(" {} in {} |", found->second.received, found->second.configured);
    }
    text += "\n";
  }
}

void write_sites(const CampaignLog& log, std::string& text) {
  const std::map<std::string, uint64_t> hits = all_sites(log);
  text +=
      "\n## Sites\n\nPlaces in production code that a campaign must have hit: rare branches "
      "that were taken (`buggify`), states that were reached, conditions that were evaluated "
      "(`always`).\n\n| site | kind | hits |\n|---|---|---|\n";
  for (const Site& site : known_sites()) {
    const uint64_t count = hits.at(std::string(site.name));
    text += fmt::format("| {} | {} | {} |\n", site.name, site.kind,
                        count == 0 ? "**never**" : std::to_string(count));
  }
}

void write_mutants(const std::vector<MutantLine>& mutants, std::string& text) {
  if (mutants.empty()) {
    return;
  }
  text +=
      "\n## Planted bugs\n\n| mutant | what | verdict | oracle | seeds needed | seconds |\n"
      "|---|---|---|---|---|---|\n";
  for (const MutantLine& mutant : mutants) {
    text += fmt::format("| {} | {} | {} | {} | {} | {:.1f} |\n", mutant.name, mutant.what,
                        mutant.verdict, mutant.oracle, mutant.seeds,
                        static_cast<double>(mutant.wall_ms) / 1'000);
  }
}

void write_explored(const std::vector<ExploreLine>& explored, std::string& text) {
  if (explored.empty()) {
    return;
  }
  text +=
      "\n## Exhausted scenarios\n\nEvery order of their work and every outcome of their "
      "choices.\n\n| scenario | what | verdict | runs | ends | seconds |\n"
      "|---|---|---|---|---|---|\n";
  for (const ExploreLine& each : explored) {
    text += fmt::format("| {} | {} | {} | {} | {} | {:.1f} |\n", each.name, each.what, each.verdict,
                        each.runs, each.ends, static_cast<double>(each.wall_ms) / 1'000);
  }
}

// Of several lines of one name the last one counts.
template <class Line>
std::vector<Line> newest(const std::vector<Line>& lines) {
  std::vector<Line> kept;
  for (const Line& line : lines) {
    const auto same = std::ranges::find(kept, line.name, &Line::name);
    if (same == kept.end()) {
      kept.push_back(line);
    } else {
      *same = line;
    }
  }
  return kept;
}

}  // namespace

std::vector<CampaignTotal> totals(const CampaignLog& log) {
  std::vector<CampaignTotal> all;
  for (const ChunkLine& chunk : log.chunks) {
    auto found = std::ranges::find_if(all, [&](const CampaignTotal& total) {
      return total.scenario == chunk.scenario && total.profile == chunk.profile;
    });
    if (found == all.end()) {
      all.push_back(CampaignTotal{chunk.scenario, chunk.profile, {}, {}, {}});
      found = all.end() - 1;
    }
    add(*found, chunk);
  }
  for (CampaignTotal& total : all) {
    join_ranges(total.seed_ranges);
    total.sum.first_seed = total.seed_ranges.front().first;
  }
  return all;
}

std::vector<std::string> silent_faults(const CampaignTotal& total) {
  std::vector<std::string> silent;
  for (const auto& [name, count] : total.sum.faults) {
    if (count.configured >= kFaultRunsMin && count.received == 0) {
      silent.push_back(fmt::format("{}, {}: {} was configured in {} runs and never received",
                                   total.scenario, total.profile, name, count.configured));
    }
  }
  return silent;
}

std::vector<std::string> findings(const CampaignLog& log) {
  std::vector<std::string> found;
  for (const CampaignTotal& total : totals(log)) {
    for (const FailedSeed& failed : total.sum.failures) {
      found.push_back(fmt::format("{}, {}: seed {} failed by {}: {}", total.scenario, total.profile,
                                  failed.seed, failed.oracle, failed.message));
    }
    const std::vector<std::string> silent = silent_faults(total);
    found.insert(found.end(), silent.begin(), silent.end());
    if (total.sum.undecided * 1'000'000 >= total.sum.operations * kUndecidedPerMillionMax &&
        total.sum.undecided > 0) {
      found.push_back(fmt::format("{}, {}: {} of {} operations are undecided", total.scenario,
                                  total.profile, total.sum.undecided, total.sum.operations));
    }
  }
  for (const auto& [name, count] : all_sites(log)) {
    if (count == 0 && !log.chunks.empty()) {
      found.push_back(fmt::format("site {} was never hit", name));
    }
  }
  for (const MutantLine& mutant : newest(log.mutants)) {
    if (mutant.verdict != "caught") {
      found.push_back(fmt::format("mutant {}: {}", mutant.name, mutant.verdict));
    }
  }
  for (const ExploreLine& each : newest(log.explored)) {
    if (each.verdict != "exhausted") {
      found.push_back(fmt::format("scenario {}: {}", each.name, each.verdict));
    }
  }
  return found;
}

std::string write_report(const CampaignLog& log) {
  const std::vector<CampaignTotal> all = totals(log);
  std::string text =
      "# What the simulator has run\n\nWritten by `kelpie sim report` from the logs of campaigns "
      "(`kelpie sim run|mutants|explore --log FILE`).\n\n";
  write_totals(all, text);
  write_speed(all, text);
  write_faults(all, text);
  write_sites(log, text);
  write_mutants(newest(log.mutants), text);
  write_explored(newest(log.explored), text);
  text += "\n## Findings\n\n";
  const std::vector<std::string> found = findings(log);
  for (const std::string& line : found) {
    text += "* " + line + "\n";
  }
  text += found.empty() ? "None: every seed is clean, every configured fault was received, every "
                          "site was hit.\n"
                        : "";
  return text;
}

}  // namespace kelpie::sim
