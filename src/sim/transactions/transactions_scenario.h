// transactions: clients work on the store itself, either the embedded pipeline over a disk that
// crashes, or a shared cluster through the production FoundationDB adapter. Checks S19 by the
// trace of what was committed and by two history checkers, S3 and S6 by marks in the store's log,
// S21, L1.
#pragma once

#include <memory>

#include "sim/scenario.h"

namespace kelpie::sim {

std::unique_ptr<Scenario> make_transactions(Simulation& simulation);

}  // namespace kelpie::sim
