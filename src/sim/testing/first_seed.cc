#include "sim/testing/first_seed.h"

#include <cstdlib>
#include <string_view>

#include "sim/cli/flags.h"

namespace kelpie::sim {

uint64_t first_seed(uint64_t usual) {
  // tidy: allow banned: a test may be told where to begin
  const char* const said = std::getenv("DST_SEED");
  return said == nullptr ? usual : parse_number(said).value_or(usual);
}

}  // namespace kelpie::sim
