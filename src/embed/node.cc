#include "kelpie/node.h"

#include <utility>

#include "actor/due_queue.h"
#include "actor/runtime.h"
#include "async/event.h"
#include "async/scope.h"
#include "async/sleep.h"
#include "base/check.h"
#include "cluster/keeper.h"
#include "cluster/ownership.h"
#include "embed/call_options.h"
#include "embed/host.h"
#include "world/clock.h"
#include "world/log.h"
#include "world/world.h"

namespace kelpie {
namespace {

// How often to look for what other nodes have made due.
constexpr Duration kDuePoll = Duration::seconds(1);

cluster::OwnerRecords records_of(const NodeSettings& settings) {
  return settings.store == NodeSettings::Store::kShared ? cluster::OwnerRecords::kPerActor
                                                        : cluster::OwnerRecords::kNone;
}

}  // namespace

namespace detail {

Result<actor::CallOptions> call_options(const CallOptions& options, Instant now) {
  if (options.deadline <= Duration()) {
    return base::invalid_argument("a call's deadline is after now, got " +
                                  std::to_string(options.deadline.millis()) + " ms");
  }
  actor::CallOptions made{.deadline = now + options.deadline};
  if (!options.idempotency_key.empty()) {
    made.once = actor::Once{options.idempotency_key};
  }
  return made;
}

}  // namespace detail

struct Node::Parts {
  Parts(world::World& in_world, store::Database& database, const NodeSettings& in_settings)
      : world(in_world),
        settings(in_settings),
        ownership(world, database, records_of(settings)),
        runtime(world, database, ownership,
                actor::RuntimeOptions{.idle_timeout = settings.idle_timeout}),
        due(world, runtime,
            {.poll = settings.store == NodeSettings::Store::kShared ? kDuePoll : Duration()}),
        asked(world.loop),
        keeping(world.loop,
                [this](const Error& error) {
                  world.log.error("the node's upkeep ended", {{"error", error.to_string()}});
                }),
        work(world.loop, [this](const Error& error) {
          world.log.warn("spawned work failed", {{"error", error.to_string()}});
        }) {
    runtime.serve_due(&due);
    if (settings.store == NodeSettings::Store::kShared) {
      keeper = std::make_unique<cluster::Keeper>(
          world, database, ownership, cluster::WatcherOptions{},
          [this](const cluster::Epoch& lost) { runtime.fence_lost(lost); });
    }
  }

  world::World& world;
  NodeSettings settings;
  cluster::Ownership ownership;
  actor::Runtime runtime;
  actor::DueQueue due;
  std::unique_ptr<cluster::Keeper> keeper;  // null: nobody else is there
  async::Event asked;
  bool listens = false;
  bool started = false;
  async::Scope keeping;
  async::Scope work;  // last: its tasks use everything above
};

Node::Node(world::World& world, store::Database& database, NodeSettings settings)
    : parts_(std::make_unique<Parts>(world, database, settings)) {}
Node::~Node() = default;

void Node::add_type(detail::ActorType type) {
  CHECK(!parts_->started);
  auto hosted = std::make_shared<const detail::HostedType>(std::move(type));
  actor::TypeOptions options{.stays_without_state = hosted->type().state.none};
  options.methods = [hosted](std::string_view name) {
    const detail::Method* method = hosted->find(name);
    if (method == nullptr || method->kind == detail::MethodKind::kTurn) {
      return actor::MethodKind::kTurn;
    }
    return method->kind == detail::MethodKind::kReadOnly ? actor::MethodKind::kReadOnly
                                                         : actor::MethodKind::kReentrant;
  };
  std::string name = hosted->type().name;
  parts_->runtime.register_type(
      std::move(name),
      [hosted](actor::ActorServices services) {
        return std::make_unique<detail::Host>(hosted, std::move(services.self));
      },
      std::move(options));
}

Task<void> Node::start() {
  CHECK(!parts_->started);
  co_await parts_->ownership.join();
  parts_->started = true;
  if (parts_->keeper) {
    parts_->keeping.spawn(parts_->keeper->run());
  }
  parts_->due.start();
  co_return kOk;
}

Task<void> Node::stop() {
  if (!parts_->ownership.joined()) {
    co_return kOk;
  }
  parts_->work.cancel();
  Result<void> left = kOk;
  co_await parts_->due.stop();
  co_await parts_->runtime.finish_calls();
  if (parts_->keeper) {
    left = co_await parts_->keeper->start_leaving().result();
  }
  co_await parts_->runtime.stop();
  if (parts_->keeper && left.ok()) {
    left = co_await parts_->keeper->leave().result();
  }
  // A node that cannot say that it goes is missed by the others, and one that was missed before has
  // nothing left to leave.
  parts_->keeping.cancel();
  if (!left.ok() && left.error().code != Code::kFailedPrecondition) {
    parts_->world.log.warn("the node could not leave; the others will miss it",
                           {{"error", left.error().to_string()}});
  }
  co_return kOk;
}

Task<Bytes> Node::call_raw(ActorRef actor, std::string method, Bytes arguments,
                           CallOptions options) {
  auto made = co_await detail::call_options(options, parts_->world.loop.now());
  co_return co_await parts_->runtime
      .invoke(std::move(actor), {std::move(method), std::move(arguments)}, std::move(made))
      .result();
}

void Node::spawn(Task<void> work) { parts_->work.spawn(std::move(work)); }

Task<void> Node::sleep(Duration length) {
  co_await async::sleep_for(parts_->world.loop, length);
  co_return kOk;
}

WallTime Node::now() const { return parts_->world.clock.wall(); }

Task<void> Node::asked_to_end() {
  parts_->listens = true;
  co_await parts_->asked.wait();
  co_return kOk;
}
void Node::ask_to_end() { parts_->asked.set(); }
bool Node::listens() const { return parts_->listens; }

actor::Runtime& Node::runtime() { return parts_->runtime; }

}  // namespace kelpie
