#include "api/actor_facts.h"

#include <utility>

#include "cluster/membership.h"
#include "store/chunked.h"
#include "store/keys.h"

namespace kelpie::api {
namespace {

constexpr auto kSnapshot = store::Isolation::kSnapshot;

Task<bool> has_keys(store::Transaction& transaction, store::KeyRange range, size_t keys) {
  const Bytes last = co_await transaction.get_key(
      store::KeySelector::first_greater_or_equal(range.begin).plus(static_cast<int32_t>(keys - 1)),
      kSnapshot);
  co_return last < range.end;
}

}  // namespace

Task<Counted> count_keys(store::Transaction& transaction, store::KeyRange range) {
  size_t has = 0;
  size_t has_not = 1;
  while (co_await has_keys(transaction, range, has_not)) {
    has = has_not;
    if (has > kActorKeysCountedMax) {
      co_return Counted{kActorKeysCountedMax, true};
    }
    has_not = std::min(has_not * 2, kActorKeysCountedMax + 1);
  }
  while (has_not - has > 1) {
    const size_t middle = (has + has_not) / 2;
    (co_await has_keys(transaction, range, middle) ? has : has_not) = middle;
  }
  co_return Counted{has, false};
}

Task<std::optional<StoredFacts>> read_stored_facts(store::Database& database,
                                                   actor::ActorRef actor) {
  const store::keys::ActorName name = actor.name();
  auto transaction = database.begin();
  if (!co_await has_keys(*transaction, store::keys::actor(name), 1)) {
    co_return std::optional<StoredFacts>();
  }
  StoredFacts facts;
  if (const auto head = co_await transaction->get(store::keys::actor_head(name), kSnapshot)) {
    facts.head = co_await actor::Head::decode(*head);
  }
  const auto state =
      co_await store::get_chunked(*transaction, store::keys::actor_state(name), kSnapshot);
  if (state) {
    facts.state_bytes = state->size();
  }
  facts.data = co_await count_keys(*transaction, store::keys::actor_data(name));
  facts.inbox = co_await count_keys(*transaction, store::keys::actor_inbox(name));
  facts.parked = co_await count_keys(*transaction, store::keys::actor_parked(name));
  facts.reminders = co_await count_keys(*transaction, store::keys::actor_reminders(name));
  co_return std::optional<StoredFacts>(std::move(facts));
}

Task<OwnerFacts> read_owner_facts(store::Database& database, cluster::Ownership& ownership,
                                  actor::ActorRef actor) {
  const cluster::Fence& fence = ownership.fence();
  OwnerFacts facts{.records = ownership.records() == cluster::OwnerRecords::kPerActor,
                   .here = fence.node().get()};
  if (facts.records) {
    facts.placement = co_await ownership.placement(actor.name());
  } else {
    const cluster::Generation by_epoch(fence.epoch().get());
    facts.placement.emplace(cluster::Placement{{facts.here, fence.epoch(), by_epoch}});
  }
  if (!facts.placement) {
    co_return std::move(facts);
  }
  auto transaction = database.begin();
  const auto node =
      co_await cluster::read_node_record(*transaction, facts.placement->owner.node, kSnapshot);
  if (node) {
    facts.placement->state = node->state;
    facts.placement->address = node->address;
    facts.node_joined = node->joined;
  }
  co_return std::move(facts);
}

std::string explain_owner(const OwnerFacts& facts) {
  std::string text;
  if (!facts.records) {
    text = "This process holds its store alone, so no owners are written down: its node " +
           facts.here + " owns every actor of its loop by its epoch, from when it joined.";
  } else if (!facts.placement) {
    return "Nobody owns it: no owner is written down, or the epoch of the one that is has been "
           "replaced. The next call claims it.";
  } else {
    const std::string& owner = facts.placement->owner.node;
    text = "The node " + owner +
           " has claimed it, and the epoch under which it did still stands: no other node can "
           "commit for it before that epoch is replaced or the actor is given away.";
    if (owner != facts.here) {
      return text;
    }
  }
  text += facts.active ? " It is in memory there."
                       : " It is not in memory; the next call to it activates it.";
  if (facts.head && facts.head->paused) {
    text += " It is paused: it answers operators alone.";
  }
  return text;
}

}  // namespace kelpie::api
