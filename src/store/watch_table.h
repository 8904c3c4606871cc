// WatchTable: the watches of an embedded engine. The commit pipeline tells it what each batch
// wrote; a watch ends when a batch gives its key another value than the one that it was made for.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "async/event.h"
#include "base/error.h"
#include "store/backend.h"
#include "store/database.h"

namespace kelpie::store {

// One Loop. Outlives its watches.
class WatchTable {
 public:
  // One watch, shared by the transaction that makes it, the table, and the one who waits.
  struct Entry {
    Entry(Loop& loop, Bytes watched) : key(std::move(watched)), ended(loop) {}
    // The first end stands.
    void end(std::optional<Error> why) {
      if (!ended.is_set()) {
        error = std::move(why);
        ended.set();
      }
    }
    Bytes key;
    std::optional<Bytes> value;  // that the key must differ from
    std::optional<Error> error;
    async::Event ended;
  };
  using EntryPtr = std::shared_ptr<Entry>;

  // The watch of a transaction that has not committed yet.
  static std::unique_ptr<Watch> watch_of(WatchTable& table, EntryPtr entry);

  // From now on `entry` hears of batches. Ends it with resource_exhausted over the limit.
  void add(EntryPtr entry);
  void remove(const Entry& entry);
  [[nodiscard]] size_t size() const { return entries_.size(); }

  // The entries whose key gets another value by this batch. Call before the batch is applied, and
  // `end_all` with them once it is visible.
  [[nodiscard]] std::vector<EntryPtr> changed_by(const CommitBatch& batch) const;
  static void end_all(const std::vector<EntryPtr>& entries);
  // The store has stopped.
  void fail(const Error& error);

 private:
  std::multimap<Bytes, EntryPtr> entries_;
};

}  // namespace kelpie::store
