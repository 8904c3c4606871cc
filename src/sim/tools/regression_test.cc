// Bugs that campaigns have found, as the smallest runs that show them: what a minimiser left of a
// seed, without its tape, so that the test outlives changes of the code's course.
#include <gtest/gtest.h>

#include "sim/testing/first_seed.h"
#include "sim/tools/tape_file.h"

namespace kelpie::sim {
namespace {

// One client, a process that is killed now and then, reads that are refused for want of memory:
// enough for an actor whose state cannot be read when it is activated.
constexpr std::string_view kUnreadableActor =
    "kelpie-tape 1\n"
    "scenario first_light\n"
    "mutant M24\n"
    "oracle S3\n"
    "swarm chaos_ns=30000000000 clients=1 kill_interval_ns=5000000000 read_tail=78509 "
    "no_memory=20000\n"
    "beyond draw\n";
constexpr uint64_t kSeeds = 25;

TEST(Regression, AnActorThatCannotBeReadIsNoNewActor) {
  const Result<TapeFile> tape = read_tape(kUnreadableActor);
  ASSERT_TRUE(tape.ok()) << tape.error().message;
  const ScenarioInfo& scenario = *find_scenario(tape->scenario);
  uint64_t caught = 0;
  const uint64_t first = first_seed(1);
  for (uint64_t seed = first; seed < first + kSeeds && caught == 0; ++seed) {
    RunOptions planted = run_of(*tape);
    planted.seed = seed;
    RunOptions sound = planted;
    sound.mutants.clear();
    const RunResult clean = run_seed(scenario, sound);
    EXPECT_FALSE(clean.failure.has_value())
        << "seed " << seed << " by " << clean.failure->oracle << ": " << clean.failure->message;
    const RunResult broken = run_seed(scenario, planted);
    const bool named =
        broken.failure && (broken.failure->oracle == "S3" || broken.failure->oracle == "S20");
    caught += named ? 1 : 0;
  }
  EXPECT_GT(caught, 0u) << "the planted bug is no longer found in " << kSeeds << " seeds";
}

}  // namespace
}  // namespace kelpie::sim
