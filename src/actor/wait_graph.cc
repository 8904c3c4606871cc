#include "actor/wait_graph.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace kelpie::actor {

Result<uint64_t> WaitGraph::begin(Wait wait) {
  const bool to_itself = wait.from == wait.to;
  const std::vector<const Wait*> back =
      to_itself ? std::vector<const Wait*>() : path(wait.to, wait.from);
  if (to_itself || !back.empty()) {
    std::string cycle = wait.from.to_string() + "." + wait.from_method + " -> " +
                        wait.to.to_string() + "." + wait.to_method;
    for (const Wait* next : back) {
      cycle += " -> " + next->to.to_string() + "." + next->to_method;
    }
    return base::failed_precondition(
        "deadlock: each of these calls would wait for the next: " + cycle +
        "; send a message instead, or declare the method reentrant");
  }
  return begin_inside(std::move(wait));
}

uint64_t WaitGraph::begin_inside(Wait wait) {
  const uint64_t number = next_++;
  of_.emplace(wait.from, number);
  waits_.emplace(number, std::move(wait));
  return number;
}

void WaitGraph::end(uint64_t number) {
  const auto wait = waits_.find(number);
  CHECK(wait != waits_.end());
  const auto [first, last] = of_.equal_range(wait->second.from);
  const auto place =
      std::find_if(first, last, [&](const auto& entry) { return entry.second == number; });
  CHECK(place != last);
  of_.erase(place);
  waits_.erase(wait);
}

std::vector<const WaitGraph::Wait*> WaitGraph::path(const ActorRef& from,
                                                    const ActorRef& to) const {
  // Breadth first, so that the cycle that is shown is a shortest one.
  std::map<ActorRef, const Wait*> reached_by;
  std::vector<ActorRef> front{from};
  reached_by[from] = nullptr;
  for (size_t at = 0; at < front.size(); ++at) {
    const auto [first, last] = of_.equal_range(front[at]);
    for (auto entry = first; entry != last; ++entry) {
      const Wait& wait = waits_.at(entry->second);
      if (!reached_by.emplace(wait.to, &wait).second) {
        continue;
      }
      if (wait.to == to) {
        std::vector<const Wait*> steps;
        for (const Wait* step = &wait; step != nullptr; step = reached_by.at(step->from)) {
          steps.insert(steps.begin(), step);
        }
        return steps;
      }
      front.push_back(wait.to);
    }
  }
  return {};
}

}  // namespace kelpie::actor
