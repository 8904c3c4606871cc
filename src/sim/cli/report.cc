// `kelpie sim report` and `kelpie sim list`.
#include <fmt/format.h>

#include <cstdio>

#include "sim/cli/output.h"
#include "sim/cli/verbs.h"
#include "sim/explore/explorer.h"
#include "sim/mutants.h"
#include "sim/tools/campaign_report.h"

namespace kelpie::sim {

int report_logs(const Flags& flags) {
  CampaignLog log;
  if (flags.words.empty()) {
    return cannot(base::invalid_argument(std::string(sim_usage())));
  }
  for (const std::string& path : flags.words) {
    const Result<std::string> text = read_file(path);
    const Result<void> read = text.ok() ? read_log(*text, log) : text.error();
    if (!read.ok()) {
      return cannot(base::invalid_argument(path + ": " + read.error().message));
    }
  }
  if (!flags.out.empty()) {
    const Result<void> written = write_file(flags.out, write_report(log));
    if (!written.ok()) {
      return cannot(written.error());
    }
  } else if (!flags.check) {
    fmt::print("{}", write_report(log));
  }
  const std::vector<std::string> found = findings(log);
  if (flags.check) {
    for (const std::string& line : found) {
      fmt::print("FINDING {}\n", line);
    }
    fmt::print("{} findings\n", found.size());
  }
  return flags.check && !found.empty() ? 1 : 0;
}

int list_all() {
  for (const ScenarioInfo& scenario : scenarios()) {
    fmt::print("scenario {:<14} {}\n", scenario.name, scenario.what);
  }
  for (const SmallScenarioInfo& scenario : small_scenarios()) {
    fmt::print("explored {:<14} {}\n", scenario.name, scenario.what);
  }
  for (const Mutant& mutant : mutants()) {
    fmt::print("mutant   {:<14} {} (caught by {}{}{})\n", mutant.name, mutant.what,
               mutant.oracles[0], mutant.oracles[1].empty() ? "" : " or ", mutant.oracles[1]);
  }
  for (const FaultInfo& fault : fault_infos()) {
    fmt::print("fault    {:<24} {} ({})\n", fault.name, fault.seen, fault.watched);
  }
  return 0;
}

}  // namespace kelpie::sim
