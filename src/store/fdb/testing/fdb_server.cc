#include "store/fdb/testing/fdb_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <utility>
#include <vector>

#include "store/fdb/errors.h"
#include "store/fdb/future.h"

namespace kelpie::store::testing {
namespace {

// A port that was free a moment ago.
Result<int> free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool bound = socket >= 0 && ::bind(socket, generic, size) == 0 &&
                     ::getsockname(socket, generic, &size) == 0;
  ::close(socket);
  if (!bound) {
    return base::unavailable("cannot bind a loopback port for fdbserver");
  }
  return ntohs(address.sin_port);
}

// Options that only tools set.
enum class ToolOption : int {
  kInitializeNewDatabase = 300,
  kAccessSystemKeys = 301,
  kLockAware = 700,
  kUseProvisionalProxies = 711,
};

const uint8_t* pointer_to(ByteView bytes) { return reinterpret_cast<const uint8_t*>(bytes.data()); }

// The transaction that makes a new cluster usable: the configuration, a mark that is written only
// once, and the lock of whoever moves data.
FdbErrorCode write_configuration(const FdbApi& api, FdbTransactionHandle* transaction) {
  constexpr const char* kOnce = "\xff/init_id";
  constexpr const char* kMoveKeysLock = "\xff/moveKeysLock/Owner";
  constexpr const char* kSsd = "2";
  const std::vector<KeyValue> rows = {
      {"\xff/conf/initialized", "1"},
      {"\xff/conf/storage_replicas", "1"},
      {"\xff/conf/log_replicas", "1"},
      {"\xff/conf/log_anti_quorum", "0"},
      {"\xff/conf/log_engine", kSsd},
      {"\xff/conf/storage_engine", kSsd},
      {kOnce, "0123456789abcdef0123456789abcdef"},
      {kMoveKeysLock, "0123456789abcdef"},
  };
  for (const ToolOption option :
       {ToolOption::kAccessSystemKeys, ToolOption::kLockAware, ToolOption::kUseProvisionalProxies,
        ToolOption::kInitializeNewDatabase}) {
    const FdbErrorCode code = api.transaction_set_option(
        transaction, static_cast<FdbTransactionOption>(option), nullptr, 0);
    if (code != 0) {
      return code;
    }
  }
  for (const char* key : {kOnce, kMoveKeysLock}) {
    const KeyRange range = KeyRange::single(key);
    const FdbErrorCode code = api.transaction_add_conflict_range(
        transaction, pointer_to(range.begin), static_cast<int>(range.begin.size()),
        pointer_to(range.end), static_cast<int>(range.end.size()), FdbConflict::kRead);
    if (code != 0) {
      return code;
    }
  }
  for (const KeyValue& row : rows) {
    api.transaction_set(transaction, pointer_to(row.key), static_cast<int>(row.key.size()),
                        pointer_to(row.value), static_cast<int>(row.value.size()));
  }
  return api.transaction_set_option(transaction, FdbTransactionOption::kPrioritySystemImmediate,
                                    nullptr, 0);
}

// What the commit ends with where somebody, or an earlier attempt, has configured the cluster.
// (And, rarely, for no reason.)
bool may_be_configured(FdbErrorCode code) {
  constexpr FdbErrorCode kTransactionTooOld = 1007;
  return code == kFdbNotCommitted || code == kTransactionTooOld;
}

}  // namespace

Task<void> configure_new_cluster(std::shared_ptr<FdbConnection> connection,
                                 std::shared_ptr<LoopPort> port) {
  const FdbApi& api = *connection->api();
  FdbTransactionHandle* transaction = nullptr;
  FdbErrorCode code = api.database_create_transaction(connection->native(), &transaction);
  if (code != 0) {
    co_return to_error(api, code, FdbOrigin::kCommit);
  }
  const std::unique_ptr<FdbTransactionHandle, void (*)(FdbTransactionHandle*)> owner(
      transaction, api.transaction_destroy);
  constexpr int kRefusalsMax = 5;
  for (int refusals = 0;;) {
    code = write_configuration(api, transaction);
    if (code == 0) {
      FdbFuture commit(connection->api(), port, api.transaction_commit(transaction));
      code = co_await commit.ready();
    }
    refusals += may_be_configured(code) ? 1 : 0;
    if (code == 0 || refusals == kRefusalsMax) {
      co_return kOk;
    }
    FdbFuture again(connection->api(), port, api.transaction_on_error(transaction, code));
    if (const FdbErrorCode failure = co_await again.ready(); failure != 0) {
      co_return to_error(api, failure, FdbOrigin::kCommit).with_context("configuring a cluster");
    }
  }
}

Result<std::unique_ptr<FdbServer>> FdbServer::start(const std::string& binary) {
  std::unique_ptr<FdbServer> server(new FdbServer);
  const int port = TRY(free_port());
  std::ofstream(server->cluster_file()) << "kelpie:test@127.0.0.1:" << port << "\n";
  TRY(server->spawn(binary, port));
  return server;
}

Result<void> FdbServer::spawn(const std::string& binary, int port) {
  // It goes when its parent goes, even if that is killed.
  std::vector<std::string> arguments = {binary,
                                        "--public-address",
                                        "127.0.0.1:" + std::to_string(port),
                                        "--datadir",
                                        directory_.path(),
                                        "--logdir",
                                        directory_.path(),
                                        "--cluster-file",
                                        cluster_file(),
                                        "--parentpid",
                                        std::to_string(::getpid())};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) {
    pointers.push_back(argument.data());
  }
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t files;
  CHECK(::posix_spawn_file_actions_init(&files) == 0);
  const std::string output = directory_.path() + "/output";
  CHECK(::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, output.c_str(),
                                           O_WRONLY | O_CREAT, 0600) == 0);
  CHECK(::posix_spawn_file_actions_adddup2(&files, STDOUT_FILENO, STDERR_FILENO) == 0);
  const int failure =
      ::posix_spawnp(&process_, binary.c_str(), &files, nullptr, pointers.data(), environ);
  ::posix_spawn_file_actions_destroy(&files);
  if (failure != 0) {
    process_ = -1;
    return base::unavailable("cannot run `" + binary + "`");
  }
  return kOk;
}

FdbServer::~FdbServer() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
}

}  // namespace kelpie::store::testing
