// What OwnershipModel shows of itself: its encoding, and what a check of it must have come across.
#include <algorithm>
#include <utility>

#include "sim/model/ownership_model.h"

namespace kelpie::sim {
namespace {

// Writes stamps as their rank among all that were written: two passes.
class Writer {
 public:
  void stamp(Stamp stamp) {
    places_.emplace_back(bytes_.size(), stamp);
    number(0);
  }
  void number(uint64_t small) { bytes_ += static_cast<char>(small); }
  void flag(bool value) { number(value ? 1 : 0); }
  [[nodiscard]] Bytes take() && {
    std::vector<Stamp> ranks = {Stamp()};
    for (const auto& [place, stamp] : places_) {
      ranks.push_back(stamp);
    }
    std::ranges::sort(ranks);
    ranks.erase(std::ranges::unique(ranks).begin(), ranks.end());
    for (const auto& [place, stamp] : places_) {
      bytes_[place] = static_cast<char>(std::ranges::lower_bound(ranks, stamp) - ranks.begin());
    }
    return std::move(bytes_);
  }

 private:
  Bytes bytes_;
  std::vector<std::pair<size_t, Stamp>> places_;
};

// In the place of a process's phase.
constexpr uint64_t kLost = 255;

// Turns are compared with the head's only, and fall behind it for good.
uint64_t behind(int64_t turn, int64_t newest) {
  return static_cast<uint64_t>(std::min<int64_t>(newest - turn, 2) + 1);
}

}  // namespace

Bytes OwnershipModel::encode() const {
  Writer to;
  const int64_t head = actor().turn;
  const auto flight = [&](const Flight& each) {
    to.number(static_cast<uint64_t>(each.kind));
    for (const bool flag : {each.refused, each.settled, each.awaited}) {
      to.flag(flag);
    }
    if (each.refused && !each.awaited) {
      return;  // it can do nothing any more
    }
    to.number(each.process);
    to.stamp(each.generation);
    to.stamp(each.epoch);
    to.number(each.kind == Flight::Kind::kTurn ? behind(each.turn, head) : 0);
    to.number(each.epochs);
    to.flag(each.take);
    to.flag(each.record);
  };
  for (const OwnershipLedger::Node& node : ledger_.nodes()) {
    to.stamp(node.epoch);
  }
  const OwnershipLedger::Owner owner = actor().owner.value_or(OwnershipLedger::Owner());
  to.number(owner.node);
  to.stamp(owner.epoch);
  to.stamp(owner.generation);
  to.stamp(actor().generation_max);
  for (const Process& process : processes_) {
    const bool between =
        !process.open && process.phase != Phase::kDown && process.phase != Phase::kSettling;
    if (between && !passes_guard(process) && options_.bug != OwnershipBug::kLateGiveAway) {
      to.number(kLost);  // what it was before does not matter: it can only start again
      continue;
    }
    const bool knows_turn = process.phase == Phase::kActive || process.phase == Phase::kSettling;
    to.number(static_cast<uint64_t>(process.phase));
    to.stamp(process.epoch);
    to.stamp(process.generation);
    to.number(knows_turn ? behind(process.turn, head) : 0);
    to.flag(process.head_is_mine);
    to.flag(process.ended_activation);
    to.flag(process.open.has_value());
    if (process.open) {
      flight(*process.open);
    }
  }
  std::ranges::for_each(undecided_, flight);
  return std::move(to).take();
}

std::vector<std::string_view> OwnershipModel::action_names() const {
  using enum Action::Kind;
  std::vector<Action::Kind> kinds = {kStart,         kDeclareDead, kCrash, kAcquire, kReadState,
                                     kTurn,          kSettle,      kTold,  kRefused, kUntoldLost,
                                     kUntoldApplied, kUntoldLate,  kLand};
  if (options_.records == cluster::OwnerRecords::kPerActor) {
    kinds.push_back(kRelease);
  }
  std::vector<std::string_view> names;
  for (const Action::Kind kind : kinds) {
    names.push_back(Action{kind, 0}.name());
  }
  return names;
}

std::vector<Witness<OwnershipModel>> OwnershipModel::witnesses() const {
  using M = OwnershipModel;
  using Kind = Action::Kind;
  const auto turn_of = [](const M& model, const Action& step) -> const Flight* {
    const bool concludes = step.kind >= Kind::kTold && step.kind <= Kind::kUntoldLate;
    const Flight* flight = nullptr;
    if (step.kind == Kind::kLand) {
      flight = &model.undecided_[step.which];
    } else if (concludes) {
      flight = &*model.processes_[step.which].open;
    }
    return flight != nullptr && flight->kind == Flight::Kind::kTurn ? flight : nullptr;
  };
  std::vector<Witness<M>> all = {
      {"a paused owner woke after another had written, and its turn was refused",
       [turn_of](const M& before, const Action& step, const M&) {
         const Flight* turn = turn_of(before, step);
         return turn != nullptr && step.kind == Kind::kRefused && turn->refused &&
                before.actor().turn >= turn->turn &&
                before.actor().generation_max > turn->generation;
       }},
      {"a turn landed after its client was told nothing, and its settling found it",
       [](const M& before, const Action& step, const M&) {
         return step.kind == Kind::kSettle && before.processes_[step.which].head_is_mine;
       }},
      {"an undecided turn arrived after its settling and was refused",
       [turn_of](const M& before, const Action& step, const M&) {
         const Flight* turn = turn_of(before, step);
         return turn != nullptr && step.kind == Kind::kLand && turn->settled;
       }},
      {"an undecided turn arrived after its process was gone, and took effect",
       [turn_of](const M& before, const Action& step, const M& after) {
         const Flight* turn = turn_of(before, step);
         return turn != nullptr && step.kind == Kind::kLand && !turn->awaited &&
                after.actor().turn > before.actor().turn;
       }},
      {"a settling found that another had written since",
       [](const M& before, const Action& step, const M& after) {
         return step.kind == Kind::kSettle &&
                before.processes_[step.which].phase == Phase::kSettling &&
                after.processes_[step.which].phase == Phase::kJoined;
       }},
  };
  if (options_.records == cluster::OwnerRecords::kNone) {
    return all;
  }
  all.push_back({"an actor was taken from an owner that was declared dead",
                 [](const M& before, const Action&, const M& after) {
                   return before.actor().owner && after.actor().owner &&
                          before.actor().owner->node != after.actor().owner->node &&
                          !before.ledger_.stands(*before.actor().owner);
                 }});
  all.push_back({"an undecided claim was found landed, and kept",
                 [](const M& before, const Action& step, const M& after) {
                   return step.kind == Kind::kTold &&
                          before.processes_[step.which].open->kind == Flight::Kind::kClaim &&
                          !before.processes_[step.which].open->take &&
                          after.processes_[step.which].phase == Phase::kOwner;
                 }});
  all.push_back({"an undecided release arrived after its node had claimed again, and was refused",
                 [](const M& before, const Action& step, const M&) {
                   return step.kind == Kind::kLand &&
                          before.undecided_[step.which].kind == Flight::Kind::kRelease &&
                          before.undecided_[step.which].refused && before.actor().owner &&
                          before.ledger_.stands(*before.actor().owner);
                 }});
  return all;
}

}  // namespace kelpie::sim
