// first_light: one server that crashes, three clients over the simulated network, read errors
// during activation. Checks S3, S4, S16, S18, S20, S21 and that every accepted message is answered.
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_first_light(Simulation& simulation);

}  // namespace kelpie::sim
