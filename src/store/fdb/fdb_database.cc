#include "store/fdb/fdb_database.h"

#include <utility>

#include "store/fdb/cluster_file.h"
#include "store/fdb/errors.h"
#include "store/fdb/fdb_transaction.h"

namespace kelpie::store {

Result<std::shared_ptr<FdbConnection>> FdbConnection::open(const FdbLibrary& library,
                                                           const std::string& cluster_file) {
  static_cast<void>(TRY(read_cluster_file(cluster_file)));
  FdbDatabaseHandle* native = nullptr;
  const FdbErrorCode code = library.api->create_database(cluster_file.c_str(), &native);
  if (code != 0) {
    return base::invalid_argument("cannot use the cluster file `" + cluster_file +
                                  "`: " + fdb_error_text(*library.api, code));
  }
  return std::make_shared<FdbConnection>(library.api, native);
}

std::unique_ptr<Transaction> FdbDatabase::begin(TransactionOptions options) {
  return std::make_unique<FdbTransaction>(session_, options);
}

}  // namespace kelpie::store
