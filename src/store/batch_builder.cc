#include "store/batch_builder.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "store/atomic_op.h"

namespace kelpie::store {
namespace {

void stamp(Bytes& target, size_t offset, const Versionstamp& versionstamp) {
  CHECK(offset + Versionstamp::kBytes <= target.size());
  target.replace(offset, Versionstamp::kBytes, versionstamp.bytes);
}

bool cleared_later(const PendingWrite& write) {
  return std::ranges::any_of(write.cleared_after,
                             [&](const KeyRange& range) { return range.contains(write.key); });
}

}  // namespace

void substitute_versionstamps(CommitRequest& request, Version version, uint16_t order) {
  const Versionstamp versionstamp = Versionstamp::make(version, order);
  for (PendingWrite& write : request.writes) {
    if (write.kind == PendingWrite::Kind::kStampedValue) {
      stamp(write.value, write.offset, versionstamp);
    } else if (write.kind == PendingWrite::Kind::kStampedKey) {
      stamp(write.key, write.offset, versionstamp);
    } else {
      continue;
    }
    const bool gone = cleared_later(write);
    write.kind = gone ? PendingWrite::Kind::kClear : PendingWrite::Kind::kSet;
    write.cleared_after.clear();
  }
}

ConflictSet write_conflicts_of(const CommitRequest& request) {
  ConflictSet conflicts = request.write_conflicts;
  conflicts.ranges.insert(conflicts.ranges.end(), request.cleared.begin(), request.cleared.end());
  conflicts.points.reserve(conflicts.points.size() + request.writes.size());
  for (const PendingWrite& write : request.writes) {
    CHECK(write.kind != PendingWrite::Kind::kStampedKey);
    conflicts.add_point(write.key);
  }
  return conflicts;
}

BatchBuilder::BatchBuilder(Version version, BaseValues base) : BatchBuilder(version) {
  start_from(std::move(base));
}

void BatchBuilder::start_from(BaseValues base) {
  CHECK(base_.empty());
  base_ = std::move(base);
  for (const Mutation& mutation : batch_.mutations) {
    note(mutation);
  }
}

void BatchBuilder::add(CommitRequest&& request) {
  for (KeyRange& range : request.cleared) {
    clear_range(std::move(range));
  }
  for (PendingWrite& write : request.writes) {
    switch (write.kind) {
      case PendingWrite::Kind::kSet:
        set(std::move(write.key), std::move(write.value));
        break;
      case PendingWrite::Kind::kClear:
        set(std::move(write.key), std::nullopt);
        break;
      case PendingWrite::Kind::kAtomic: {
        std::optional<Bytes> value = apply_atomic(write.op, value_so_far(write.key), write.value);
        set(std::move(write.key), std::move(value));
        break;
      }
      case PendingWrite::Kind::kStampedKey:
      case PendingWrite::Kind::kStampedValue:
        CHECK(false);
    }
  }
}

void BatchBuilder::clear_range(KeyRange range) {
  CHECK(!range.empty());
  batch_.mutations.push_back(
      {Mutation::Kind::kClearRange, std::move(range.begin), std::move(range.end)});
  note(batch_.mutations.back());
}

void BatchBuilder::set(Bytes key, std::optional<Bytes> value) {
  if (value) {
    batch_.mutations.push_back({Mutation::Kind::kSet, std::move(key), std::move(*value)});
  } else {
    batch_.mutations.push_back({Mutation::Kind::kClear, std::move(key), {}});
  }
  note(batch_.mutations.back());
}

void BatchBuilder::note(const Mutation& mutation) {
  if (base_.empty()) {
    return;
  }
  if (mutation.kind == Mutation::Kind::kClearRange) {
    for (auto key = base_.lower_bound(mutation.key);
         key != base_.end() && key->first < mutation.value; ++key) {
      overlay_[key->first] = std::nullopt;
    }
  } else if (base_.contains(mutation.key)) {
    const bool is_set = mutation.kind == Mutation::Kind::kSet;
    overlay_[mutation.key] = is_set ? std::optional(mutation.value) : std::nullopt;
  }
}

std::optional<Bytes> BatchBuilder::value_so_far(const Bytes& key) const {
  const auto changed = overlay_.find(key);
  if (changed != overlay_.end()) {
    return changed->second;
  }
  const auto before = base_.find(key);
  CHECK(before != base_.end());
  return before->second;
}

}  // namespace kelpie::store
