// The verbs of `kelpie sim`. Each prints to standard output and yields the exit code: 0 when all is
// well, 1 when a run failed or a demand is not met, 2 for a command that cannot be done.
#pragma once

#include "sim/cli/flags.h"

namespace kelpie::sim {

int run_seeds(const Flags& flags);
int print_hashes(const Flags& flags);
int replay_seed(const Flags& flags);
int minimise_seed(const Flags& flags);
int run_corpus(const Flags& flags);
int run_mutants(const Flags& flags);
int run_explore(const Flags& flags);
int report_logs(const Flags& flags);
int list_all();

}  // namespace kelpie::sim
