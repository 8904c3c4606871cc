// Oracles for agents whose model is a provider behind the network. Pure judgements of a history.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "sim/history.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// S16: each answer in the lists of these agents is one that the provider has `said`, whole and
// unchanged.
std::optional<Failure> check_answers_were_said(const History& history,
                                               const std::set<std::string>& agents,
                                               const std::set<std::string>& said);

// S16: a message is in the history although its run has failed at the model; L8: that is what its
// sender is told, with a reason. `agents` are those that a failing provider may excuse.
std::optional<Failure> check_failed_runs(const History& history,
                                         const std::set<std::string>& agents);

}  // namespace kelpie::sim
