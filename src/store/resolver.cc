#include "store/resolver.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::store {
namespace {

// Sweeping old ranges costs the whole map, so it waits until it is paid for by as many writes.
constexpr size_t kRangeWritesPerSweepMin = 1'000;

}  // namespace

Resolver::Resolver(Version recovered, Options options)
    : options_(options), oldest_(recovered), current_(recovered) {
  CHECK(options.writes_max > 0);
}

void Resolver::begin_batch(Version version) {
  CHECK(!open_);
  CHECK(version > current_);
  CHECK(open_keys_.size() == 0 && open_ranges_.empty());
  current_ = version;
  open_ = true;
}

Resolver::Verdict Resolver::resolve(Version read_version, const ConflictSet& reads,
                                    ConflictSet writes) {
  CHECK(open_);
  if (!reads.empty()) {
    CHECK(read_version < current_);
    if (read_version < oldest_) {
      return Verdict::kTooOld;
    }
    const auto point_hit = [&](const Bytes& key) { return written_after(read_version, key); };
    const auto range_hit = [&](const KeyRange& r) { return written_after(read_version, r); };
    if (std::ranges::any_of(reads.points, point_hit) ||
        std::ranges::any_of(reads.ranges, range_hit)) {
      return Verdict::kConflict;
    }
  }
  for (Bytes& key : writes.points) {
    open_keys_.add(std::move(key));
    open_points_.insert(open_keys_.hashes().back());
  }
  for (KeyRange& range : writes.ranges) {
    open_steps_.write(range, current_);
    open_ranges_.push_back(std::move(range));
  }
  return Verdict::kAccepted;
}

void Resolver::seal(Instant now) {
  CHECK(open_);
  Batch batch{current_, now, std::move(open_keys_), open_ranges_.size()};
  for (const uint64_t hash : batch.keys.hashes()) {
    points_[hash] = current_;
  }
  for (const KeyRange& range : open_ranges_) {
    ranges_.write(range, current_);
  }
  range_writes_since_sweep_ += open_ranges_.size();
  writes_ += batch.keys.size() + batch.ranges;
  batches_.push_back(std::move(batch));
  discard();
  age(now);
}

void Resolver::discard() {
  CHECK(open_);
  open_ = false;
  open_keys_ = WrittenKeys();
  open_points_.clear();
  open_ranges_.clear();
  open_steps_.clear();
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

bool Resolver::open_batch_writes(const Bytes& key) const {
  return open_points_.contains(base::hash64(key)) || open_steps_.at(key) == current_;
}

bool Resolver::written_after(Version read_version, const Bytes& key) const {
  // Whatever the open batch wrote has a version above every read version.
  if (open_batch_writes(key)) {
    return true;
  }
  const auto point = points_.find(base::hash64(key));
  if (point != points_.end() && point->second > read_version) {
    return true;
  }
  return ranges_.at(key) > read_version;
}

bool Resolver::written_after(Version read_version, const KeyRange& range) const {
  if (open_keys_.any_in(range) || open_steps_.any_after(range, read_version) ||
      ranges_.any_after(range, read_version)) {
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
