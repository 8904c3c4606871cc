// The command line of the simulator: `kelpie sim run|replay|corpus|list|mutants`.
#pragma once

namespace kelpie::sim {

// `argv` is what follows `kelpie sim`: the verb and its flags. `dst_seed` is the value of DST_SEED
// in the environment, or nullptr: where to begin when no flag says it. Prints to standard output; 0
// when all is well, 1 when a run failed, 2 for a command that is none.
int run_sim_cli(int argc, char** argv, const char* dst_seed = nullptr);

}  // namespace kelpie::sim
