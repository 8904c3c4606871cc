// actors: two to four nodes run the production actor runtime over one shared store and claim actors
// by record; clients call any node. Nodes crash, stand still and are declared dead while they live;
// links are cut; the store fails as FoundationDB does. Checks S1, S2, S3, S4, S5, S6, S19, S21, L1.
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_actors(Simulation& simulation);

}  // namespace kelpie::sim
