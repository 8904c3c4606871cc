// ReadChecks: proves that what was read from an actor's memory was not out of date.
//
// A reply from memory is held back until a check that was *issued after its request arrived* has
// found the epoch unchanged: then no other owner can have committed anything before that. Checks
// are made on demand, one at a time, and each serves all that wait. Source: architecture, section
// 6; the read index of Raft (Ongaro, 2014, section 6.4) is the same idea.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "async/event.h"
#include "async/scope.h"
#include "async/task.h"
#include "base/result.h"
#include "cluster/epoch_fence.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::actor {

// One Loop. World and database outlive it.
class ReadChecks {
 public:
  ReadChecks(World& world, store::Database& database);

  // Ends with ok if the epoch was still the fence's at a moment after the call.
  // `failed_precondition`: the fence is lost. `unavailable` and others: it could not be read.
  Task<void> pass(std::shared_ptr<cluster::EpochFence> fence);

  // How often the epoch was read, and how many replies that released.
  [[nodiscard]] uint64_t checks() const { return checks_; }
  [[nodiscard]] uint64_t passed() const { return passed_; }

 private:
  struct Batch {
    Batch(Loop& loop, std::shared_ptr<cluster::EpochFence> of) : fence(std::move(of)), done(loop) {}
    std::shared_ptr<cluster::EpochFence> fence;
    Result<void> result = kOk;
    async::Event done;
  };
  Task<void> work();
  Task<void> check(Batch& batch);

  World& world_;
  store::Database& database_;
  // Those who came since the check under way was issued. All of one epoch: a loop has one at a
  // time.
  std::shared_ptr<Batch> next_;
  bool working_ = false;
  uint64_t checks_ = 0;
  uint64_t passed_ = 0;
  Scope scope_;
};

}  // namespace kelpie::actor
