#include "sim/fdb/storage.h"

#include <fmt/format.h>

#include <utility>

#include "async/sleep.h"

namespace kelpie::sim {

using store::CommitBatch;
using store::Mutation;

Task<void> FdbStorage::apply(CommitBatch batch) {
  co_await async::sleep_for(loop_, times_.between(Duration::micros(100), apply_max_));
  note(batch);
  if (observer_) {
    observer_(batch);
  }
  memory_.apply_now(std::move(batch));
  co_return kOk;
}

void FdbStorage::note(const CommitBatch& batch) {
  for (const Mutation& mutation : batch.mutations) {
    scheduler_.trace().mix(mutation.key);
    scheduler_.trace().mix(mutation.value);
    switch (mutation.kind) {
      case Mutation::Kind::kSet:
        contents_.insert_or_assign(mutation.key, mutation.value);
        break;
      case Mutation::Kind::kClear:
        contents_.erase(mutation.key);
        break;
      case Mutation::Kind::kClearRange:
        contents_.erase(contents_.lower_bound(mutation.key), contents_.lower_bound(mutation.value));
        break;
    }
  }
  scheduler_.note(
      loop_.label(), "store",
      fmt::format("applied {} with {} mutations", batch.version.get(), batch.mutations.size()));
}

bool FdbStorage::holds_any(const store::KeyRange& range) const {
  const auto first = contents_.lower_bound(range.begin);
  return first != contents_.end() && first->first < range.end;
}

}  // namespace kelpie::sim
