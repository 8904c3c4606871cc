// Take-over against a turn: a server that holds its store runs turns while another takes the store
// over and runs one of the same actor.
#include <string>
#include <vector>

#include "sim/explore/owner_history.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_node.h"
#include "sim/explore/small_scenarios.h"

namespace kelpie::sim {
namespace {

class TakeOverAgainstTurn final : public SmallScenario {
 public:
  explicit TakeOverAgainstTurn(SmallRun& run) : run_(run) {}

  Task<void> set_up() override { return hold(old_); }
  void start() override {
    run_.spawn(old_.host, "the caller", count_.call(0, old_runtime_));
    run_.spawn(new_.host, "the newer server", take_over());
  }
  Task<void> judge() override {
    const auto failure =
        judge_turns(store_.batches(), kCounted.name(), cluster::OwnerRecords::kNone);
    if (failure) {
      run_.fail(failure->oracle, failure->message);
    }
    if (!count_.replied(1)) {
      run_.fail("L1", "callers were told " + count_.outcomes());
    }
    co_await count_.judge(run_, store_.database());
    run_.end_in(count_.outcomes());
    co_return kOk;
  }

 private:
  static Task<void> hold(SmallNode& node) {
    std::vector<std::string> names = {node.world.self.get()};
    cluster::Epoch epoch =
        co_await cluster::take_over(node.world, *node.database, std::move(names));
    node.ownership.hold(std::move(epoch), [] {});
    co_return kOk;
  }
  Task<void> take_over() {
    co_await hold(new_);
    co_await count_.call(1, new_runtime_);
    co_return kOk;
  }

  static constexpr auto kRecords = cluster::OwnerRecords::kNone;
  SmallRun& run_;
  SharedStore store_{run_, {}};
  SmallNode old_{run_, store_, "old", "old", kRecords};
  SmallNode new_{run_, store_, "new", "new", kRecords};
  CountingRuntime old_runtime_{old_, {}};
  CountingRuntime new_runtime_{new_, {}};
  Count count_{2};
};

}  // namespace

std::unique_ptr<SmallScenario> make_take_over_against_turn(SmallRun& run) {
  return std::make_unique<TakeOverAgainstTurn>(run);
}

}  // namespace kelpie::sim
