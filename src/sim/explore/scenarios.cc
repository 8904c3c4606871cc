#include <array>
#include <string_view>

#include "sim/explore/explorer.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_scenarios.h"

namespace kelpie::sim {
namespace {

constexpr std::array kFates = {kFateChoice};

constexpr std::array kCrashes = {std::string_view("disk/crash"), std::string_view("mutant/M8")};

constexpr std::array kClaimMutants = {SmallMutant{"M1", "S1"}, SmallMutant{"M2", "S1"},
                                      SmallMutant{"M6", "S1"}};
constexpr std::array kTakeOverMutants = {SmallMutant{"M1", "S1"}, SmallMutant{"M2", "S1"}};
constexpr std::array kLeaseMutants = {SmallMutant{"M1", "S1"}, SmallMutant{"M2", "S1"}};
constexpr std::array kElsewhereMutants = {SmallMutant{"M6", "S1"}};
constexpr std::array kSettleMutants = {SmallMutant{"M9", "S6"}, SmallMutant{"M34", "S6"}};
constexpr std::array kCreateMutants = {SmallMutant{"M4", "S6"}};
constexpr std::array kCrashMutants = {SmallMutant{"M8", "S3"}, SmallMutant{"M31", "S3"}};

constexpr std::array kDuplicateMutants = {SmallMutant{"M11", "S6"}};
constexpr std::array kMessageMutants = {SmallMutant{"M7", "S15"}, SmallMutant{"M36", "L6"}};
constexpr std::array kReminderMutants = {SmallMutant{"M18", "S14"}};

constexpr std::array kScenarios = {
    SmallScenarioInfo{
        .name = "claim_against_claim",
        .what = "two nodes claim one actor while one of them is declared dead",
        .make = make_claim_against_claim,
        .decisions = {},
        .mutants = kClaimMutants,
        .ends = 6,
    },
    SmallScenarioInfo{
        .name = "lease_expires",
        .what = "a node renews its lease and runs turns while another declares it dead",
        .make = make_lease_expires,
        .decisions = {},
        .mutants = kLeaseMutants,
        .ends = 3,
    },
    SmallScenarioInfo{
        .name = "take_over_against_turn",
        .what = "a server runs turns while another takes its store over",
        .make = make_take_over_against_turn,
        .decisions = {},
        .mutants = kTakeOverMutants,
        .ends = 3,
    },
    SmallScenarioInfo{
        .name = "deactivate_against_invoke",
        .what = "an actor is given away when idle while it is called",
        .make = make_deactivate_against_invoke,
        .decisions = {},
        .mutants = {},
        .ends = 4,
    },
    SmallScenarioInfo{
        .name = "deactivate_elsewhere",
        .what = "an actor is given away when idle while another node calls it",
        .make = make_deactivate_against_invoke_elsewhere,
        .decisions = {},
        .mutants = kElsewhereMutants,
        .ends = 4,
    },
    SmallScenarioInfo{
        .name = "deactivate_undecided",
        .what = "an idle actor is called again, and a commit ends undecided",
        .make = make_deactivate_undecided,
        .decisions = kFates,
        .mutants = {},
        .ends = 5,
    },
    SmallScenarioInfo{
        .name = "settle_against_late_commit",
        .what = "undecided commits are settled, which may land later",
        .make = make_settle_against_late_commit,
        .decisions = kFates,
        .mutants = kSettleMutants,
        .ends = 5,
    },
    SmallScenarioInfo{
        .name = "two_creates",
        .what = "two creates with one idempotency key, and commits that end undecided",
        .make = make_two_creates,
        .decisions = kFates,
        .mutants = kCreateMutants,
        .ends = 2,
    },
    SmallScenarioInfo{
        .name = "two_duplicates",
        .what = "a call and its duplicate meet one actor, and a commit ends undecided",
        .make = make_two_duplicates,
        .decisions = kFates,
        .mutants = kDuplicateMutants,
        .reduction = Reduction::kNone,
        .policy = Policy::kHostUniform,
        .ends = 5,
    },
    SmallScenarioInfo{
        .name = "message_against_crash",
        .what = "a message is sent and taken while its node crashes, which then comes back",
        .make = make_message_against_crash,
        .decisions = {},
        .mutants = kMessageMutants,
        .reduction = Reduction::kNone,
        .policy = Policy::kHostUniform,
        .ends = 3,
    },
    SmallScenarioInfo{
        .name = "reminder_against_cancel",
        .what = "a reminder that is due is cancelled",
        .make = make_reminder_against_cancel,
        .decisions = {},
        .mutants = kReminderMutants,
        .reduction = Reduction::kNone,
        .policy = Policy::kHostUniform,
        .ends = 2,
    },
    SmallScenarioInfo{
        .name = "commit_against_crash",
        .what = "two clients commit while the host and its disk crash",
        .make = make_commit_against_crash,
        .decisions = kCrashes,
        .mutants = kCrashMutants,
        .ends = 9,
    },
    SmallScenarioInfo{
        .name = "channel_wake_ups",
        .what = "two senders and two receivers of a channel with room for one",
        .make = make_channel_wake_ups,
        .decisions = {},
        .mutants = {},
        .ends = 2,
    },
    SmallScenarioInfo{
        .name = "semaphore_wake_ups",
        .what = "three tasks want one permit, and one of them gives up",
        .make = make_semaphore_wake_ups,
        .decisions = {},
        .mutants = {},
        .ends = 2,
    },
    SmallScenarioInfo{
        .name = "watch_against_commit",
        .what = "a watch starts while the key that it watches is written",
        .make = make_watch_against_commit,
        .decisions = {},
        .mutants = {},
        .ends = 2,
    },
};

}  // namespace

std::span<const SmallScenarioInfo> small_scenarios() { return kScenarios; }

}  // namespace kelpie::sim
