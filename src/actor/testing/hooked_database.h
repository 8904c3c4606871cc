// HookedDatabase: another database, whose reads are counted and whose commits end as a test says.
// Test support.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "store/database.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::actor::testing {

class HookedDatabase final : public store::Database {
 public:
  explicit HookedDatabase(store::Database& inner) : inner_(inner) {}
  using store::Database::begin;
  std::unique_ptr<store::Transaction> begin(store::TransactionOptions options) override {
    return std::make_unique<Hooked>(inner_.begin(options), *this);
  }
  [[nodiscard]] std::string_view engine_name() const override { return inner_.engine_name(); }

  uint64_t gets = 0;
  uint64_t commits = 0;
  // Asked before each get; an error is its answer.
  std::function<std::optional<Error>(const Bytes& key)> on_get;
  // Asked before each commit; an error is its answer, and nothing is written.
  std::function<std::optional<Error>()> on_commit;
  // Asked after each commit that succeeded; an error is what its client hears.
  std::function<std::optional<Error>()> after_commit;

 private:
  class Hooked final : public store::testing::ForwardingTransaction {
   public:
    Hooked(std::unique_ptr<store::Transaction> inner, HookedDatabase& hooks)
        : ForwardingTransaction(std::move(inner)), hooks_(hooks) {}
    using ForwardingTransaction::get;
    Task<std::optional<Bytes>> get(Bytes key, store::Isolation isolation) override {
      ++hooks_.gets;
      auto error = hooks_.on_get ? hooks_.on_get(key) : std::nullopt;
      if (error) {
        co_return *std::move(error);
      }
      co_return co_await inner_->get(std::move(key), isolation);
    }
    Task<store::Version> commit() override {
      ++hooks_.commits;
      auto error = hooks_.on_commit ? hooks_.on_commit() : std::nullopt;
      if (error) {
        co_return *std::move(error);
      }
      const store::Version version = co_await inner_->commit();
      error = hooks_.after_commit ? hooks_.after_commit() : std::nullopt;
      if (error) {
        co_return *std::move(error);
      }
      co_return version;
    }

   private:
    HookedDatabase& hooks_;
  };

  store::Database& inner_;
};

}  // namespace kelpie::actor::testing
