// actors: two to four nodes run the production actor runtime over one shared store and claim actors
// by record; each has a keeper; clients call any node. Nodes crash, stop, stand still and are
// declared dead while they live; links are cut; the store fails as FoundationDB does. At the end a
// node dies for good, and the others must find out. Checks S1, S2, S3, S4, S5, S6, S11, S12, S19,
// S21, L1, L4.
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_actors(Simulation& simulation);

}  // namespace kelpie::sim
