// takeover: servers that take one shared store from each other, again and again, while clients talk
// to all of them over HTTP; the store fails as FoundationDB does. Checks S1, S2, S3, S4, S16, S17,
// S18, S20, S21, L1, L2.
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_takeover(Simulation& simulation);

}  // namespace kelpie::sim
