// first_light: one server of one or two loops that crashes, three clients over the simulated
// network, read errors during activation. Checks S3, S4, S16, S18, S20, S21, that every accepted
// message is answered (L1), and that every accepted run ends by itself (L2).
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_first_light(Simulation& simulation);

// The same with agents whose model is a provider behind the network, in every seed.
std::unique_ptr<Scenario> make_provider(Simulation& simulation);

// The same over TLS, whose wire may damage bytes.
std::unique_ptr<Scenario> make_tls(Simulation& simulation);

}  // namespace kelpie::sim
