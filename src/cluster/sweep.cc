#include "cluster/sweep.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "async/sleep.h"
#include "cluster/membership.h"
#include "cluster/owner_record.h"
#include "store/keys.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::cluster {
namespace {

constexpr size_t kRowsAtOnce = 50;
constexpr Duration kPause = Duration::millis(20);
// After a failure it waits longer and longer.
constexpr Duration kPauseMax = Duration::seconds(5);

struct Page {
  std::vector<Bytes> dead;
  std::optional<store::KeyRange> next;
};

Task<bool> is_dead(store::Transaction& transaction, OwnerRecord record,
                   store::Isolation isolation) {
  const std::optional<Epoch> epoch = co_await read_epoch(transaction, record.node, isolation);
  co_return epoch != record.epoch;
}

// Looks only, so that a walk over the living has no conflicts.
Task<Page> find_dead(store::Database& database, store::KeyRange range) {
  auto transaction = database.begin();
  store::RangePage rows =
      co_await transaction->get_range({.range = std::move(range),
                                       .rows_max = kRowsAtOnce,
                                       .isolation = store::Isolation::kSnapshot});
  Page page;
  std::map<std::string, std::optional<Epoch>> epochs;
  for (store::KeyValue& row : rows.rows) {
    const Result<OwnerRecord> decoded = decode_owner_record(row.value);
    if (!decoded.ok()) {
      continue;  // another's, of which this says nothing
    }
    const OwnerRecord& record = *decoded;
    auto known = epochs.find(record.node);
    if (known == epochs.end()) {
      std::optional<Epoch> epoch =
          co_await read_epoch(*transaction, record.node, store::Isolation::kSnapshot);
      known = epochs.emplace(record.node, std::move(epoch)).first;
    }
    if (known->second != record.epoch) {
      page.dead.push_back(std::move(row.key));
    }
  }
  if (rows.more) {
    page.next = std::move(rows.next);
  }
  co_return std::move(page);
}

Task<size_t> write_removal(store::Transaction& transaction, std::vector<Bytes> keys) {
  const auto isolation = store::Isolation::kSerializable;
  size_t removed = 0;
  for (Bytes& key : keys) {
    std::optional<OwnerRecord> record = co_await read_owner(transaction, key, isolation);
    if (record && co_await is_dead(transaction, std::move(*record), isolation)) {
      transaction.clear(std::move(key));
      ++removed;
    }
  }
  co_return removed;
}

Task<size_t> remove(store::Database& database, std::vector<Bytes> keys) {
  auto transaction = database.begin();
  const size_t removed = co_await write_removal(*transaction, std::move(keys));
  if (removed > 0) {
    co_await transaction->commit();
  }
  co_return removed;
}

struct Swept {
  size_t removed = 0;
  std::optional<store::KeyRange> next;
};

Task<Swept> sweep_page(store::Database& database, store::KeyRange range) {
  Page page = co_await find_dead(database, std::move(range));
  Swept swept{.next = std::move(page.next)};
  if (!page.dead.empty()) {
    swept.removed = co_await remove(database, std::move(page.dead));
  }
  co_return std::move(swept);
}

}  // namespace

Task<size_t> sweep_owner_records(World& world, store::Database& database) {
  size_t removed = 0;
  std::optional<store::KeyRange> range = store::keys::owners();
  for (Duration pause = kPause; range.has_value();) {
    auto swept = co_await sweep_page(database, *range).result();
    if (swept.ok()) {
      removed += swept->removed;
      world.faults.sometimes("cluster.sweep.removed", swept->removed > 0);
      range = std::move(swept->next);
      pause = kPause;
      if (!range) {
        break;
      }
    } else {
      // The page is looked at again. An undecided removal that happened leaves nothing to remove.
      world.log.debug("a page of owner records could not be swept",
                      {{"error", swept.error().to_string()}});
      pause = std::min(pause * 2, kPauseMax);
    }
    co_await async::sleep_for(world.loop, pause);
  }
  co_return removed;
}

}  // namespace kelpie::cluster
