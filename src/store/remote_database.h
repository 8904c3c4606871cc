// RemoteDatabase: the database of another loop, by message. An embedded engine has one pipeline, on
// one loop; the other loops of the process reach it through this.
#pragma once

#include <memory>
#include <string_view>

#include "async/run_on.h"
#include "store/database.h"

namespace kelpie::store {

// Used on `here` only. Writes are kept here and travel with the next read or commit, so a
// transaction costs one crossing for each read and one for its commit. `home` and its database
// outlive it.
class RemoteDatabase final : public Database {
 public:
  RemoteDatabase(Loop& here, async::LoopHandle home, Database& database)
      : here_(here), home_(home), database_(database) {}

  using Database::begin;
  [[nodiscard]] std::unique_ptr<Transaction> begin(TransactionOptions options) override;
  [[nodiscard]] std::string_view engine_name() const override { return database_.engine_name(); }

 private:
  Loop& here_;
  async::LoopHandle home_;
  Database& database_;
};

}  // namespace kelpie::store
