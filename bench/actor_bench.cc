// Goals B1, B6, B7, B8 and B9 for the actor runtime, each beside its baseline.
//
//   actor_bench --directory DIR [--rounds N] [--calls N] [--actors N] [--reminders N]
//               [--only B1|B6|B7|B8|B9]
#include "bench/actor_bench.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/harness.h"

namespace kelpie::bench {
namespace {

struct Part {
  const char* goal;
  Result<void> (*measure)(ActorBench&, const ActorRun&, Report&);
};
constexpr Part kParts[] = {{"B1", measure_calls},
                           {"B6", measure_reads},
                           {"B7", measure_activations},
                           {"B8", measure_memory},
                           {"B9", measure_reminders}};

Result<void> run(const Flags& flags) {
  Report report;
  const ActorRun run{.rounds = flags.number("--rounds"),
                     .calls = flags.number("--calls"),
                     .actors = flags.number("--actors"),
                     .reminders = flags.number("--reminders")};
  const std::string& only = flags.text("--only");
  for (const Part& part : kParts) {
    if (only.empty() || only == part.goal) {
      ActorBench bench;
      TRY(bench.open(flags.text("--directory") + "/" + part.goal));
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
                                  {"--calls", "1000000"},
                                  {"--actors", "1000000"},
                                  {"--reminders", "1000000"},
                                  {"--only", ""}},
                                 kelpie::bench::run);
}
