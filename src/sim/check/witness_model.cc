#include "sim/check/witness_model.h"

#include <algorithm>

#include "base/check.h"
#include "store/atomic_op.h"

namespace kelpie::sim {
namespace {

// The part of the range that the reader claims to have seen.
store::KeyRange covered(const RangeStep& step) {
  store::KeyRange range = step.range;
  if (step.more && step.order == store::Order::kForward) {
    range.end = step.rows.back().key + '\0';
  } else if (step.more) {
    range.begin = step.rows.back().key;
  }
  return range;
}

bool is_ignored(const Bytes& key, const IgnoredKeys& ignored) {
  return std::ranges::any_of(ignored, [&](const auto& range) { return range.contains(key); });
}

}  // namespace

WitnessModel::WitnessModel(const std::map<Bytes, Bytes>& initial) {
  for (const auto& [key, value] : initial) {
    cells_[key] = {value, std::nullopt};
  }
}

std::optional<Mismatch> WitnessModel::run(const TransactionRecord& record, uint32_t transaction,
                                          Verify verify, Effects effects,
                                          const IgnoredKeys& ignored) {
  const size_t start = moment();
  const bool sees_own = record.own_writes == store::ReadYourWrites::kOn;
  for (const TransactionStep& step : record.steps) {
    if (auto mismatch = verify_step(step, verify, ignored)) {
      go_back_to(start);
      return mismatch;
    }
    if (sees_own) {
      write_step(step, transaction);
    }
  }
  if (!sees_own) {
    for (const TransactionStep& step : record.steps) {
      write_step(step, transaction);
    }
  }
  if (effects == Effects::kForgotten) {
    go_back_to(start);
  }
  return std::nullopt;
}

std::optional<Mismatch> WitnessModel::compare(const std::map<Bytes, Bytes>& contents,
                                              const IgnoredKeys& ignored) const {
  for (const auto& [key, cell] : cells_) {
    const auto found = contents.find(key);
    const auto seen = found == contents.end() ? std::nullopt : std::optional(found->second);
    if (auto mismatch = difference(key, seen, Mismatch::Read::kEnd, ignored)) {
      return mismatch;
    }
  }
  for (const auto& [key, value] : contents) {
    if (auto mismatch = difference(key, value, Mismatch::Read::kEnd, ignored)) {
      return mismatch;
    }
  }
  return std::nullopt;
}

void WitnessModel::go_back_to(size_t moment) {
  CHECK(moment <= undo_.size());
  while (undo_.size() > moment) {
    Undo& last = undo_.back();
    if (last.before) {
      cells_[last.key] = *std::move(last.before);
    } else {
      cells_.erase(last.key);
    }
    undo_.pop_back();
  }
}

std::optional<Bytes> WitnessModel::value(const Bytes& key) const {
  const auto found = cells_.find(key);
  return found == cells_.end() ? std::nullopt : found->second.value;
}

std::optional<Mismatch> WitnessModel::verify_step(const TransactionStep& step, Verify verify,
                                                  const IgnoredKeys& ignored) const {
  const auto counts = [&](store::Isolation isolation) {
    return verify == Verify::kAllReads ||
           (isolation == store::Isolation::kSnapshot) == (verify == Verify::kSnapshotReads);
  };
  if (const auto* read = std::get_if<ReadStep>(&step); read != nullptr && counts(read->isolation)) {
    return difference(read->key, read->seen, Mismatch::Read::kPoint, ignored);
  }
  if (const auto* range = std::get_if<RangeStep>(&step);
      range != nullptr && counts(range->isolation)) {
    return verify_range(*range, ignored);
  }
  return std::nullopt;
}

std::optional<Mismatch> WitnessModel::verify_range(const RangeStep& step,
                                                   const IgnoredKeys& ignored) const {
  const store::KeyRange range = covered(step);
  std::map<ByteView, const Bytes*> rows;
  for (const store::KeyValue& row : step.rows) {
    rows.emplace(row.key, &row.value);
    if (auto mismatch = difference(row.key, row.value, Mismatch::Read::kRange, ignored)) {
      return mismatch;
    }
  }
  if (range.empty()) {
    return std::nullopt;
  }
  const auto end = cells_.lower_bound(range.end);
  for (auto at = cells_.lower_bound(range.begin); at != end; ++at) {
    if (rows.contains(at->first)) {
      continue;
    }
    if (auto mismatch = difference(at->first, std::nullopt, Mismatch::Read::kRange, ignored)) {
      return mismatch;
    }
  }
  return std::nullopt;
}

std::optional<Mismatch> WitnessModel::difference(const Bytes& key, const std::optional<Bytes>& seen,
                                                 Mismatch::Read read,
                                                 const IgnoredKeys& ignored) const {
  const auto found = cells_.find(key);
  const Cell nothing;
  const Cell& cell = found == cells_.end() ? nothing : found->second;
  if (cell.value == seen || is_ignored(key, ignored)) {
    return std::nullopt;
  }
  return Mismatch{key, cell.value, seen, cell.writer, read};
}

void WitnessModel::write_step(const TransactionStep& step, uint32_t transaction) {
  if (const auto* set = std::get_if<SetStep>(&step)) {
    write(set->key, set->value, transaction);
  } else if (const auto* atomic = std::get_if<AtomicStep>(&step)) {
    write(atomic->key, store::apply_atomic(atomic->op, value(atomic->key), atomic->operand),
          transaction);
  } else if (const auto* append = std::get_if<AppendStep>(&step)) {
    write(append->key, value(append->key).value_or("") + encode_list({append->element}),
          transaction);
  } else if (const auto* clear = std::get_if<ClearStep>(&step); clear && !clear->range.empty()) {
    std::vector<Bytes> cleared;
    const auto end = cells_.lower_bound(clear->range.end);
    for (auto at = cells_.lower_bound(clear->range.begin); at != end; ++at) {
      if (at->second.value) {
        cleared.push_back(at->first);
      }
    }
    for (const Bytes& key : cleared) {
      write(key, std::nullopt, transaction);
    }
  }
}

void WitnessModel::write(const Bytes& key, std::optional<Bytes> value, uint32_t transaction) {
  const auto found = cells_.find(key);
  undo_.push_back({key, found == cells_.end() ? std::nullopt : std::optional(found->second)});
  cells_[key] = {std::move(value), transaction};
}

std::vector<store::KeyRange> written_ranges(const TransactionRecord& record) {
  std::vector<store::KeyRange> ranges;
  for (const TransactionStep& step : record.steps) {
    if (const auto* set = std::get_if<SetStep>(&step)) {
      ranges.push_back(store::KeyRange::single(set->key));
    } else if (const auto* atomic = std::get_if<AtomicStep>(&step)) {
      ranges.push_back(store::KeyRange::single(atomic->key));
    } else if (const auto* append = std::get_if<AppendStep>(&step)) {
      ranges.push_back(store::KeyRange::single(append->key));
    } else if (const auto* clear = std::get_if<ClearStep>(&step)) {
      ranges.push_back(clear->range);
    }
  }
  return ranges;
}

std::vector<store::KeyRange> touched_ranges(const TransactionRecord& record) {
  std::vector<store::KeyRange> ranges = written_ranges(record);
  for (const TransactionStep& step : record.steps) {
    if (const auto* read = std::get_if<ReadStep>(&step)) {
      ranges.push_back(store::KeyRange::single(read->key));
    } else if (const auto* range = std::get_if<RangeStep>(&step)) {
      ranges.push_back(range->range);
    }
  }
  return ranges;
}

}  // namespace kelpie::sim
