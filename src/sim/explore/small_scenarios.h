// The small scenarios, one file each; the table of them is in scenarios.cc.
#pragma once

#include <memory>

#include "sim/explore/small_run.h"

namespace kelpie::sim {

std::unique_ptr<SmallScenario> make_claim_against_claim(SmallRun& run);
std::unique_ptr<SmallScenario> make_lease_expires(SmallRun& run);
std::unique_ptr<SmallScenario> make_take_over_against_turn(SmallRun& run);
std::unique_ptr<SmallScenario> make_deactivate_against_invoke(SmallRun& run);
std::unique_ptr<SmallScenario> make_deactivate_against_invoke_elsewhere(SmallRun& run);
std::unique_ptr<SmallScenario> make_deactivate_undecided(SmallRun& run);
std::unique_ptr<SmallScenario> make_settle_against_late_commit(SmallRun& run);
std::unique_ptr<SmallScenario> make_two_creates(SmallRun& run);
std::unique_ptr<SmallScenario> make_two_duplicates(SmallRun& run);
std::unique_ptr<SmallScenario> make_message_against_crash(SmallRun& run);
std::unique_ptr<SmallScenario> make_reminder_against_cancel(SmallRun& run);
std::unique_ptr<SmallScenario> make_commit_against_crash(SmallRun& run);
std::unique_ptr<SmallScenario> make_channel_wake_ups(SmallRun& run);
std::unique_ptr<SmallScenario> make_semaphore_wake_ups(SmallRun& run);
std::unique_ptr<SmallScenario> make_watch_against_commit(SmallRun& run);

}  // namespace kelpie::sim
