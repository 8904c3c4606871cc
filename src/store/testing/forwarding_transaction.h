// ForwardingTransaction: passes everything on to another transaction, so that a test's own kind
// overrides only what it disturbs or counts. Test support.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "store/database.h"

namespace kelpie::store::testing {

class ForwardingTransaction : public Transaction {
 public:
  explicit ForwardingTransaction(std::unique_ptr<Transaction> inner) : inner_(std::move(inner)) {}

  Task<Version> read_version() override { return inner_->read_version(); }
  void set_read_version(Version version) override { inner_->set_read_version(version); }
  using Transaction::get;
  Task<std::optional<Bytes>> get(Bytes key, Isolation isolation) override {
    return inner_->get(std::move(key), isolation);
  }
  using Transaction::get_key;
  Task<Bytes> get_key(KeySelector selector, Isolation isolation) override {
    return inner_->get_key(std::move(selector), isolation);
  }
  using Transaction::get_range;
  Task<RangePage> get_range(RangeRead read) override { return inner_->get_range(std::move(read)); }
  void set(Bytes key, Bytes value) override { inner_->set(std::move(key), std::move(value)); }
  void clear(Bytes key) override { inner_->clear(std::move(key)); }
  void clear_range(KeyRange range) override { inner_->clear_range(std::move(range)); }
  void atomic(AtomicOp op, Bytes key, Bytes operand) override {
    inner_->atomic(op, std::move(key), std::move(operand));
  }
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value) override {
    inner_->set_versionstamped_key(std::move(key), offset, std::move(value));
  }
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override {
    inner_->set_versionstamped_value(std::move(key), std::move(value), offset);
  }
  void add_read_conflict(KeyRange range) override { inner_->add_read_conflict(std::move(range)); }
  void add_write_conflict(KeyRange range) override { inner_->add_write_conflict(std::move(range)); }
  std::unique_ptr<Watch> watch(Bytes key) override { return inner_->watch(std::move(key)); }
  Task<Version> commit() override { return inner_->commit(); }
  [[nodiscard]] Versionstamp versionstamp() const override { return inner_->versionstamp(); }
  [[nodiscard]] size_t approximate_bytes() const override { return inner_->approximate_bytes(); }
  Task<void> on_error(Error error) override { return inner_->on_error(std::move(error)); }

 protected:
  std::unique_ptr<Transaction> inner_;
};

}  // namespace kelpie::store::testing
