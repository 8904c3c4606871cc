// Deactivate against invoke: an actor is given away as soon as it is idle, while calls arrive at
// its node and at another one; commits may end undecided, its release above all.
#include <memory>
#include <string>

#include "sim/explore/owner_history.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_node.h"
#include "sim/explore/small_scenarios.h"

namespace kelpie::sim {
namespace {

enum class Calls : uint8_t { kAtOnce, kInTurn };

// So many calls, of which the last `elsewhere` are made on the second node.
struct DeactivationShape {
  Calls calls = Calls::kAtOnce;
  size_t here = 0;
  size_t elsewhere = 0;
  uint64_t undecided = 0;  // commits, at most
};

class DeactivateAgainstInvoke final : public SmallScenario {
 public:
  DeactivateAgainstInvoke(SmallRun& run, DeactivationShape shape)
      : run_(run), shape_(shape), count_(shape.here + shape.elsewhere) {}

  Task<void> set_up() override {
    co_await one_.ownership.join();
    co_await two_.ownership.join();
    store_.set_undecided_max(shape_.undecided);
    co_return kOk;
  }
  void start() override {
    if (shape_.calls == Calls::kInTurn) {
      run_.spawn(one_.host, "the caller", call_in_turn());
      return;
    }
    for (size_t i = 0; i < shape_.here + shape_.elsewhere; ++i) {
      const bool here = i < shape_.here;
      run_.spawn(here ? one_.host : two_.host, "caller " + std::to_string(i),
                 count_.call(i, here ? one_runtime_ : two_runtime_));
    }
  }
  Task<void> judge() override {
    const auto failure = judge_turns(store_.batches(), kCounted.name(), kRecords);
    if (failure) {
      run_.fail(failure->oracle, failure->message);
    }
    for (size_t i = 0; i < shape_.here + shape_.elsewhere; ++i) {
      // With nobody else to own it, a call has no reason to be refused.
      if (shape_.elsewhere == 0 && !count_.replied(i)) {
        run_.fail("L1", "callers were told " + count_.outcomes());
      }
    }
    if (one_runtime_.overlapped || two_runtime_.overlapped) {
      run_.fail("S5", "a turn ran during another");
    }
    if (one_runtime_.runtime.active() + two_runtime_.runtime.active() > 0) {
      run_.fail("S21", "an idle actor is still active");
    }
    co_await count_.judge(run_, store_.database());
    run_.end_in(count_.outcomes() + " with commits: " + std::to_string(store_.batches().size()));
    co_return kOk;
  }

 private:
  Task<void> call_in_turn() {
    for (size_t i = 0; i < shape_.here; ++i) {
      co_await count_.call(i, one_runtime_);
    }
    co_return kOk;
  }

  static constexpr auto kRecords = cluster::OwnerRecords::kPerActor;
  static constexpr actor::RuntimeOptions kIdleAtOnce{.idle_timeout = Duration()};
  SmallRun& run_;
  DeactivationShape shape_;
  SharedStore store_{run_, {}};
  SmallNode one_{run_, store_, "one", "one", kRecords};
  SmallNode two_{run_, store_, "two", "two", kRecords};
  CountingRuntime one_runtime_{one_, kIdleAtOnce};
  CountingRuntime two_runtime_{two_, kIdleAtOnce};
  Count count_;
};

}  // namespace

std::unique_ptr<SmallScenario> make_deactivate_against_invoke(SmallRun& run) {
  return std::make_unique<DeactivateAgainstInvoke>(run, DeactivationShape{.here = 2});
}
std::unique_ptr<SmallScenario> make_deactivate_against_invoke_elsewhere(SmallRun& run) {
  return std::make_unique<DeactivateAgainstInvoke>(run,
                                                   DeactivationShape{.here = 1, .elsewhere = 1});
}
std::unique_ptr<SmallScenario> make_deactivate_undecided(SmallRun& run) {
  return std::make_unique<DeactivateAgainstInvoke>(
      run, DeactivationShape{.calls = Calls::kInTurn, .here = 2, .undecided = 1});
}

}  // namespace kelpie::sim
