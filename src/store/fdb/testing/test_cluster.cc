#include "store/fdb/testing/test_cluster.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <utility>

#include "async/select.h"

namespace kelpie::store::testing {
namespace {

constexpr Duration kStartMax = Duration::seconds(120);

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_file(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path, ignored);
}

// An existing cluster that may be cleared.
std::optional<std::string> scratch_cluster_file() {
  if (variable("KELPIE_FDB_CLUSTER_IS_SCRATCH") != "1") {
    return std::nullopt;
  }
  for (const std::string& path : {variable("KELPIE_FDB_CLUSTER"), variable("FDB_CLUSTER_FILE"),
                                  std::string("/etc/foundationdb/fdb.cluster"),
                                  std::string("/usr/local/etc/foundationdb/fdb.cluster"),
                                  std::string("/opt/foundationdb/fdb.cluster"),
                                  std::string("/var/lib/foundationdb/fdb.cluster")}) {
    if (!path.empty() && is_file(path)) {
      return path;
    }
  }
  return std::nullopt;
}

std::optional<std::string> server_binary() {
  const std::string named = variable("KELPIE_FDBSERVER");
  if (!named.empty()) {
    return named;
  }
  std::istringstream folders(variable("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (is_file(folder + "/fdbserver")) {
      return folder + "/fdbserver";
    }
  }
  return std::nullopt;
}

Task<void> become_usable(FdbDatabase& database) {
  const auto transaction = database.begin();
  co_await transaction->read_version();
  co_return kOk;
}

Task<void> clear_all(FdbDatabase& database) {
  const auto transaction = database.begin();
  for (;;) {
    transaction->clear_range({"", Bytes(kKeysEnd)});
    const Result<Version> cleared = co_await transaction->commit().result();
    if (cleared.ok()) {
      co_return kOk;
    }
    // Clearing twice is clearing once.
    if (cleared.error().code == Code::kUnknown) {
      co_return co_await clear_all(database).result();
    }
    co_await transaction->on_error(cleared.error());
  }
}

}  // namespace

Result<std::unique_ptr<TestCluster>> TestCluster::find() {
  std::optional<std::string> file = scratch_cluster_file();
  const std::optional<std::string> binary = file ? std::nullopt : server_binary();
  if (!file && !binary) {
    return base::not_found(
        "no FoundationDB to test with: put fdbserver into PATH or name it with KELPIE_FDBSERVER, "
        "or name a cluster that may be cleared with KELPIE_FDB_CLUSTER and "
        "KELPIE_FDB_CLUSTER_IS_SCRATCH=1");
  }
  std::unique_ptr<TestCluster> cluster(new TestCluster);
  cluster->library_ = TRY(load_fdb_library(variable("KELPIE_FDB_LIBRARY")));
  cluster->buggify_ = variable("KELPIE_FDB_BUGGIFY") == "1";
  FdbNetworkOptions options;
  if (cluster->buggify_) {
    options.buggify = FdbClientBuggify{.activated = 100, .fired = 5};
  }
  cluster->network_ = TRY(FdbNetwork::start(cluster->library_, options));
  if (binary) {
    cluster->server_ = TRY(FdbServer::start(*binary));
    file = cluster->server_->cluster_file();
  }
  TRY(cluster->connect(*file));
  return cluster;
}

Result<void> TestCluster::connect(const std::string& cluster_file) {
  connection_ = TRY(FdbConnection::open(library_, cluster_file));
  ThreadLoop loop;
  FdbDatabase database(loop, connection_);
  const Result<void> started = loop.run(async::timeout(loop, kStartMax, become_usable(database)));
  if (!started.ok()) {
    return Error(started.error()).with_context("the cluster of " + cluster_file);
  }
  return kOk;
}

Result<void> TestCluster::clear(ThreadLoop& loop) {
  FdbDatabase database(loop, connection_);
  return loop.run(clear_all(database));
}

Result<TestCluster*> shared_test_cluster() {
  static const Result<std::unique_ptr<TestCluster>> shared = TestCluster::find();
  if (!shared.ok()) {
    return shared.error();
  }
  return shared.value().get();
}

}  // namespace kelpie::store::testing
