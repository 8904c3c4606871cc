// WaitGraph: which actors' turns wait for which other actors. A cycle can never end, so the call
// that would close one is refused, at once, with the names of all that it would tie up.
//
// An actor's turn waits for an actor as a whole: its turns run one after the other, so whoever is
// called behind a turn that waits, waits for what that turn waits for. Source: Holt, "Some Deadlock
// Properties of Computer Systems", ACM Computing Surveys 4(3), 1972, for single-unit resources.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "actor/ref.h"
#include "base/result.h"

namespace kelpie::actor {

// Pure; of one loop's actors.
class WaitGraph {
 public:
  // `from`'s running turn, in this method, is about to wait for a method of `to`. Yields a number
  // for `end`. `failed_precondition` if that would be a cycle: nothing is recorded then.
  struct Wait {
    ActorRef from;
    std::string from_method;
    ActorRef to;
    std::string to_method;
  };
  Result<uint64_t> begin(Wait wait);
  // The same for a call that runs inside of a turn which `to` has begun already, and so waits for
  // no other: it is never a cycle, but what runs there may not call back.
  uint64_t begin_inside(Wait wait);
  void end(uint64_t number);

  [[nodiscard]] size_t size() const { return waits_.size(); }

 private:
  // The waits that lead from one actor to another; empty: there is no way.
  [[nodiscard]] std::vector<const Wait*> path(const ActorRef& from, const ActorRef& to) const;

  uint64_t next_ = 1;
  std::map<uint64_t, Wait> waits_;
  std::multimap<ActorRef, uint64_t> of_;  // by the actor whose turn waits
};

}  // namespace kelpie::actor
