// Judges by the store's own record of commits whether each turn of an actor was its owner's (S1),
// and whether epochs and generations only grew (S2).
#pragma once

#include <optional>
#include <vector>

#include "cluster/ownership.h"
#include "sim/simulation.h"
#include "store/backend.h"
#include "store/keys.h"

namespace kelpie::sim {

// Each batch holds one transaction. A turn is a write of the actor's head. With owner records its
// generation must be that of the actor's record, and the record's node must have the record's
// epoch; without, the generation must be the epoch of some node. Nothing if all that holds.
std::optional<Failure> judge_turns(const std::vector<store::CommitBatch>& batches,
                                   const store::keys::ActorName& actor,
                                   cluster::OwnerRecords records);

// How many turns of the actor there are.
size_t count_turns(const std::vector<store::CommitBatch>& batches,
                   const store::keys::ActorName& actor);

}  // namespace kelpie::sim
