// TestCluster: a real FoundationDB cluster for tests, if there is one to be had. Test support.
//
//   const Result<TestCluster*> cluster = shared_test_cluster();
//   if (!cluster.ok()) GTEST_SKIP() << cluster.error().message;
//
// Tests clear the whole cluster. So it is taken only if it is one's own: a cluster file from
// KELPIE_FDB_CLUSTER, FDB_CLUSTER_FILE or a standard path with KELPIE_FDB_CLUSTER_IS_SCRATCH=1, or
// else one that is started here from the `fdbserver` that KELPIE_FDBSERVER or PATH names. The
// client library is KELPIE_FDB_LIBRARY, or the system's. KELPIE_FDB_BUGGIFY=1: the client makes up
// faults.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/load.h"
#include "store/fdb/network.h"
#include "store/fdb/testing/fdb_server.h"
#include "store/rocksdb/testing/thread_loop.h"

namespace kelpie::store::testing {

class TestCluster {
 public:
  // not_found says what is missing; other errors are failures of what is there.
  static Result<std::unique_ptr<TestCluster>> find();

  [[nodiscard]] const std::shared_ptr<FdbConnection>& connection() const { return connection_; }
  [[nodiscard]] const FdbLibrary& library() const { return library_; }
  // Whether the client makes up faults: then a commit may fail for no reason.
  [[nodiscard]] bool buggify() const { return buggify_; }
  // Empties it.
  Result<void> clear(ThreadLoop& loop);

 private:
  TestCluster() = default;
  Result<void> connect(const std::string& cluster_file);

  // In the order in which they must be destroyed, last first.
  std::unique_ptr<FdbServer> server_;  // none: somebody else's
  FdbLibrary library_;
  std::unique_ptr<FdbNetwork> network_;
  std::shared_ptr<FdbConnection> connection_;
  bool buggify_ = false;
};

// The one of this process: the network can be started only once.
Result<TestCluster*> shared_test_cluster();

}  // namespace kelpie::store::testing
