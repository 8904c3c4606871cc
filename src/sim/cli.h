// The command line of the simulator: `kelpie sim run|replay|minimise|explore|mutants|corpus|...`.
#pragma once

#include <string_view>

namespace kelpie::sim {

// `argv` is what follows `kelpie sim`: the verb and its flags. `dst_seed` is the value of DST_SEED
// in the environment, or nullptr: where to begin when no flag says it. `version` names the program
// in logs. Prints to standard output; 0 when all is well, 1 when a run failed, 2 for a command that
// is none.
int run_sim_cli(int argc, char** argv, const char* dst_seed, std::string_view version);

}  // namespace kelpie::sim
