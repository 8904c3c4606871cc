#include "store/resolver.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::store {
namespace {

// Sweeping old ranges costs the whole map, so it waits until it is paid for by as many writes.
constexpr size_t kRangeWritesPerSweepMin = 1'000;
// One whose outcome is awaited, and one that fills meanwhile.
constexpr size_t kUnsealedMax = 2;

}  // namespace

Resolver::Resolver(Version recovered, Options options)
    : options_(options), oldest_(recovered), current_(recovered) {
  CHECK(options.writes_max > 0);
}

void Resolver::begin_batch(Version version) {
  CHECK(unsealed_.size() < kUnsealedMax);
  CHECK(version > current_);
  current_ = version;
  unsealed_.emplace_back().version = version;
}

Resolver::Verdict Resolver::check(Version read_version, const ConflictSet& reads) const {
  CHECK(!unsealed_.empty());
  if (reads.empty()) {
    return Verdict::kAccepted;
  }
  CHECK(read_version < current_);
  if (read_version < oldest_) {
    return Verdict::kTooOld;
  }
  const auto point_hit = [&](const Bytes& key) { return written_after(read_version, key); };
  const auto range_hit = [&](const KeyRange& r) { return written_after(read_version, r); };
  const bool conflict =
      std::ranges::any_of(reads.points, point_hit) || std::ranges::any_of(reads.ranges, range_hit);
  return conflict ? Verdict::kConflict : Verdict::kAccepted;
}

void Resolver::write(ByteView key) {
  Unsealed& batch = unsealed_.back();
  batch.keys.add(key);
  batch.key_hashes.insert(batch.keys.hashes().back());
}

void Resolver::write(KeyRange range) {
  Unsealed& batch = unsealed_.back();
  batch.steps.write(range, batch.version);
  batch.ranges.push_back(std::move(range));
}

Resolver::Verdict Resolver::resolve(Version read_version, const ConflictSet& reads,
                                    const ConflictSet& writes) {
  const Verdict verdict = check(read_version, reads);
  if (verdict == Verdict::kAccepted) {
    for (const Bytes& key : writes.points) {
      write(key);
    }
    for (const KeyRange& range : writes.ranges) {
      write(range);
    }
  }
  return verdict;
}

void Resolver::seal(Instant now) {
  CHECK(!unsealed_.empty());
  Unsealed& batch = unsealed_.front();
  for (const uint64_t hash : batch.keys.hashes()) {
    points_[hash] = batch.version;
  }
  for (const KeyRange& range : batch.ranges) {
    ranges_.write(range, batch.version);
  }
  range_writes_since_sweep_ += batch.ranges.size();
  writes_ += batch.keys.size() + batch.ranges.size();
  batches_.push_back({batch.version, now, std::move(batch.keys), batch.ranges.size()});
  unsealed_.pop_front();
  age(now);
}

void Resolver::discard() {
  CHECK(!unsealed_.empty());
  unsealed_.pop_front();
}

void Resolver::age(Instant now) {
  const auto expired = [&] { return now - batches_.front().sealed > options_.window; };
  while (!batches_.empty() && (expired() || writes_ > options_.writes_max)) {
    forget_oldest_batch();
  }
  if (range_writes_since_sweep_ > std::max(kRangeWritesPerSweepMin, ranges_.size() / 2)) {
    range_writes_since_sweep_ = 0;
    ranges_.forget_up_to(oldest_);
  }
}

bool Resolver::unsealed_batch_writes(const Bytes& key) const {
  return !unsealed_.empty() && unsealed_.front().writes(key, base::hash64(key));
}

bool Resolver::written_after(Version read_version, const Bytes& key) const {
  const uint64_t hash = base::hash64(key);
  // A batch that is visible already, and not sealed yet, may be what was read.
  const auto hit = [&](const Unsealed& batch) {
    return batch.version > read_version && batch.writes(key, hash);
  };
  if (std::ranges::any_of(unsealed_, hit)) {
    return true;
  }
  const auto point = points_.find(hash);
  if (point != points_.end() && point->second > read_version) {
    return true;
  }
  return ranges_.at(key) > read_version;
}

bool Resolver::written_after(Version read_version, const KeyRange& range) const {
  const auto hit = [&](const Unsealed& batch) {
    return batch.version > read_version &&
           (batch.keys.any_in(range) || batch.steps.any_after(range, read_version));
  };
  if (std::ranges::any_of(unsealed_, hit) || ranges_.any_after(range, read_version)) {
    return true;
  }
  for (auto batch = batches_.rbegin(); batch != batches_.rend(); ++batch) {
    if (batch->version <= read_version) {
      break;
    }
    if (batch->keys.any_in(range)) {
      return true;
    }
  }
  return false;
}

void Resolver::forget_oldest_batch() {
  const Batch& batch = batches_.front();
  CHECK(batch.version > oldest_);
  for (const uint64_t hash : batch.keys.hashes()) {
    const auto point = points_.find(hash);
    if (point != points_.end() && point->second <= batch.version) {
      points_.erase(point);
    }
  }
  CHECK(writes_ >= batch.keys.size() + batch.ranges);
  writes_ -= batch.keys.size() + batch.ranges;
  // Whoever reads at this version or later cannot conflict with it, so only older ones lose.
  oldest_ = batch.version;
  batches_.pop_front();
}

}  // namespace kelpie::store
