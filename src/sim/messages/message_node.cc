#include "sim/messages/message_node.h"

#include <utility>

#include "actor/due_queue.h"
#include "actor/runtime.h"
#include "async/event.h"
#include "async/select.h"
#include "async/sleep.h"
#include "base/check.h"
#include "cluster/keeper.h"
#include "cluster/ownership.h"
#include "sim/messages/account_actor.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::sim {
namespace {

constexpr Duration kIdleTimeout = Duration::seconds(5);
constexpr Duration kPoll = Duration::millis(250);
constexpr Duration kJoinLook = Duration::millis(50);
constexpr Duration kMessageDeadline = Duration::seconds(10);

}  // namespace

struct MessageNode::Parts {
  Parts(MessageNode& node, World& in_world)
      : world(in_world),
        adapter(world.loop, node.fdb_.connect(node.host_)),
        database(adapter, node.host_.loop().label(), node.told_),
        ownership(world, database, cluster::OwnerRecords::kPerActor),
        runtime(world, database, ownership, actor::RuntimeOptions{.idle_timeout = kIdleTimeout}),
        due(world, runtime, {.poll = kPoll, .message_deadline = kMessageDeadline}),
        keeper(world, database, ownership, {},
               [this](const cluster::Epoch& lost) { runtime.fence_lost(lost); }),
        scope(world.loop, [&node](const Error& error) {
          node.simulation_.fail("scenario", "a node's task ended badly: " + error.to_string());
        }) {
    runtime.register_type(std::string(kAccountType),
                          [&simulation = node.simulation_](actor::ActorServices services) {
                            return std::make_unique<AccountActor>(
                                std::move(services), [&simulation](const std::string& actor) {
                                  simulation.fail("S5", "two turns of " + actor + " overlap");
                                });
                          },
                          {.methods = account_method_kind});
    scope.spawn(keeper.run());
    scope.spawn(serve_due(*this));
  }

  // The queue is served once the node has joined.
  static Task<void> serve_due(Parts& parts) {
    while (!parts.ownership.joined()) {
      co_await async::sleep_for(parts.world.loop, kJoinLook);
    }
    parts.due.start();
    co_return kOk;
  }

  World& world;
  store::FdbDatabase adapter;
  RecordingDatabase database;
  cluster::Ownership ownership;
  actor::Runtime runtime;
  actor::DueQueue due;
  cluster::Keeper keeper;
  async::Scope scope;  // last: its tasks use everything above
};

MessageNode::MessageNode(Simulation& simulation, SimHost& host, SimFdb& fdb,
                         RecordingDatabase::Told told)
    : simulation_(simulation), host_(host), fdb_(fdb), told_(std::move(told)) {}

MessageNode::~MessageNode() = default;

void MessageNode::start() {
  CHECK(!up());
  World& world = host_.boot();
  parts_ = std::make_unique<Parts>(*this, world);
}

void MessageNode::crash() {
  CHECK(up());
  host_.crash();
  simulation_.destroy_crashed(host_, [this] { parts_.reset(); });
  if (stopping_) {
    std::exchange(stopping_, nullptr)->set();
  }
}

bool MessageNode::busy() const { return up() && parts_->runtime.pending() > 0; }

// As a process ends: what was begun is ended, actors are given away, the node leaves.
Task<void> MessageNode::end(Parts& parts, Loop& home, std::function<void()> done) {
  co_await parts.due.stop();
  if (parts.ownership.joined()) {
    co_await parts.runtime.finish_calls();
    // A node that was declared dead meanwhile has nothing left to leave.
    static_cast<void>(co_await parts.keeper.start_leaving().result());
    co_await parts.runtime.stop();
    static_cast<void>(co_await parts.keeper.leave().result());
  }
  home.post_from_thread(std::move(done));
  co_return kOk;
}

Task<bool> MessageNode::stop() {
  if (!up() || stopping_) {
    co_return false;
  }
  const auto ended = std::make_shared<async::Event>(simulation_.loop());
  stopping_ = ended;
  host_.loop().post_from_thread([this, ended] {
    parts_->scope.spawn(end(*parts_, simulation_.loop(), [ended] { ended->set(); }));
  });
  co_await ended->wait();
  // Out of the node's own call stack, before it is destroyed.
  co_await async::yield(simulation_.loop());
  // It has crashed meanwhile, and may run again.
  if (stopping_ != ended) {
    co_return false;
  }
  stopping_.reset();
  parts_.reset();
  host_.loop().run_pending();
  host_.stop();
  co_return true;
}

void MessageNode::call(Ask ask, std::function<void(Result<Bytes>)> done) {
  CHECK(up());
  host_.loop().post_from_thread([this, ask = std::move(ask), done = std::move(done)]() mutable {
    // Only the incarnation that was called runs this: its gate drops what comes late. One that has
    // just stopped runs out of work without it.
    if (!parts_) {
      return;
    }
    parts_->scope.spawn(perform(*parts_, simulation_.loop(), std::move(ask), std::move(done)));
  });
}

Task<void> MessageNode::perform(Parts& parts, Loop& home, Ask ask,
                                std::function<void(Result<Bytes>)> done) {
  Result<Bytes> answer = base::unavailable("the node has not joined yet");
  if (parts.ownership.joined()) {
    actor::CallOptions options{.deadline = parts.world.loop.now() + ask.patience,
                               .once = std::move(ask.once)};
    answer =
        co_await parts.runtime.invoke(std::move(ask.to), std::move(ask.what), std::move(options))
            .result();
  }
  home.post_from_thread(
      [done = std::move(done), answer = std::move(answer)]() mutable { done(std::move(answer)); });
  co_return kOk;
}

}  // namespace kelpie::sim
