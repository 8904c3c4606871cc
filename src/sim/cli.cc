#include "sim/cli.h"

#include <string>
#include <vector>

#include "sim/cli/output.h"
#include "sim/cli/verbs.h"

namespace kelpie::sim {
namespace {

struct VerbInfo {
  std::string_view name;
  int (*run)(const Flags& flags);
};

constexpr VerbInfo kVerbs[] = {
    {"run", run_seeds},
    {"replay", replay_seed},
    {"minimise", minimise_seed},
    {"explore", run_explore},
    {"mutants", run_mutants},
    {"corpus", run_corpus},
    {"hashes", print_hashes},
    {"report", report_logs},
    {"list", [](const Flags&) { return list_all(); }},
};

}  // namespace

int run_sim_cli(int argc, char** argv, const char* dst_seed, std::string_view version) {
  Result<Flags> flags = parse_flags(std::vector<std::string>(argv, argv + argc), dst_seed);
  if (!flags.ok()) {
    return cannot(flags.error());
  }
  flags->version = version;
  for (const VerbInfo& verb : kVerbs) {
    if (verb.name == flags->verb) {
      return verb.run(*flags);
    }
  }
  return cannot(base::invalid_argument(std::string(sim_usage())));
}

}  // namespace kelpie::sim
