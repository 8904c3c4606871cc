// messages: nodes that share a store run accounts, which take deposits, send each other messages
// that carry money, call each other, and are reminded. Every operation of a client has a key and is
// tried until it is answered, on any node. Nodes crash, stand still and are declared dead; links
// are cut; the store fails as FoundationDB does. Checks S1 to S7, S14, S15, S21, L2, L6.
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_messages(Simulation& simulation);

}  // namespace kelpie::sim
