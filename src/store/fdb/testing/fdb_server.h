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
  // Starts the process and makes a new database of it: one copy of everything, in files. `fdbcli`
  // lies beside the binary or in PATH.
  static Result<std::unique_ptr<FdbServer>> start(const std::string& binary);
  FdbServer(const FdbServer&) = delete;
  FdbServer& operator=(const FdbServer&) = delete;
  ~FdbServer();  // stops it

  [[nodiscard]] std::string cluster_file() const { return directory_.path() + "/fdb.cluster"; }

 private:
  FdbServer() = default;
  Result<void> spawn(const std::string& binary, int port);
  Result<void> configure(const std::string& binary);

  TemporaryDirectory directory_;
  pid_t process_ = -1;
};

}  // namespace kelpie::store::testing
