#include "sim/model/recording_database.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <vector>

#include "store/testing/forwarding_transaction.h"

namespace kelpie::sim {
namespace {

using store::Isolation;
using store::KeyRange;

// What the page speaks for: its rows are all that this range held.
KeyRange covered_by(const KeyRange& asked, const store::RangePage& page, store::Order order) {
  if (!page.more) {
    return asked;
  }
  return order == store::Order::kForward ? KeyRange{asked.begin, page.next.begin}
                                         : KeyRange{page.next.end, asked.end};
}

// The parts of `range` that `hole` leaves.
std::vector<KeyRange> without(const KeyRange& range, const KeyRange& hole) {
  std::vector<KeyRange> parts;
  for (KeyRange part : {KeyRange{range.begin, std::min(range.end, hole.begin)},
                        KeyRange{std::max(range.begin, hole.end), range.end}}) {
    if (!part.empty()) {
      parts.push_back(std::move(part));
    }
  }
  return parts;
}

class Recording final : public store::testing::ForwardingTransaction {
 public:
  Recording(std::unique_ptr<store::Transaction> inner, std::string name,
            RecordingDatabase::Told told)
      : ForwardingTransaction(std::move(inner)), told_(std::move(told)) {
    seen_.name = std::move(name);
  }

  using Transaction::get;
  Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) override {
    // What is written later is no reason to forget what this read.
    const bool own = is_own(key);
    std::optional<Bytes> value = co_await inner_->get(key, isolation);
    if (isolation == Isolation::kSerializable && !own) {
      seen_.reads.emplace_back(std::move(key), value);
    }
    co_return std::move(value);
  }
  using Transaction::get_range;
  Task<store::RangePage> get_range(store::RangeRead read) override {
    const std::vector<KeyRange> own = own_;
    store::RangePage page = co_await inner_->get_range(read);
    if (read.isolation == Isolation::kSerializable && !read.range.empty()) {
      keep(covered_by(read.range, page, read.order), page.rows, own);
    }
    co_return std::move(page);
  }
  Task<store::RangePage> get_range(store::KeySelector begin, store::KeySelector end,
                                   store::RangeRead read) override {
    return inner_->get_range(std::move(begin), std::move(end), std::move(read));
  }

  void set(Bytes key, Bytes value) override {
    own_.push_back(KeyRange::single(key));
    inner_->set(std::move(key), std::move(value));
  }
  void clear(Bytes key) override {
    own_.push_back(KeyRange::single(key));
    inner_->clear(std::move(key));
  }
  void clear_range(KeyRange range) override {
    own_.push_back(range);
    inner_->clear_range(std::move(range));
  }
  void atomic(store::AtomicOp op, Bytes key, Bytes operand) override {
    own_.push_back(KeyRange::single(key));
    inner_->atomic(op, std::move(key), std::move(operand));
  }
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override {
    own_.push_back(KeyRange::single(key));
    inner_->set_versionstamped_value(std::move(key), std::move(value), offset);
  }

  Task<store::Version> commit() override {
    const store::Version version = co_await inner_->commit();
    if (version != store::kNoVersion) {
      seen_.version = version;
      told_(seen_);
    }
    co_return version;
  }
  Task<void> on_error(Error error) override {
    co_await inner_->on_error(std::move(error));
    // Empty again.
    own_.clear();
    seen_.reads.clear();
    seen_.ranges.clear();
    co_return kOk;
  }

 private:
  [[nodiscard]] bool is_own(const Bytes& key) const {
    return std::ranges::any_of(own_, [&](const KeyRange& range) { return range.contains(key); });
  }
  void keep(KeyRange range, const std::vector<store::KeyValue>& rows,
            const std::vector<KeyRange>& own) {
    std::vector<KeyRange> parts = {std::move(range)};
    for (const KeyRange& hole : own) {
      std::vector<KeyRange> left;
      for (const KeyRange& part : parts) {
        std::ranges::move(without(part, hole), std::back_inserter(left));
      }
      parts = std::move(left);
    }
    for (KeyRange& part : parts) {
      std::vector<store::KeyValue> inside;
      std::ranges::copy_if(rows, std::back_inserter(inside),
                           [&](const store::KeyValue& row) { return part.contains(row.key); });
      std::ranges::sort(inside, {}, &store::KeyValue::key);
      seen_.ranges.push_back({.range = std::move(part), .rows = std::move(inside)});
    }
  }

  RecordingDatabase::Told told_;
  CommittedTransaction seen_;
  std::vector<KeyRange> own_;  // written so far
};

}  // namespace

std::unique_ptr<store::Transaction> RecordingDatabase::begin(store::TransactionOptions options) {
  return std::make_unique<Recording>(
      below_.begin(options), who_ + " transaction " + std::to_string(++transactions_), told_);
}

}  // namespace kelpie::sim
