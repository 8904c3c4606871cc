// CampaignLog: what campaigns have found out, one line of JSON each, so that a campaign can go on
// where it was left and a report can add up many.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/runner.h"

namespace kelpie::sim {

struct FaultCount {
  uint64_t configured = 0;  // runs in which it could happen
  uint64_t received = 0;
};

struct FailedSeed {
  uint64_t seed = 0;
  std::string oracle;
  std::string message;
};

// A number of seeds in a row.
struct ChunkLine {
  std::string scenario;
  std::string profile;
  std::string commit;  // of the binary
  uint64_t first_seed = 1;
  uint64_t seeds = 0;
  uint64_t repeated = 0;  // of them, run twice
  uint64_t operations = 0;
  uint64_t undecided = 0;  // of the operations
  uint64_t events = 0;
  int64_t simulated_ms = 0;
  int64_t wall_ms = 0;  // repetitions included
  std::vector<FailedSeed> failures;
  std::map<std::string, FaultCount> faults;  // those that were configured
  std::map<std::string, uint64_t> sites;     // those that were hit
};

struct MutantLine {
  std::string name;
  std::string what;
  std::string commit;
  std::string verdict;  // "caught", or what went wrong
  std::string oracle;   // that turned red
  uint64_t seed = 0;
  uint64_t seeds = 0;  // that were needed
  int64_t wall_ms = 0;
};

struct ExploreLine {
  std::string name;
  std::string what;
  std::string commit;
  std::string verdict;  // "exhausted", or what went wrong
  std::string result;   // what the explorer says of itself
  uint64_t runs = 0;
  uint64_t ends = 0;
  int64_t wall_ms = 0;
};

struct CampaignLog {
  std::vector<ChunkLine> chunks;
  std::vector<MutantLine> mutants;
  std::vector<ExploreLine> explored;
};

// A place in production code that a campaign must have hit (world/sites.h).
struct Site {
  std::string_view kind;  // buggify, reached, always
  std::string_view name;
};
std::vector<Site> known_sites();

std::string_view profile_name(Profile profile);  // short, long
std::optional<Profile> find_profile(std::string_view name);

// What a campaign has found; `commit` and `wall_ms` are the caller's to say.
ChunkLine chunk_line(std::string_view scenario, const CampaignOptions& options,
                     const CampaignResult& result);

// One line, with its end.
std::string to_line(const ChunkLine& chunk);
std::string to_line(const MutantLine& mutant);
std::string to_line(const ExploreLine& explored);

// Adds what the text holds. invalid_argument with the line's number. A last line without its end is
// one that a dying process has left; it counts as not there.
Result<void> read_log(std::string_view text, CampaignLog& log);

struct SeedRange {
  uint64_t first = 0;
  uint64_t count = 0;
};
// Of the `wanted` seeds the first ones in a row that no chunk of this scenario and profile has;
// none: all are there.
std::optional<SeedRange> next_missing(const CampaignLog& log, std::string_view scenario,
                                      std::string_view profile, SeedRange wanted);

}  // namespace kelpie::sim
