// The names of all sites at which production code asks for rare branches or tells what it has
// reached (faults.h). A simulation refuses a name that is not here, and a campaign fails that has
// left one out; tools/tidy compares this list with the code.
#pragma once

#include <array>
#include <string_view>

namespace kelpie::world {

// buggify: `area.what`.
inline constexpr std::array<std::string_view, 6> kBuggifySites = {
    "actor.idle_at_once",          "server.owner_records",   "store.commit.batch_of_one",
    "store.commit.false_conflict", "store.range.short_page", "store.settle.give_up",
};

// sometimes, reached.
inline constexpr std::array<std::string_view, 37> kReachedSites = {
    "actor.activation.fence_lost",
    "actor.call.deadlock",
    "actor.fence.checked",
    "actor.give_away.failed",
    "actor.inbox.parked",
    "actor.once.repetition",
    "actor.rejoin.ends_activations",
    "actor.retire.orphan",
    "actor.retire.turns_wait",
    "actor.settle.by_the_next",
    "actor.settle.happened",
    "actor.settle.never_will",
    "actor.settle.nobody_knows",
    "actor.turn.fence_lost",
    "actor.turn.one_round_trip",
    "actor.turn.too_late",
    "agent.accept.queued_behind",
    "agent.drive.look_again",
    "agent.drive.step_again",
    "agent.model.failed",
    "agent.reply.kept",
    "cluster.claim.already_ours",
    "cluster.claim.from_the_dead",
    "cluster.claim.owned_elsewhere",
    "cluster.claim.undecided",
    "cluster.keeper.declares_dead",
    "cluster.keeper.fence_lost",
    "cluster.keeper.suspects",
    "cluster.keeper.trusts_again",
    "cluster.keeper.was_dead_already",
    "cluster.sweep.removed",
    "store.commit.batch_of_many",
    "store.commit.conflict",
    "store.commit.refused",
    "store.commit.too_old",
    "store.commit.undecided",
    "store.settle.again",
};

// always.
inline constexpr std::array<std::string_view, 1> kAlwaysSites = {
    "store.commit.visible_at_its_version",
};

}  // namespace kelpie::world
