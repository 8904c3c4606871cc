#include "store/watch_table.h"

#include <string>
#include <utility>

#include "base/limits.h"

namespace kelpie::store {
namespace {

class LocalWatch final : public Watch {
 public:
  LocalWatch(WatchTable& table, WatchTable::EntryPtr entry)
      : table_(table), entry_(std::move(entry)) {}
  ~LocalWatch() override {
    table_.remove(*entry_);
    entry_->end(base::cancelled("the watch was let go"));
  }

  Task<void> changed() override { return wait(entry_); }

 private:
  static Task<void> wait(WatchTable::EntryPtr entry) {
    co_await entry->ended.wait();
    if (entry->error) {
      co_return *entry->error;
    }
    co_return kOk;
  }
  WatchTable& table_;
  WatchTable::EntryPtr entry_;
};

}  // namespace

std::unique_ptr<Watch> WatchTable::watch_of(WatchTable& table, EntryPtr entry) {
  return std::make_unique<LocalWatch>(table, std::move(entry));
}

void WatchTable::add(EntryPtr entry) {
  if (entries_.size() >= base::kWatchesMax) {
    entry->end(base::resource_exhausted("there are " + std::to_string(entries_.size()) +
                                        " watches already, the limit is " +
                                        std::to_string(base::kWatchesMax)));
    return;
  }
  const Bytes& key = entry->key;
  entries_.emplace(key, std::move(entry));
}

void WatchTable::remove(const Entry& entry) {
  auto [each, end] = entries_.equal_range(entry.key);
  for (; each != end; ++each) {
    if (each->second.get() == &entry) {
      entries_.erase(each);
      return;
    }
  }
}

std::vector<WatchTable::EntryPtr> WatchTable::changed_by(const CommitBatch& batch) const {
  // What the batch leaves in each watched key that it touches: its last mutation of it counts.
  std::map<Bytes, std::optional<Bytes>> values;
  for (const Mutation& mutation : batch.mutations) {
    if (entries_.empty()) {
      break;
    }
    if (mutation.kind == Mutation::Kind::kClearRange) {
      const auto end = entries_.lower_bound(mutation.value);
      for (auto each = entries_.lower_bound(mutation.key); each != end; ++each) {
        values[each->first] = std::nullopt;
      }
    } else if (entries_.contains(mutation.key)) {
      const bool is_set = mutation.kind == Mutation::Kind::kSet;
      values[mutation.key] = is_set ? std::optional<Bytes>(mutation.value) : std::nullopt;
    }
  }
  std::vector<EntryPtr> changed;
  for (const auto& [key, value] : values) {
    const auto [first, end] = entries_.equal_range(key);
    for (auto each = first; each != end; ++each) {
      if (each->second->value != value) {
        changed.push_back(each->second);
      }
    }
  }
  return changed;
}

void WatchTable::end_all(const std::vector<EntryPtr>& entries) {
  for (const EntryPtr& entry : entries) {
    entry->end(std::nullopt);
  }
}

void WatchTable::fail(const Error& error) {
  for (const auto& [key, entry] : entries_) {
    entry->end(error);
  }
  entries_.clear();
}

}  // namespace kelpie::store
