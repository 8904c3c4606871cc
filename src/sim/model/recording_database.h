// RecordingDatabase: another database, whose transactions keep what they read, and show it once
// they are told that they have committed. What TransactionTrace needs to know of clients, however
// many layers of production code lie between them and the store.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sim/model/transaction_ledger.h"
#include "store/database.h"

namespace kelpie::sim {

// Passes everything on, adds no step of its own, and draws nothing. One Loop, and ended before the
// database below it.
class RecordingDatabase final : public store::Database {
 public:
  // Hears of each commit with a version, when its client does: without `writes` and `order`. Of
  // what it read it has what a commit stands for: serializable reads of keys and of ranges, and of
  // nothing that it had written itself. (Keys found by selectors are not in it.)
  using Told = std::function<void(const CommittedTransaction&)>;

  // `who` names the client in messages; each transaction gets a number.
  RecordingDatabase(store::Database& below, std::string who, Told told)
      : below_(below), who_(std::move(who)), told_(std::move(told)) {}

  using Database::begin;
  [[nodiscard]] std::unique_ptr<store::Transaction> begin(
      store::TransactionOptions options) override;
  [[nodiscard]] std::string_view engine_name() const override { return below_.engine_name(); }

 private:
  store::Database& below_;
  std::string who_;
  Told told_;
  uint64_t transactions_ = 0;
};

}  // namespace kelpie::sim
