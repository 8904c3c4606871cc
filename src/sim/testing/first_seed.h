// Where tests that run seeds begin.
#pragma once

#include <cstdint>

namespace kelpie::sim {

// The number in the environment's DST_SEED, or `usual` when there is none.
uint64_t first_seed(uint64_t usual);

}  // namespace kelpie::sim
