// FdbServer: a FoundationDB cluster of one process in a temporary directory, on a loopback port,
// for as long as it lives. Test support.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "store/fdb/fdb_database.h"
#include "store/rocksdb/testing/temporary_directory.h"
#include "store/rocksdb/testing/thread_loop.h"

namespace kelpie::store::testing {

class FdbServer {
 public:
  // Starts the process; the cluster is empty and not configured yet.
  static Result<std::unique_ptr<FdbServer>> start(const std::string& binary);
  FdbServer(const FdbServer&) = delete;
  FdbServer& operator=(const FdbServer&) = delete;
  ~FdbServer();  // stops it

  [[nodiscard]] std::string cluster_file() const { return directory_.path() + "/fdb.cluster"; }

 private:
  FdbServer() = default;
  Result<void> spawn(const std::string& binary, int port);

  TemporaryDirectory directory_;
  pid_t process_ = -1;
};

// What `configure new single ssd` does: one copy of everything, in files. Ends when the cluster has
// taken it, or is configured already.
Task<void> configure_new_cluster(std::shared_ptr<FdbConnection> connection,
                                 std::shared_ptr<LoopPort> port);

}  // namespace kelpie::store::testing
