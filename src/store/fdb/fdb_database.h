// FdbDatabase: the Database contract over a FoundationDB cluster.
//
//   const FdbLibrary library = TRY(load_fdb_library(""));
//   const auto network = TRY(FdbNetwork::start(library, {}));
//   const auto connection = TRY(FdbConnection::open(library, "/etc/foundationdb/fdb.cluster"));
//   FdbDatabase database(loop, connection);  // one on each loop
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "async/loop.h"
#include "base/result.h"
#include "store/database.h"
#include "store/fdb/c_api.h"
#include "store/fdb/future.h"
#include "store/fdb/load.h"

namespace kelpie::store {

// The client's connection to one cluster, shared by all loops. Any thread. Ends before the network.
class FdbConnection {
 public:
  // Reads the cluster file, and does not wait for the cluster: what it serves, and whether, the
  // first transaction finds out. invalid_argument names a file that cannot be used.
  static Result<std::shared_ptr<FdbConnection>> open(const FdbLibrary& library,
                                                     const std::string& cluster_file);
  // Takes the native handle.
  FdbConnection(std::shared_ptr<const FdbApi> api, FdbDatabaseHandle* native)
      : api_(std::move(api)), native_(native) {}
  FdbConnection(const FdbConnection&) = delete;
  FdbConnection& operator=(const FdbConnection&) = delete;
  ~FdbConnection() { api_->database_destroy(native_); }

  [[nodiscard]] const std::shared_ptr<const FdbApi>& api() const { return api_; }
  [[nodiscard]] FdbDatabaseHandle* native() const { return native_; }

 private:
  std::shared_ptr<const FdbApi> api_;
  FdbDatabaseHandle* native_;
};

// Round trips asked of the client by this loop's transactions. A read of what the transaction wrote
// itself counts too, though the client answers it alone.
struct FdbCounters {
  uint64_t read_versions = 0;  // also those that a read or a commit asks for by itself
  uint64_t reads = 0;
  uint64_t commits = 0;  // of transactions that wrote something
  uint64_t on_errors = 0;
  [[nodiscard]] uint64_t round_trips() const { return read_versions + reads + commits; }
};

// What the transactions of one loop share.
struct FdbSession {
  FdbSession(Loop& loop, std::shared_ptr<FdbConnection> the_connection)
      : connection(std::move(the_connection)), port(std::make_shared<LoopPort>(loop)) {}
  [[nodiscard]] const FdbApi& api() const { return *connection->api(); }

  std::shared_ptr<FdbConnection> connection;
  std::shared_ptr<LoopPort> port;
  FdbCounters counters;
};

// One Loop, which outlives it. Outlives its transactions and watches; a commit whose task was
// dropped may outlive it. Beyond the Database contract:
//   - A commit that ends with `unknown` may still land, unless the error is 1021; what the client
//     had not sent yet is taken back.
//   - Overload is `resource_exhausted`, a locked database `unavailable`; after both, on_error tries
//     again.
class FdbDatabase final : public Database {
 public:
  FdbDatabase(Loop& loop, std::shared_ptr<FdbConnection> connection)
      : session_(loop, std::move(connection)) {}
  ~FdbDatabase() override { session_.port->close(); }

  using Database::begin;
  [[nodiscard]] std::unique_ptr<Transaction> begin(TransactionOptions options) override;
  [[nodiscard]] std::string_view engine_name() const override { return "fdb"; }
  [[nodiscard]] const FdbCounters& counters() const { return session_.counters; }

 private:
  FdbSession session_;
};

}  // namespace kelpie::store
