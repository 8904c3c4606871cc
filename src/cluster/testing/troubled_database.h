// TroubledDatabase: another database, with commits that end as a test says. Test support.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>

#include "store/database.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::cluster::testing {

enum class Commit : uint8_t {
  kClean,
  kUnavailable,  // did not happen
  kLost,         // undecided, and did not happen
  kLanded,       // undecided, and happened
};

// Asked just before each commit; may itself use the store.
using CommitFate = std::function<Commit()>;

class TroubledDatabase final : public store::Database {
 public:
  TroubledDatabase(store::Database& inner, CommitFate fate)
      : inner_(inner), fate_(std::move(fate)) {}
  using store::Database::begin;
  std::unique_ptr<store::Transaction> begin(store::TransactionOptions options) override {
    return std::make_unique<Troubled>(inner_.begin(options), fate_);
  }
  [[nodiscard]] std::string_view engine_name() const override { return inner_.engine_name(); }

 private:
  class Troubled final : public store::testing::ForwardingTransaction {
   public:
    Troubled(std::unique_ptr<store::Transaction> inner, CommitFate& fate)
        : ForwardingTransaction(std::move(inner)), fate_(fate) {}
    Task<store::Version> commit() override {
      const Commit fate = fate_();
      if (fate == Commit::kUnavailable) {
        co_return base::unavailable("no commit in this test");
      }
      if (fate == Commit::kLost) {
        co_return base::unknown("undecided in this test");
      }
      const store::Version version = co_await inner_->commit();
      if (fate == Commit::kLanded) {
        co_return base::unknown("undecided in this test");
      }
      co_return version;
    }

   private:
    CommitFate& fate_;
  };

  store::Database& inner_;
  CommitFate fate_;
};

}  // namespace kelpie::cluster::testing
