#include "store/write_buffer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "store/atomic_op.h"

namespace kelpie::store {
namespace {

Error undecided_by_commit() {
  return base::invalid_argument(
      "this transaction wrote a versionstamp there; what it reads as is decided by the commit: "
      "read "
      "it in a later transaction");
}

}  // namespace

void WriteBuffer::set(Bytes key, Bytes value) {
  Entry& entry = entries_[std::move(key)];
  entry = Entry{Entry::State::kValue, std::move(value), 0, {}};
}

void WriteBuffer::clear(Bytes key) {
  Entry& entry = entries_[std::move(key)];
  entry = Entry{Entry::State::kAbsent, {}, 0, {}};
}

void WriteBuffer::clear_range(KeyRange range) {
  if (range.empty()) {
    return;
  }
  entries_.erase(entries_.lower_bound(range.begin), entries_.lower_bound(range.end));
  for (StampedKey& stamped : stamped_keys_) {
    if (stamped.possible.begin < range.end && range.begin < stamped.possible.end) {
      stamped.cleared_after.push_back(range);
    }
  }
  // Join it with every interval that it overlaps or touches.
  auto first = cleared_.upper_bound(range.begin);
  if (first != cleared_.begin() && std::prev(first)->second >= range.begin) {
    --first;
  }
  auto last = first;
  while (last != cleared_.end() && last->first <= range.end) {
    range.begin = std::min(range.begin, last->first);
    range.end = std::max(range.end, last->second);
    ++last;
  }
  cleared_.erase(first, last);
  cleared_.emplace(std::move(range.begin), std::move(range.end));
}

void WriteBuffer::atomic(AtomicOp op, Bytes key, Bytes operand) {
  const auto found = entries_.find(key);
  if (found == entries_.end() && !is_cleared(key)) {
    entries_[std::move(key)].atomics.push_back({op, std::move(operand)});
    return;
  }
  Entry& entry = found == entries_.end()
                     ? entries_.emplace(key, Entry{Entry::State::kAbsent, {}, 0, {}}).first->second
                     : found->second;
  if (entry.state == Entry::State::kMerge || entry.state == Entry::State::kStamped) {
    entry.atomics.push_back({op, std::move(operand)});
    return;
  }
  const bool present = entry.state == Entry::State::kValue;
  std::optional<Bytes> value = apply_atomic(
      op, present ? std::optional<Bytes>(std::move(entry.value)) : std::nullopt, operand);
  entry.state = value ? Entry::State::kValue : Entry::State::kAbsent;
  entry.value = value ? std::move(*value) : Bytes();
}

void WriteBuffer::set_versionstamped_key(Bytes key, size_t offset, Bytes value) {
  CHECK(offset + Versionstamp::kBytes <= key.size());
  KeyRange possible{key, key};
  possible.begin.replace(offset, Versionstamp::kBytes, Versionstamp::kBytes, '\0');
  possible.end.replace(offset, Versionstamp::kBytes, Versionstamp::kBytes, '\xff');
  possible.end += '\0';
  stamped_keys_.push_back({std::move(key), offset, std::move(value), std::move(possible), {}});
}

void WriteBuffer::set_versionstamped_value(Bytes key, Bytes value, size_t offset) {
  CHECK(offset + Versionstamp::kBytes <= value.size());
  Entry& entry = entries_[std::move(key)];
  entry = Entry{Entry::State::kStamped, std::move(value), offset, {}};
}

bool WriteBuffer::empty() const {
  return entries_.empty() && cleared_.empty() && stamped_keys_.empty();
}

bool WriteBuffer::needs_base(const Bytes& key) const {
  const auto entry = entries_.find(key);
  return entry == entries_.end() ? !is_cleared(key) : entry->second.state == Entry::State::kMerge;
}

bool WriteBuffer::touches(const KeyRange& range) const {
  const auto entry = entries_.lower_bound(range.begin);
  if (entry != entries_.end() && entry->first < range.end) {
    return true;
  }
  const auto after = cleared_.lower_bound(range.end);
  return after != cleared_.begin() && range.begin < std::prev(after)->second;
}

std::vector<KeyRange> WriteBuffer::unknown_parts(KeyRange range) const {
  std::vector<KeyRange> parts;
  const auto cut = [&](const Bytes& begin, Bytes end) {
    if (range.begin < begin) {
      parts.push_back({range.begin, begin});
    }
    range.begin = std::max(std::move(range.begin), std::move(end));
  };
  auto entry = entries_.lower_bound(range.begin);
  auto interval = cleared_.upper_bound(range.begin);
  if (interval != cleared_.begin()) {
    --interval;
  }
  // Both in order of their first key. An entry inside an interval is known either way.
  for (;;) {
    const bool has_entry = entry != entries_.end() && entry->first < range.end;
    const bool has_interval = interval != cleared_.end() && interval->first < range.end;
    if (has_interval && (!has_entry || interval->first <= entry->first)) {
      if (interval->second > range.begin) {
        cut(interval->first, interval->second);
      }
      ++interval;
    } else if (has_entry) {
      if (entry->second.state != Entry::State::kMerge && entry->first >= range.begin) {
        cut(entry->first, entry->first + '\0');
      }
      ++entry;
    } else {
      break;
    }
  }
  if (!range.empty()) {
    parts.push_back(std::move(range));
  }
  return parts;
}

Result<std::optional<Bytes>> WriteBuffer::apply(const Bytes& key,
                                                const std::optional<Bytes>& base) const {
  if (std::ranges::any_of(stamped_keys_, [&](const StampedKey& stamped) {
        return stamped.possible.contains(key);
      })) {
    return undecided_by_commit();
  }
  const auto entry = entries_.find(key);
  if (entry != entries_.end()) {
    if (entry->second.state == Entry::State::kStamped) {
      return undecided_by_commit();
    }
    return merged(entry->second, base);
  }
  return is_cleared(key) ? std::nullopt : base;
}

Result<std::vector<KeyValue>> WriteBuffer::apply(const KeyRange& covered,
                                                 std::vector<KeyValue> base) const {
  if (may_be_stamped(covered)) {
    return undecided_by_commit();
  }
  auto entry = entries_.lower_bound(covered.begin);
  const auto entries_end = entries_.lower_bound(covered.end);
  if (entry == entries_end && cleared_.empty()) {
    return base;
  }
  std::vector<KeyValue> rows;
  const auto emit_entry = [&](const std::optional<Bytes>& under) {
    if (std::optional<Bytes> value = merged(entry->second, under)) {
      rows.push_back({entry->first, std::move(*value)});
    }
    ++entry;
  };
  for (KeyValue& row : base) {
    CHECK(covered.contains(row.key));
    while (entry != entries_end && entry->first < row.key) {
      emit_entry(std::nullopt);
    }
    if (entry != entries_end && entry->first == row.key) {
      emit_entry(std::move(row.value));
    } else if (!is_cleared(row.key)) {
      rows.push_back(std::move(row));
    }
  }
  while (entry != entries_end) {
    emit_entry(std::nullopt);
  }
  return rows;
}

void WriteBuffer::drain_into(CommitRequest& request) {
  for (auto& [begin, end] : cleared_) {
    request.cleared.push_back({begin, std::move(end)});
  }
  request.writes.reserve(request.writes.size() + entries_.size() + stamped_keys_.size());
  while (!entries_.empty()) {
    auto node = entries_.extract(entries_.begin());
    drain_entry(std::move(node.key()), std::move(node.mapped()), request);
  }
  for (StampedKey& stamped : stamped_keys_) {
    PendingWrite write{PendingWrite::Kind::kStampedKey, std::move(stamped.key),
                       std::move(stamped.value)};
    write.offset = stamped.offset;
    write.cleared_after = std::move(stamped.cleared_after);
    request.writes.push_back(std::move(write));
  }
  entries_.clear();
  cleared_.clear();
  stamped_keys_.clear();
}

bool WriteBuffer::is_cleared(const Bytes& key) const {
  const auto after = cleared_.upper_bound(key);
  return after != cleared_.begin() && key < std::prev(after)->second;
}

bool WriteBuffer::may_be_stamped(const KeyRange& range) const {
  for (const StampedKey& stamped : stamped_keys_) {
    if (stamped.possible.begin < range.end && range.begin < stamped.possible.end) {
      return true;
    }
  }
  for (auto entry = entries_.lower_bound(range.begin);
       entry != entries_.end() && entry->first < range.end; ++entry) {
    if (entry->second.state == Entry::State::kStamped) {
      return true;
    }
  }
  return false;
}

std::optional<Bytes> WriteBuffer::merged(const Entry& entry, const std::optional<Bytes>& base) {
  CHECK(entry.state != Entry::State::kStamped);
  if (entry.state == Entry::State::kValue) {
    return entry.value;
  }
  if (entry.state == Entry::State::kAbsent) {
    return std::nullopt;
  }
  std::optional<Bytes> value = base;
  for (const Atomic& atomic : entry.atomics) {
    value = apply_atomic(atomic.op, value, atomic.operand);
  }
  return value;
}

void WriteBuffer::drain_entry(Bytes key, Entry entry, CommitRequest& request) {
  using Kind = PendingWrite::Kind;
  if (entry.state != Entry::State::kMerge) {
    PendingWrite write{Kind::kSet, entry.atomics.empty() ? std::move(key) : key,
                       std::move(entry.value)};
    if (entry.state == Entry::State::kAbsent) {
      write.kind = Kind::kClear;
    } else if (entry.state == Entry::State::kStamped) {
      write.kind = Kind::kStampedValue;
      write.offset = entry.offset;
    }
    request.writes.push_back(std::move(write));
  }
  for (Atomic& atomic : entry.atomics) {
    request.writes.push_back({Kind::kAtomic, key, std::move(atomic.operand), atomic.op});
  }
}

}  // namespace kelpie::store
