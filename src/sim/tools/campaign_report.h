// CampaignReport: campaigns added up, as the document that people read, and as a verdict.
#pragma once

#include <string>
#include <vector>

#include "sim/tools/campaign_log.h"

namespace kelpie::sim {

// Chunks of one scenario and profile, added up. Failures of the canary are no failures.
struct CampaignTotal {
  std::string scenario;
  std::string profile;
  std::vector<std::string> commits;    // in order of first use
  std::vector<SeedRange> seed_ranges;  // sorted, joined where they touch
  ChunkLine sum;                       // first_seed is the smallest
};
// In order of first use.
std::vector<CampaignTotal> totals(const CampaignLog& log);

// What must not be: seeds that failed, faults that were configured in a hundred runs or more of a
// scenario and never received, sites of world/sites.h that no scenario hit, mutants that were not
// caught, scenarios that were not exhausted, and 0.5 % or more undecided operations. One line each.
std::vector<std::string> findings(const CampaignLog& log);

// The same for the faults of one scenario alone.
std::vector<std::string> silent_faults(const CampaignTotal& total);

// Markdown.
std::string write_report(const CampaignLog& log);

}  // namespace kelpie::sim
