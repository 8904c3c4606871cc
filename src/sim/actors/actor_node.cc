#include "sim/actors/actor_node.h"

#include <string>
#include <utility>

#include "actor/runtime.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "base/check.h"
#include "cluster/keeper.h"
#include "cluster/ownership.h"
#include "sim/actors/register_actor.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::sim {
namespace {

constexpr Duration kIdleTimeout = Duration::seconds(5);

actor::ActorRef ref_of(const ObjectOp& op) {
  return {std::string(kRegisterType), std::string(kRegisterNamespace), op.object};
}

Fate fate_of(const Error& error) {
  if (cluster::owner_elsewhere(error)) {
    return Fate::kFailed;
  }
  switch (error.code) {
    case Code::kFailedPrecondition:
    case Code::kResourceExhausted:
    case Code::kAborted:
      return Fate::kFailed;
    default:
      return Fate::kUnknown;
  }
}

}  // namespace

struct ActorNode::Parts {
  Parts(ActorNode& node, World& in_world)
      : world(in_world),
        adapter(world.loop, node.fdb_.connect(node.host_)),
        database(adapter, node.host_.loop().label(), node.told_),
        ownership(world, database, cluster::OwnerRecords::kPerActor),
        runtime(world, database, ownership, actor::RuntimeOptions{.idle_timeout = kIdleTimeout}),
        keeper(world, database, ownership, {},
               [this](const cluster::Epoch& lost) { runtime.fence_lost(lost); }),
        scope(world.loop,
              [&node](const Error& error) {
                node.simulation_.fail("scenario", "a keeper ended badly: " + error.to_string());
              }),
        calls(world.loop, [&node](const Error& error) {
          node.simulation_.fail("scenario", "a call's task ended badly: " + error.to_string());
        }) {
    runtime.register_type(std::string(kRegisterType),
                          [&simulation = node.simulation_](actor::ActorServices services) {
                            return std::make_unique<RegisterActor>(
                                std::move(services), [&simulation](const std::string& actor) {
                                  simulation.fail("S5", "two turns of " + actor + " overlap");
                                });
                          });
    scope.spawn(keeper.run());
  }

  World& world;
  store::FdbDatabase adapter;
  RecordingDatabase database;
  cluster::Ownership ownership;
  actor::Runtime runtime;
  cluster::Keeper keeper;
  async::Scope scope;
  async::Scope calls;  // last, with scope: their tasks use everything above
};

ActorNode::ActorNode(Simulation& simulation, SimHost& host, SimFdb& fdb,
                     RecordingDatabase::Told told)
    : simulation_(simulation), host_(host), fdb_(fdb), told_(std::move(told)) {}

ActorNode::~ActorNode() = default;

void ActorNode::start() {
  CHECK(!up());
  World& world = host_.boot();
  parts_ = std::make_unique<Parts>(*this, world);
}

void ActorNode::crash() {
  CHECK(up());
  host_.crash();
  simulation_.destroy_crashed(host_, [this] { parts_.reset(); });
}

bool ActorNode::busy() const { return up() && parts_->calls.size() > 0; }

Task<bool> ActorNode::stop() {
  CHECK(up());
  // Out of the node's own call stack, before it is destroyed.
  co_await async::yield(simulation_.loop());
  if (!up()) {
    co_return false;
  }
  parts_.reset();
  host_.loop().run_pending();
  host_.stop();
  co_return true;
}

void ActorNode::call(const ObjectOp& op, std::function<void(ObjectAnswer)> done) {
  CHECK(up());
  host_.loop().post_from_thread([this, op, done = std::move(done)]() mutable {
    // Only the incarnation that was called runs this: its gate drops what comes late.
    parts_->calls.spawn(perform(*parts_, simulation_.loop(), std::move(op), std::move(done)));
  });
}

Task<void> ActorNode::perform(Parts& parts, Loop& home, ObjectOp op,
                              std::function<void(ObjectAnswer)> done) {
  ObjectAnswer answer;
  Result<void> ended = kOk;
  if (!parts.ownership.joined()) {
    ended = base::failed_precondition("the node has not joined yet");
  } else if (op.kind == ObjectOpKind::kRead) {
    auto seen =
        co_await parts.runtime
            .call<RegisterActor>(
                ref_of(op), [](RegisterActor& self, actor::Turn& turn) { return self.read(turn); })
            .result();
    if (seen.ok()) {
      answer.seen = std::move(seen).value();
    } else {
      ended = std::move(seen).error();
    }
  } else if (op.kind == ObjectOpKind::kWrite) {
    ended = co_await parts.runtime
                .call<RegisterActor>(ref_of(op),
                                     [value = op.argument](RegisterActor& self, actor::Turn& turn) {
                                       return self.write(turn, value);
                                     })
                .result();
  } else {
    CHECK(op.kind == ObjectOpKind::kCompareAndSet);
    auto swapped = co_await parts.runtime
                       .call<RegisterActor>(ref_of(op),
                                            [expected = op.expected, value = op.argument](
                                                RegisterActor& self, actor::Turn& turn) {
                                              return self.compare_and_set(turn, expected, value);
                                            })
                       .result();
    if (swapped.ok()) {
      answer.swap = *swapped ? Swap::kDone : Swap::kRefused;
    } else {
      ended = std::move(swapped).error();
    }
  }
  answer.fate = ended.ok() ? Fate::kOk : fate_of(ended.error());
  answer.broken = !ended.ok() &&
                  (ended.error().code == Code::kInternal || ended.error().code == Code::kDataLoss);
  answer.error = ended.ok() ? "" : ended.error().to_string();
  home.post_from_thread(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  co_return kOk;
}

}  // namespace kelpie::sim
