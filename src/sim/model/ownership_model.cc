#include "sim/model/ownership_model.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace kelpie::sim {
namespace {

using Kind = OwnershipModel::Action::Kind;

constexpr std::array<std::string_view, 16> kNames = {
    "start",
    "declare dead",
    "crash",

    "acquire",
    "read state",
    "turn",
    "settle",
    "give up",
    "give away",
    "late give away",
    "commit: told",
    "commit: refused",
    "commit: untold, applied",
    "commit: untold, lost",
    "commit: untold, late",
    "land",
};
static_assert(kNames.size() == static_cast<size_t>(Kind::kLand) + 1);

constexpr std::array<std::string_view, 3> kNodes = {"A", "B", "C"};

}  // namespace

std::string_view OwnershipModel::Action::name() const { return kNames[static_cast<size_t>(kind)]; }

std::string OwnershipModel::Action::to_string() const {
  const std::string number = std::to_string(which);
  switch (kind) {
    case Kind::kDeclareDead:
      return "node " + std::string(kNodes[which]) + " is declared dead";
    case Kind::kLand:
      return "undecided commit " + number + " arrives";
    default:
      return "process " + number + ": " + std::string(name());
  }
}

OwnershipModel::OwnershipModel(OwnershipOptions options)
    : options_(std::move(options)), ledger_(options_.records) {
  ledger_.add_actor("the actor");
  for (const size_t node : options_.processes) {
    CHECK(node < kNodes.size());
    while (ledger_.nodes().size() <= node) {
      ledger_.add_node(std::string(kNodes[ledger_.nodes().size()]));
    }
    processes_.push_back({.node = node});
  }
}

bool OwnershipModel::holds_fence(const Process& process) const {
  return epoch_of(process.node) == process.epoch;
}

bool OwnershipModel::passes_guard(const Process& process) const {
  return holds_fence(process) || options_.bug == OwnershipBug::kNoCompare;
}

void OwnershipModel::leave(Process& process, Phase phase) {
  process.phase = phase;
  process.generation = Stamp();
  process.turn = 0;
  process.open.reset();
  process.head_is_mine = false;
  if (phase == Phase::kDown) {
    process.epoch = Stamp();
    process.ended_activation = false;
  }
}

void OwnershipModel::judge(std::optional<Failure> failure) {
  if (failure && !broken_) {
    broken_ = failure->oracle + (failure->oracle == "S1" ? " SingleActivation: " : " fencing: ") +
              failure->message;
  }
}

template <class Refuse>
void OwnershipModel::each_flight(Refuse refuse) {
  for (Process& process : processes_) {
    if (process.open) {
      refuse(*process.open);
    }
  }
  std::ranges::for_each(undecided_, refuse);
}

void OwnershipModel::refuse_epoch_readers(size_t node) {
  each_flight([node](Flight& flight) { flight.refused |= ((flight.epochs >> node) & 1U) != 0; });
}

void OwnershipModel::refuse_record_readers() {
  each_flight([](Flight& flight) { flight.refused |= flight.record; });
}

void OwnershipModel::replace_epochs(const std::vector<size_t>& nodes, Stamp stamp) {
  for (const size_t node : nodes) {
    judge(ledger_.set_epoch(node, stamp));
    refuse_epoch_readers(node);
  }
}

// A start, or the next one after the fence was lost. A blind write: nothing can refuse it. One
// that stays undecided and lands later is a declaration of death: nobody holds its epoch.
void OwnershipModel::start(Process& process) {
  const bool had_activation = process.phase == Phase::kActive;
  leave(process, Phase::kJoined);
  process.ended_activation = options_.bug == OwnershipBug::kLateGiveAway && had_activation;
  process.epoch = {++clock_, 0};
  std::vector<size_t> nodes = {process.node};
  if (options_.start == OwnershipOptions::Start::kTakeOver &&
      options_.bug != OwnershipBug::kOwnNames) {
    nodes.clear();
    for (size_t node = 0; node < ledger_.nodes().size(); ++node) {
      nodes.push_back(node);
    }
  }
  replace_epochs(nodes, process.epoch);
}

// What Ownership::claim reads and decides; nothing when another owns the actor.
std::optional<OwnershipModel::Flight> OwnershipModel::claim_of(size_t index) const {
  const Process& process = processes_[index];
  const OwnershipBug bug = options_.bug;
  Flight claim{.kind = Flight::Kind::kClaim, .process = index, .epoch = process.epoch};
  if (bug != OwnershipBug::kClaimNoFence) {
    claim.epochs = static_cast<uint8_t>(1U << process.node);
  }
  claim.record = bug != OwnershipBug::kSkew;
  const std::optional<OwnershipLedger::Owner>& owner = actor().owner;
  if (!owner) {
    claim.take = true;
    return claim;
  }
  if (bug != OwnershipBug::kSkew && bug != OwnershipBug::kClaimNoFence &&
      bug != OwnershipBug::kOwnerNoFence) {
    claim.epochs |= static_cast<uint8_t>(1U << owner->node);
  }
  if (!ledger_.stands(*owner)) {
    claim.take = true;
    return claim;
  }
  claim.generation = owner->generation;
  return owner->node == process.node ? std::optional(claim) : std::nullopt;
}

void OwnershipModel::acquire(size_t index) {
  Process& process = processes_[index];
  if (options_.records == cluster::OwnerRecords::kNone) {
    process.generation = process.epoch;
    process.phase = Phase::kOwner;
    return;
  }
  process.open = claim_of(index);
}

void OwnershipModel::begin_turn(size_t index) {
  Process& process = processes_[index];
  Flight turn{.kind = Flight::Kind::kTurn, .process = index};
  turn.generation = process.generation;
  turn.turn = process.turn + 1;
  if (options_.bug != OwnershipBug::kNoFence) {
    turn.epochs = static_cast<uint8_t>(1U << process.node);
  }
  process.open = turn;
}

void OwnershipModel::begin_release(size_t index) {
  Process& process = processes_[index];
  if (!actor().owner || actor().owner->epoch != process.epoch) {
    leave(process, Phase::kJoined);
    return;
  }
  Flight release{.kind = Flight::Kind::kRelease, .process = index};
  release.epochs = static_cast<uint8_t>(1U << process.node);
  release.record = true;
  process.open = release;
}

// In its own transaction, whose own undecided commits are simply repeated: as a step, when it is
// known to have committed.
void OwnershipModel::settle(size_t index) {
  Process& process = processes_[index];
  for (Flight& flight : undecided_) {
    if (flight.awaited && flight.process == index) {
      flight.refused = flight.settled = true;
      flight.awaited = false;
    }
  }
  if (process.head_is_mine) {
    process.turn = actor().turn;
  } else if (actor().turn != process.turn) {
    leave(process, Phase::kJoined);
    return;
  }
  process.head_is_mine = false;
  process.phase = Phase::kActive;
}

Stamp OwnershipModel::land(const Flight& flight) {
  const Stamp stamp{++clock_, 0};
  switch (flight.kind) {
    case Flight::Kind::kClaim:
      if (flight.take) {
        judge(ledger_.set_owner(0, {processes_[flight.process].node, flight.epoch, stamp}));
      }
      if (flight.take || options_.bug != OwnershipBug::kSilentReclaim) {
        refuse_record_readers();
      }
      break;
    case Flight::Kind::kTurn:
      judge(ledger_.set_head(0, flight.generation, flight.turn));
      for (Process& process : processes_) {
        process.head_is_mine = false;
      }
      processes_[flight.process].head_is_mine = flight.awaited;
      break;
    case Flight::Kind::kRelease:
      ledger_.clear_owner(0);
      refuse_record_readers();
      break;
  }
  return stamp;
}

void OwnershipModel::told(Process& process, const Flight& flight, Stamp stamp) {
  switch (flight.kind) {
    case Flight::Kind::kClaim:
      process.generation = flight.take ? stamp : flight.generation;
      process.phase = Phase::kOwner;
      break;
    case Flight::Kind::kTurn:
      process.turn = flight.turn;
      break;
    case Flight::Kind::kRelease:
      leave(process, Phase::kJoined);
      break;
  }
}

void OwnershipModel::untold(Process& process, const Flight& flight) {
  if (flight.kind == Flight::Kind::kTurn) {
    process.phase = Phase::kSettling;
  } else if (flight.kind == Flight::Kind::kRelease) {
    leave(process, Phase::kJoined);
  }
}

void OwnershipModel::conclude(size_t index, Action::Kind outcome) {
  Process& process = processes_[index];
  Flight flight = *std::exchange(process.open, std::nullopt);
  switch (outcome) {
    case Kind::kTold:
      told(process, flight, land(flight));
      return;
    case Kind::kRefused:
      return;
    case Kind::kUntoldApplied:
      flight.awaited = flight.kind == Flight::Kind::kTurn;
      land(flight);
      break;
    case Kind::kUntoldLate:
      flight.awaited = flight.kind == Flight::Kind::kTurn;
      undecided_.push_back(flight);
      break;
    default:
      CHECK(outcome == Kind::kUntoldLost);
  }
  untold(process, flight);
}

void OwnershipModel::apply(const Action& action) {
  const size_t which = action.which;
  switch (action.kind) {
    case Kind::kDeclareDead:
      replace_epochs({which}, {++clock_, 0});
      return;
    case Kind::kLand: {
      const Flight flight = undecided_[which];
      undecided_.erase(undecided_.begin() + static_cast<ptrdiff_t>(which));
      if (!flight.refused) {
        land(flight);
      }
      return;
    }
    default:
      break;
  }
  Process& process = processes_[which];
  switch (action.kind) {
    case Kind::kStart:
      start(process);
      break;
    case Kind::kCrash:
    case Kind::kGiveUp:
      std::ranges::for_each(undecided_,
                            [&](Flight& flight) { flight.awaited &= flight.process != which; });
      leave(process, action.kind == Kind::kCrash ? Phase::kDown : Phase::kJoined);
      break;
    case Kind::kAcquire:
      acquire(which);
      break;
    case Kind::kReadState:
      process.phase = Phase::kActive;
      process.turn = actor().turn;
      break;
    case Kind::kTurn:
      begin_turn(which);
      break;
    case Kind::kSettle:
      settle(which);
      break;
    case Kind::kRelease:
      begin_release(which);
      break;
    case Kind::kLateGiveAway:
      process.ended_activation = false;
      if (actor().owner && actor().owner->epoch == process.epoch) {
        land({.kind = Flight::Kind::kRelease, .process = which});
      }
      break;
    default:
      conclude(which, action.kind);
  }
}

void OwnershipModel::enabled_of(size_t index, std::vector<Action>& actions) const {
  const Process& process = processes_[index];
  const auto may = [&](Kind kind) { actions.push_back({kind, index}); };
  const bool shared = options_.records == cluster::OwnerRecords::kPerActor;
  if (process.phase != Phase::kDown) {
    may(Kind::kCrash);
  }
  if (process.open) {
    may(Kind::kRefused);  // also without a reason: a conflict may be false
    may(Kind::kUntoldLost);
    if (!process.open->refused) {
      may(Kind::kTold);
      may(Kind::kUntoldApplied);
    }
    if (undecided_.size() < options_.undecided_max) {
      may(Kind::kUntoldLate);
    }
    return;
  }
  if (process.phase == Phase::kSettling) {
    may(Kind::kSettle);
    if (options_.bug == OwnershipBug::kSettleGivesUp) {
      may(Kind::kGiveUp);
    }
    return;
  }
  const bool up = process.phase != Phase::kDown;
  const bool taken_over = up && options_.start == OwnershipOptions::Start::kTakeOver;
  if (!up || (!holds_fence(process) && !taken_over)) {
    may(Kind::kStart);
  }
  if (!up || !passes_guard(process)) {
    return;
  }
  if (process.ended_activation) {
    may(Kind::kLateGiveAway);
  }
  if (process.phase == Phase::kJoined) {
    if (!shared || claim_of(index)) {
      may(Kind::kAcquire);
    }
  } else if (process.phase == Phase::kOwner) {
    may(Kind::kReadState);
  } else {
    may(Kind::kTurn);
    if (shared) {
      may(Kind::kRelease);
    }
  }
}

std::vector<OwnershipModel::Action> OwnershipModel::enabled_actions() const {
  std::vector<Action> actions;
  for (size_t i = 0; i < processes_.size(); ++i) {
    enabled_of(i, actions);
  }
  for (size_t node = 0; node < ledger_.nodes().size(); ++node) {
    if (!epoch_of(node).none()) {
      actions.push_back({Kind::kDeclareDead, node});
    }
  }
  for (size_t i = 0; i < undecided_.size(); ++i) {
    actions.push_back({Kind::kLand, i});
  }
  return actions;
}

}  // namespace kelpie::sim
