#include "cluster/keeper.h"

#include <algorithm>
#include <utility>

#include "async/select.h"
#include "async/sleep.h"
#include "cluster/membership.h"
#include "cluster/sweep.h"
#include "store/keys.h"
#include "world/clock.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::cluster {
namespace {

// A join or a beat that failed is tried again sooner than the next would be due.
constexpr int kAgainInOnePeriod = 4;
// Of one beat.
constexpr int kCommitsMax = 5;

}  // namespace

Keeper::Keeper(World& world, store::Database& database, Ownership& ownership,
               WatcherOptions options, Lost lost)
    : world_(world),
      database_(database),
      ownership_(ownership),
      options_(options),
      lost_(std::move(lost)),
      watcher_(world.self.get(), options),
      work_(world.loop, [this](const Error& error) {
        world_.log.warn("a part of the node's upkeep failed", {{"error", error.to_string()}});
      }) {
  CHECK(lost_ != nullptr);
  ownership_.on_joined([this] { sweep_soon(); });
}

Keeper::~Keeper() { ownership_.on_joined({}); }

Task<void> Keeper::run() {
  while (!ownership_.joined() && !ownership_.leaving()) {
    auto joined = co_await ownership_.join().result();
    if (!joined.ok()) {
      world_.log.warn("the node could not join", {{"error", joined.error().to_string()}});
      co_await async::sleep_for(world_.loop, options_.period / kAgainInOnePeriod);
    }
  }
  while (!left_) {
    // A round that hangs is worth nothing, for this node is taken for dead by then.
    auto beaten = co_await async::timeout(world_.loop, options_.period * options_.fail_after,
                                          beat_and_watch())
                      .result();
    if (!beaten.ok()) {
      ++counters_.beats_failed;
      world_.log.debug("a heartbeat failed", {{"error", beaten.error().to_string()}});
    }
    co_await async::sleep_for(world_.loop,
                              beaten.ok() ? options_.period : options_.period / kAgainInOnePeriod);
  }
  co_return kOk;
}

Task<void> Keeper::beat_and_watch() {
  const Epoch epoch = ownership_.fence().epoch();
  Observation seen{.asked = world_.loop.now(), .answered = {}, .nodes = {}};
  auto transaction = database_.begin({.priority = store::Priority::kImmediate});
  seen.nodes = co_await read_nodes(*transaction);
  if (!holds(seen.nodes, epoch)) {
    fence_lost(epoch);
    co_return kOk;
  }
  co_await write_beat(*transaction, epoch);
  co_await commit_beat(std::move(transaction), epoch);
  ++counters_.beats;
  seen.answered = world_.loop.now();
  const std::vector<WatcherEffect> effects = watcher_.on_beats(seen);
  nodes_ = std::move(seen.nodes);
  for (const WatcherEffect& effect : effects) {
    act(effect);
  }
  co_return kOk;
}

void Keeper::fence_lost(const Epoch& epoch) {
  if (ownership_.leaving()) {
    // Nothing is left to leave.
    left_ = true;
  } else if (ownership_.fence().epoch() == epoch) {
    // Not if the node has joined again since it asked.
    ++counters_.fences_lost;
    world_.faults.reached("cluster.keeper.fence_lost");
    lost_(epoch);
  }
}

bool Keeper::holds(const std::vector<NodeSeen>& nodes, const Epoch& epoch) const {
  const auto self = std::ranges::find(nodes, world_.self.get(), &NodeSeen::name);
  return self != nodes.end() && self->epoch == epoch;
}

// Blind: it is in no conflict set, neither its own nor anybody's, so it never fails for one.
Task<void> Keeper::write_beat(store::Transaction& transaction, Epoch epoch) {
  ++counter_;
  if (world_.faults.mutant("M21")) {
    counter_ = (co_await transaction.read_version()).get();
  }
  if (world_.faults.mutant("M20")) {
    transaction.set_versionstamped_value(store::keys::epoch(world_.self.get()),
                                         Bytes(store::Versionstamp::kBytes, '\0'), 0);
  }
  const Beat beat{.epoch = std::move(epoch), .counter = counter_, .sent = world_.clock.wall()};
  transaction.set(store::keys::beat(world_.self.get()), encode_beat(beat));
  co_return kOk;
}

// What refuses a commit that has no conflicts is no reason to read everything again.
Task<void> Keeper::commit_beat(std::unique_ptr<store::Transaction> transaction, Epoch epoch) {
  for (int attempt = 1;; ++attempt) {
    auto committed = co_await transaction->commit().result();
    if (committed.ok()) {
      co_return kOk;
    }
    if (committed.error().code != Code::kAborted || attempt == kCommitsMax) {
      co_return std::move(committed).error();
    }
    transaction = database_.begin({.priority = store::Priority::kImmediate});
    co_await write_beat(*transaction, epoch);
  }
}

void Keeper::act(const WatcherEffect& effect) {
  switch (effect.kind) {
    case WatcherEffect::Kind::kSuspect:
      ++counters_.suspicions;
      world_.faults.reached("cluster.keeper.suspects");
      world_.log.warn("a node is silent", {{"silent", effect.node}});
      break;
    case WatcherEffect::Kind::kTrust:
      world_.faults.reached("cluster.keeper.trusts_again");
      world_.log.info("a silent node is heard again", {{"heard", effect.node}});
      break;
    case WatcherEffect::Kind::kDeclareDead:
      if (burying_.insert(effect.node).second) {
        work_.spawn(bury(effect.node, effect.epoch));
      }
      break;
  }
}

Task<void> Keeper::bury(std::string node, Epoch epoch) {
  auto fell = co_await declare_dead(world_, database_, node, std::move(epoch)).result();
  burying_.erase(node);
  if (!fell.ok()) {
    // The next interval that it misses asks for it again.
    co_return std::move(fell).error();
  }
  world_.faults.sometimes("cluster.keeper.was_dead_already", !*fell);
  if (*fell) {
    ++counters_.declared_dead;
    world_.faults.reached("cluster.keeper.declares_dead");
    world_.log.warn("a node was declared dead", {{"dead", node}});
    sweep_soon();
  }
  co_return kOk;
}

Task<void> Keeper::leave() {
  auto done = co_await ownership_.leave().result();
  left_ = left_ || done.ok() || done.error().code == Code::kFailedPrecondition;
  co_return std::move(done);
}

void Keeper::sweep_soon() {
  sweep_due_ = true;
  if (!std::exchange(sweeping_, true)) {
    work_.spawn(sweep());
  }
}

Task<void> Keeper::sweep() {
  while (std::exchange(sweep_due_, false)) {
    counters_.records_swept += co_await sweep_owner_records(world_, database_);
  }
  sweeping_ = false;
  co_return kOk;
}

}  // namespace kelpie::cluster
