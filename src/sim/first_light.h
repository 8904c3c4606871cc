// first_light: one server of one or two loops, three clients over the simulated network; crashes,
// kills, stops, pauses, partitions, a disk that fails. Checks S3, S4, S16, S17, S18, S20, S21; and
// beside clients and a provider that are lost for good, that every accepted message is answered
// (L1), and that every accepted run ends by itself (L2).
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
