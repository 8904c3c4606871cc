#include "store/differential_model.h"

#include <algorithm>

#include "base/check.h"
#include "store/atomic_op.h"

namespace kelpie::store {
namespace {

using Kind = ModelWrite::Kind;

bool overlap(const KeyRange& a, const KeyRange& b) { return a.begin < b.end && b.begin < a.end; }

ModelWrite stamped(ModelWrite write, const Bytes& stamp) {
  if (write.kind == Kind::kStampedKey) {
    write.key.replace(write.offset, stamp.size(), stamp);
    write.kind = Kind::kSet;
  } else if (write.kind == Kind::kStampedValue) {
    write.value.replace(write.offset, stamp.size(), stamp);
    write.kind = Kind::kSet;
  }
  return write;
}

void apply_to(Model::Map& map, const ModelWrite& write) {
  switch (write.kind) {
    case Kind::kSet:
      map[write.key] = write.value;
      return;
    case Kind::kClear:
      map.erase(write.key);
      return;
    case Kind::kClearRange:
      if (write.key < write.value) {
        map.erase(map.lower_bound(write.key), map.lower_bound(write.value));
      }
      return;
    case Kind::kAtomic: {
      const auto found = map.find(write.key);
      const std::optional<Bytes> old =
          found == map.end() ? std::nullopt : std::optional<Bytes>(found->second);
      if (const auto value = apply_atomic(write.op, old, write.value)) {
        map[write.key] = *value;
      } else {
        map.erase(write.key);
      }
      return;
    }
    case Kind::kStampedKey:
    case Kind::kStampedValue:
      // Invisible until the commit.
      return;
  }
}

KeyRange written_by(const ModelWrite& write) {
  return write.kind == Kind::kClearRange ? KeyRange{write.key, write.value}
                                         : KeyRange::single(write.key);
}

}  // namespace

void Model::commit(Map after, Commit commit, std::optional<Version> version) {
  state_ = std::move(after);
  commits_.push_back(std::move(commit));
  if (version) {
    pasts_.push_back({*version, state_, commits_.size()});
  } else {
    pasts_.clear();
  }
  while (pasts_.size() > kPastsMax) {
    pasts_.pop_front();
  }
}

void ModelTransaction::read_at(const Model::Past& past) {
  CHECK(!base_ && writes_.empty());
  base_ = past.state;
  read_after_ = past.commits;
}

void ModelTransaction::write(ModelWrite write) {
  const KeyRange range = written_by(write);
  if (range.empty()) {
    return;
  }
  wrote_ = true;
  stamped_ = stamped_ || write.kind == Kind::kStampedKey || write.kind == Kind::kStampedValue;
  if (write.kind != Kind::kAtomic && write.kind != Kind::kStampedKey) {
    known_.push_back(range);
  }
  if (view_) {
    apply_to(*view_, write);
  }
  writes_.push_back(std::move(write));
}

void ModelTransaction::add_read_conflict(KeyRange range) { depend_on(std::move(range)); }

void ModelTransaction::add_write_conflict(KeyRange range) {
  if (!range.empty()) {
    wrote_ = true;
    write_conflicts_.push_back(std::move(range));
  }
}

const Model::Map& ModelTransaction::view() {
  if (!base_) {
    base_ = model_.state();
    read_after_ = model_.commits().size();
  }
  if (!own_) {
    return *base_;
  }
  if (!view_) {
    view_ = base_;
    for (const ModelWrite& write : writes_) {
      apply_to(*view_, write);
    }
  }
  return *view_;
}

// Takes out of the range what this transaction itself has written.
void ModelTransaction::depend_on(KeyRange range) {
  std::vector<KeyRange> parts = {std::move(range)};
  if (own_) {
    for (const KeyRange& known : known_) {
      std::vector<KeyRange> left;
      for (const KeyRange& part : parts) {
        left.push_back({part.begin, std::min(part.end, known.begin)});
        left.push_back({std::max(part.begin, known.end), part.end});
      }
      std::erase_if(left, [](const KeyRange& part) { return part.empty(); });
      parts = std::move(left);
    }
  }
  for (KeyRange& part : parts) {
    if (!part.empty()) {
      reads_.push_back(std::move(part));
    }
  }
}

std::optional<Bytes> ModelTransaction::get(const Bytes& key, Isolation isolation) {
  const Model::Map& map = view();
  note_range_read(KeyRange::single(key), isolation);
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional<Bytes>(found->second);
}

Bytes ModelTransaction::get_key(const KeySelector& selector, Isolation isolation) {
  std::vector<Bytes> keys;
  for (const auto& [key, value] : view()) {
    keys.push_back(key);
  }
  const bool included = selector.or_equal == OrEqual::kIncluded;
  const auto below = std::ranges::count_if(
      keys, [&](const Bytes& key) { return included ? key <= selector.key : key < selector.key; });
  const int64_t place = below - 1 + selector.offset;
  const auto count = static_cast<int64_t>(keys.size());
  const Bytes found = place < 0       ? Bytes()
                      : place < count ? keys[static_cast<size_t>(place)]
                                      : Bytes(kKeysEnd);
  const Bytes start = included && selector.key < kKeysEnd ? selector.key + '\0' : selector.key;
  if (selector.offset > 0) {
    note_range_read({start, found == kKeysEnd ? found : found + '\0'}, isolation);
  } else {
    note_range_read({found, start}, isolation);
  }
  return found;
}

std::vector<KeyValue> ModelTransaction::rows(const KeyRange& range, Order order) {
  std::vector<KeyValue> rows;
  const Model::Map& map = view();
  for (auto row = map.lower_bound(range.begin); row != map.end() && row->first < range.end; ++row) {
    rows.push_back({row->first, row->second});
  }
  if (order == Order::kReverse) {
    std::ranges::reverse(rows);
  }
  return rows;
}

void ModelTransaction::note_range_read(const KeyRange& covered, Isolation isolation) {
  if (isolation == Isolation::kSerializable) {
    depend_on(covered);
  }
}

ModelTransaction::Verdict ModelTransaction::verdict() const {
  if (!wrote_) {
    return Verdict::kNothing;
  }
  if (!base_) {
    return Verdict::kCommits;
  }
  Verdict verdict = Verdict::kCommits;
  for (size_t i = read_after_; i < model_.commits().size(); ++i) {
    const Model::Commit& commit = model_.commits()[i];
    const bool hit = std::ranges::any_of(commit.writes, [&](const KeyRange& write) {
      return std::ranges::any_of(reads_,
                                 [&](const KeyRange& read) { return overlap(read, write); });
    });
    if (hit) {
      verdict = std::max(verdict, commit.certain ? Verdict::kConflicts : Verdict::kMayConflict);
    }
  }
  return verdict;
}

std::pair<Model::Map, std::vector<KeyRange>> ModelTransaction::outcome(const Bytes& stamp) const {
  Model::Map after = model_.state();
  std::vector<KeyRange> ranges = write_conflicts_;
  for (const ModelWrite& write : writes_) {
    const ModelWrite final_write = stamped(write, stamp);
    apply_to(after, final_write);
    ranges.push_back(written_by(final_write));
  }
  return {std::move(after), std::move(ranges)};
}

}  // namespace kelpie::store
