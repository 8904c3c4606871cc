// Lease acquire, renew, expire: a node that owns an actor renews its lease and runs turns, while
// another one, whose patience is at its end, declares it dead and takes the actor.
#include <string>

#include "async/sleep.h"
#include "cluster/keeper.h"
#include "sim/explore/owner_history.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_node.h"
#include "sim/explore/small_scenarios.h"

namespace kelpie::sim {
namespace {

// One missed beat more, and the watcher has seen enough.
constexpr cluster::WatcherOptions kShort{
    .period = Duration::millis(10), .suspect_after = 1, .fail_after = 2};
// Passes when nothing else can happen any more.
constexpr Duration kAfterAll = Duration::micros(1);

class LeaseExpires final : public SmallScenario {
 public:
  explicit LeaseExpires(SmallRun& run) : run_(run) {}

  Task<void> set_up() override {
    co_await one_.ownership.join();
    co_await two_.ownership.join();
    // Sweeps after joins are left out of the race; the one after a declaration is in it.
    one_.ownership.on_joined({});
    co_await count_.call(0, one_runtime_);
    co_await two_keeper_.beat_and_watch();
    co_await async::sleep_for(two_.world.loop, kShort.period);
    co_await two_keeper_.beat_and_watch();
    co_await async::sleep_for(two_.world.loop, kShort.period);
    co_return kOk;
  }
  void start() override {
    run_.spawn(one_.host, "the owner", renew());
    run_.spawn(two_.host, "the watcher", expire());
  }
  Task<void> judge() override {
    if (const auto failure = judge_turns(store_.batches(), kCounted.name(), kRecords)) {
      run_.fail(failure->oracle, failure->message);
    }
    if (one_runtime_.overlapped || two_runtime_.overlapped) {
      run_.fail("S5", "a turn ran during another");
    }
    // Who expired a lease has its actors.
    const bool declared = two_keeper_.counters().declared_dead > 0;
    if (declared && !count_.replied(2) && !count_.replied(1)) {
      run_.fail("L4", "callers were told " + count_.outcomes());
    }
    co_await count_.judge(run_, store_.database());
    run_.end_in(count_.outcomes() + (declared ? " expired" : " renewed"));
    co_return kOk;
  }

 private:
  Task<void> renew() {
    co_await one_keeper_.beat_and_watch();
    co_await count_.call(1, one_runtime_);
    co_return kOk;
  }
  Task<void> expire() {
    co_await two_keeper_.beat_and_watch();
    co_await async::sleep_for(two_.world.loop, kAfterAll);
    co_await count_.call(2, two_runtime_);
    co_return kOk;
  }

  static constexpr auto kRecords = cluster::OwnerRecords::kPerActor;
  SmallRun& run_;
  SharedStore store_{run_, {}};
  SmallNode one_{run_, store_, "one", "one", kRecords};
  SmallNode two_{run_, store_, "two", "two", kRecords};
  CountingRuntime one_runtime_{one_, {}};
  CountingRuntime two_runtime_{two_, {}};
  // A turn finds a lost fence by itself.
  cluster::Keeper one_keeper_{one_.world, *one_.database, one_.ownership, kShort,
                              [](const cluster::Epoch&) {}};
  cluster::Keeper two_keeper_{two_.world, *two_.database, two_.ownership, kShort,
                              [](const cluster::Epoch&) {}};
  Count count_{3};
};

}  // namespace

std::unique_ptr<SmallScenario> make_lease_expires(SmallRun& run) {
  return std::make_unique<LeaseExpires>(run);
}

}  // namespace kelpie::sim
