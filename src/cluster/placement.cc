// Ownership's looks at who owns what.
#include <utility>

#include "cluster/membership.h"
#include "cluster/ownership.h"

namespace kelpie::cluster {
namespace {

// Of one page, whoever's they are: a transaction's age is bounded.
constexpr size_t kRowsScannedMax = 1'000;

}  // namespace

Task<std::optional<Placement>> Ownership::placement(store::keys::ActorName actor) {
  const auto isolation = store::Isolation::kSnapshot;
  const Bytes key = store::keys::owner(actor);
  auto transaction = database_.begin();
  std::optional<OwnerRecord> record = co_await read_owner(*transaction, key, isolation);
  if (!record.has_value()) {
    co_return std::optional<Placement>();
  }
  const std::optional<Epoch> epoch = co_await read_epoch(*transaction, record->node, isolation);
  if (epoch != record->epoch) {
    co_return std::optional<Placement>();
  }
  Placement placement{.owner = std::move(*record)};
  std::optional<NodeRecord> node =
      co_await read_node_record(*transaction, placement.owner.node, isolation);
  if (node.has_value()) {
    placement.state = node->state;
    placement.address = std::move(node->address);
  }
  co_return std::optional<Placement>(std::move(placement));
}

Task<OwnedActors> Ownership::list_actors_on_node(std::string node, Bytes after, size_t limit) {
  const auto isolation = store::Isolation::kSnapshot;
  OwnedActors page;
  auto transaction = database_.begin();
  const std::optional<Epoch> epoch = co_await read_epoch(*transaction, node, isolation);
  if (!epoch.has_value()) {
    co_return std::move(page);
  }
  store::KeyRange range = store::keys::owners();
  if (!after.empty()) {
    range.begin = std::move(after) + '\x00';
  }
  for (size_t scanned = 0; scanned < kRowsScannedMax;) {
    store::RangePage rows = co_await transaction->get_range(
        {.range = range, .rows_max = kRowsScannedMax - scanned, .isolation = isolation});
    scanned += rows.rows.size();
    for (store::KeyValue& row : rows.rows) {
      OwnerRecord record = co_await decode_owner_record(row.value);
      if (record.node == node && record.epoch == *epoch) {
        auto name = co_await store::keys::owned_actor_of(row.key);
        page.actors.push_back({std::move(name.type), std::move(name.ns), std::move(name.id),
                               std::move(record.generation)});
      }
      page.next = std::move(row.key);
      if (page.actors.size() == limit) {
        co_return std::move(page);
      }
    }
    if (!rows.more) {
      page.next.reset();
      break;
    }
    range = std::move(rows.next);
  }
  co_return std::move(page);
}

}  // namespace kelpie::cluster
