// Claim against claim: two nodes of a shared store claim one actor, and who got it runs a turn,
// while the first of them is declared dead by another server that starts under its name.
#include <optional>
#include <string>

#include "actor/head.h"
#include "cluster/ownership.h"
#include "sim/explore/owner_history.h"
#include "sim/explore/shared_store.h"
#include "sim/explore/small_scenarios.h"
#include "store/exactly_once.h"

namespace kelpie::sim {
namespace {

constexpr store::keys::ActorName kActor{"agent", "default", "a"};

struct Node {
  Node(SmallRun& run, SharedStore& store, std::string machine, std::string name)
      : host(run.add_host(std::move(machine))),
        world{host.world().loop, host.world().clock,  host.world().rng,     host.world().net,
              host.world().log,  host.world().faults, world::NodeName(name)},
        database(store.view(host)),
        ownership(world, *database, cluster::OwnerRecords::kPerActor) {}
  SimHost& host;
  World world;
  std::unique_ptr<store::Database> database;
  cluster::Ownership ownership;
  std::string outcome = "nothing";
};

class ClaimAgainstClaim final : public SmallScenario {
 public:
  explicit ClaimAgainstClaim(SmallRun& run) : run_(run) {}

  Task<void> set_up() override {
    co_await one_.ownership.join();
    co_await two_.ownership.join();
    co_return kOk;
  }
  void start() override {
    run_.spawn(one_.host, "one", contend(one_));
    run_.spawn(two_.host, "two", contend(two_));
    run_.spawn(reborn_.host, "another one", declare_dead());
  }
  Task<void> judge() override {
    if (auto failure = judge_turns(store_.batches(), kActor, cluster::OwnerRecords::kPerActor)) {
      run_.fail(failure->oracle, failure->message);
    }
    run_.end_in(one_.outcome + "/" + two_.outcome);
    co_return kOk;
  }

 private:
  Task<void> contend(Node& node) {
    auto generation = co_await node.ownership.acquire(kActor).result();
    if (!generation.ok()) {
      node.outcome = "no claim: " + std::string(base::code_name(generation.error().code));
      co_return kOk;
    }
    auto turn = co_await run_turn(node, *std::move(generation)).result();
    node.outcome = turn.ok() ? "a turn" : "no turn";
    co_return kOk;
  }
  // The commit of an activation, without what surrounds it.
  static Task<void> run_turn(Node& node, cluster::Generation generation) {
    auto transaction = node.database->begin();
    co_await node.ownership.fence().guard(*transaction);
    const Bytes nonce = store::fresh_nonce(node.world.rng);
    transaction->set(store::keys::actor_head(kActor), actor::Head{generation, 1, nonce}.encode());
    co_await transaction->commit();
    co_return kOk;
  }
  Task<void> declare_dead() { return reborn_.ownership.join(); }

  SmallRun& run_;
  SharedStore store_{run_, {}};
  Node one_{run_, store_, "machine-1", "one"};
  Node two_{run_, store_, "machine-2", "two"};
  Node reborn_{run_, store_, "machine-3", "one"};
};

}  // namespace

std::unique_ptr<SmallScenario> make_claim_against_claim(SmallRun& run) {
  return std::make_unique<ClaimAgainstClaim>(run);
}

}  // namespace kelpie::sim
