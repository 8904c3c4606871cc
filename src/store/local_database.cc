#include "store/local_database.h"

#include "store/local_transaction.h"

namespace kelpie::store {

LocalDatabase::LocalDatabase(World& world, Backend& backend, CommitOptions options)
    : world_(world), backend_(backend), pipeline_(world, backend, options) {}

std::unique_ptr<Transaction> LocalDatabase::begin(TransactionOptions options) {
  return std::make_unique<LocalTransaction>(world_, pipeline_, options);
}

std::string_view LocalDatabase::engine_name() const { return backend_.name(); }

}  // namespace kelpie::store
