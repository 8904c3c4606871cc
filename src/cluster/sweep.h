// Sweep: removes owner records whose epoch is gone. They hinder nobody, for a claim passes over
// them; but an actor that is never called again would keep one for ever.
#pragma once

#include <cstddef>

#include "async/task.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::cluster {

// Walks all owner records once, a page at a time with a pause after each. What it removes it reads
// again with conflicts, so it never removes the record of a claim that came meanwhile. What fails
// it tries again, for ever: drop it to end it. Yields how many it removed, as far as it knows.
Task<size_t> sweep_owner_records(World& world, store::Database& database);

}  // namespace kelpie::cluster
