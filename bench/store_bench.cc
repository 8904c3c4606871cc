// Goals B3, B7 (its get) and B15 for the embedded store, each beside its baseline.
//
//   store_bench --directory DIR [--rounds N] [--turns N] [--gets N] [--in-flight N]
//               [--agents-few N] [--agents-many N] [--only B3|B7|B15]
#include "bench/store_bench.h"

#include <utility>

namespace kelpie::bench {

namespace {

constexpr int kAgentsMax = 100'000'000;

struct Part {
  const char* goal;
  Result<void> (*measure)(Bench&, const StoreRun&, Report&);
};
constexpr Part kParts[] = {{"B3", measure_turns}, {"B7", measure_gets}, {"B15", measure_growth}};

Result<void> run(const Flags& flags) {
  Bench bench;
  Report report;
  StoreRun run{.rounds = flags.number("--rounds"),
               .turns = flags.number("--turns"),
               .gets = flags.number("--gets"),
               .in_flight = flags.number("--in-flight"),
               .agents_few = flags.number("--agents-few"),
               .agents_many = flags.number("--agents-many")};
  if (run.agents_few > run.agents_many || run.agents_many > kAgentsMax) {
    return base::invalid_argument("--agents-many must be at least --agents-few, and at most " +
                                  std::to_string(kAgentsMax));
  }
  const std::string& only = flags.text("--only");
  for (const Part& part : kParts) {
    if (only.empty() || only == part.goal) {
      run.directory = flags.text("--directory") + "/" + part.goal;
      TRY(part.measure(bench, run, report));
    }
  }
  report.print();
  return kOk;
}

}  // namespace
}  // namespace kelpie::bench

int main(int argc, char** argv) {
  return kelpie::bench::run_main({argv, static_cast<size_t>(argc)},
                                 {{"--directory", "."},
                                  {"--rounds", "7"},
                                  {"--turns", "200000"},
                                  {"--gets", "20000"},
                                  {"--in-flight", "2000"},
                                  {"--agents-few", "1000"},
                                  {"--agents-many", "1000000"},
                                  {"--only", ""}},
                                 kelpie::bench::run);
}
