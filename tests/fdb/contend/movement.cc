#include "movement.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <utility>

namespace kelpie::contend {
namespace {

constexpr const char* kOk = "ok";
constexpr const char* kElsewhere = "elsewhere";
constexpr const char* kUnavailable = "unavailable";
constexpr const char* kRule = "movement";

// An answer that an actor gave under one generation, by its own node alone.
struct Change {
  int64_t value = 0;
  int64_t called_ns = 0;
  int64_t returned_ns = 0;
  std::string node;
  std::string generation;
};

// By actor, in the order of their values.
std::map<std::string, std::vector<Change>> changes_of(const std::vector<NodeLog>& logs) {
  std::map<std::pair<std::string, std::string>, std::set<std::string>> makers;
  for (const NodeLog& log : logs) {
    for (const Call& call : log.calls) {
      if (call.kind != Kind::kRead) {
        makers[{call.actor, call.key}].insert(log.node);
      }
    }
  }
  std::map<std::string, std::vector<Change>> changes;
  for (const NodeLog& log : logs) {
    for (const Call& call : log.calls) {
      if (call.kind != Kind::kRead && call.outcome == kOk &&
          makers[{call.actor, call.key}].size() == 1) {
        changes[call.actor].push_back(
            {call.value, call.called_ns, call.returned_ns, log.node, call.generation});
      }
    }
  }
  for (auto& [actor, list] : changes) {
    std::ranges::sort(list, {}, &Change::value);
  }
  return changes;
}

void count_moves(const std::vector<Change>& changes, int64_t begin_ns, Movement& movement) {
  bool moved = false;
  for (size_t i = 1; i < changes.size(); ++i) {
    if (changes[i].generation == changes[i - 1].generation) {
      continue;
    }
    if (changes[i].node == changes[i - 1].node) {
      ++movement.claimed_again;
      continue;
    }
    moved = true;
    ++movement.moved;
    const auto tenth = static_cast<size_t>((changes[i].returned_ns - begin_ns) / movement.tenth_ns);
    ++movement.moved_in[std::min(tenth, movement.moved_in.size() - 1)];
  }
  movement.actors_moved += static_cast<uint64_t>(moved);
}

void count_taken(const std::vector<Change>& changes, const Stop& stop, Movement& movement) {
  const Change* before = nullptr;
  const Change* taken = nullptr;
  bool back = false;
  for (const Change& change : changes) {
    if (change.returned_ns < stop.from_ns) {
      before = &change;
    } else if (change.called_ns > stop.from_ns && change.returned_ns < stop.to_ns &&
               taken == nullptr) {
      taken = &change;
    } else if (change.called_ns > stop.to_ns && change.node == stop.node) {
      back = true;
    }
  }
  if (before == nullptr || before->node != stop.node) {
    return;
  }
  ++movement.held;
  if (taken == nullptr || taken->node == stop.node) {
    return;
  }
  ++movement.taken;
  movement.taken_back += static_cast<uint64_t>(back);
  const int64_t after = taken->returned_ns - stop.from_ns;
  movement.first_taken_ns = std::min(movement.first_taken_ns.value_or(after), after);
}

void look_at_stopped(const NodeLog& log, const Stop& stop, Movement& movement) {
  for (const EpochSeen& seen : log.epochs) {
    ++(seen.at_ns < stop.from_ns ? movement.epochs_before : movement.epochs_after);
  }
  for (const Call& call : log.calls) {
    const bool inside = call.called_ns > stop.from_ns && call.returned_ns < stop.to_ns;
    if (inside) {
      movement.problems.push_back({kRule, log.node, "it made calls while it stood still"});
    }
    movement.begun_before +=
        static_cast<uint64_t>(call.called_ns < stop.from_ns && call.returned_ns > stop.to_ns);
    movement.lost +=
        static_cast<uint64_t>(call.returned_ns > stop.to_ns && call.outcome == kUnavailable);
    if (call.called_ns > stop.to_ns && call.outcome == kOk) {
      ++movement.answered_after;
      const int64_t after = call.returned_ns - stop.to_ns;
      movement.first_answer_after_ns =
          std::min(movement.first_answer_after_ns.value_or(after), after);
    }
  }
}

void look_at_other(const NodeLog& log, const Stop& stop, Movement& movement) {
  for (const Call& call : log.calls) {
    if (call.called_ns > stop.from_ns && call.returned_ns < stop.to_ns &&
        call.outcome == kElsewhere && call.owner == stop.node) {
      const int64_t after = call.called_ns - stop.from_ns;
      movement.last_refused_ns = std::max(movement.last_refused_ns.value_or(after), after);
    }
  }
}

void demand(bool shown, const std::string& node, std::string text, Movement& movement) {
  if (!shown) {
    movement.problems.push_back({kRule, node, std::move(text)});
  }
}

}  // namespace

Movement movement_of(const std::vector<NodeLog>& logs, const Stop& stop) {
  constexpr int kTenths = 10;
  Movement movement;
  movement.moved_in.resize(kTenths);
  int64_t begin_ns = std::numeric_limits<int64_t>::max();
  int64_t end_ns = 0;
  for (const NodeLog& log : logs) {
    for (const Call& call : log.calls) {
      begin_ns = std::min(begin_ns, call.called_ns);
      end_ns = std::max(end_ns, call.returned_ns);
    }
    if (log.node == stop.node) {
      look_at_stopped(log, stop, movement);
    } else {
      look_at_other(log, stop, movement);
    }
  }
  movement.tenth_ns = std::max<int64_t>(1, (end_ns - begin_ns) / kTenths);
  for (const auto& [actor, changes] : changes_of(logs)) {
    count_moves(changes, begin_ns, movement);
    count_taken(changes, stop, movement);
  }
  const int64_t length = stop.to_ns - stop.from_ns;
  demand(movement.moved > 0, "all", "no actor changed its node", movement);
  demand(movement.held > 0, stop.node, "it had no actor when it was stopped", movement);
  demand(movement.taken > 0, stop.node, "nothing of it was taken over while it stood still",
         movement);
  demand(movement.last_refused_ns.value_or(0) < length - length / 10, stop.node,
         "it was still taken for the owner at the end of its stop", movement);
  demand(movement.answered_after > 0, stop.node, "it answered nothing after it was continued",
         movement);
  demand(movement.epochs_before > 0 && movement.epochs_after > 0, stop.node,
         "it did not come back under a new epoch", movement);
  return movement;
}

}  // namespace kelpie::contend
