#include "embed/open.h"

#include <array>
#include <optional>
#include <span>
#include <utility>

#include "async/event.h"
#include "async/select.h"
#include "real/directory_lock.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/load.h"
#include "store/fdb/network.h"
#include "store/keys.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/schema.h"
#include "world/log.h"

namespace kelpie::embed {
namespace {

// A cluster that is only slow answers within this.
constexpr Duration kFirstAnswerTime = Duration::seconds(30);
constexpr const char* kProgram = "embedded";

class EmbeddedStore final : public Store {
 public:
  EmbeddedStore(World& world, std::optional<real::DirectoryLock> lock,
                std::unique_ptr<store::Backend> engine)
      : lock_(std::move(lock)), engine_(std::move(engine)), database_(world, *engine_) {}
  [[nodiscard]] store::Database& database() override { return database_; }
  Task<std::string> failed() override { return database_.failed(); }

 private:
  std::optional<real::DirectoryLock> lock_;
  std::unique_ptr<store::Backend> engine_;
  store::LocalDatabase database_;
};

class ClusterStore final : public Store {
 public:
  ClusterStore(World& world, std::unique_ptr<store::FdbNetwork> network,
               std::shared_ptr<store::FdbConnection> connection)
      : network_(std::move(network)),
        database_(world.loop, std::move(connection)),
        never_(world.loop) {}
  [[nodiscard]] store::Database& database() override { return database_; }
  Task<std::string> failed() override {
    co_await never_.wait();
    co_return std::string();
  }

 private:
  std::unique_ptr<store::FdbNetwork> network_;
  store::FdbDatabase database_;
  async::Event never_;
};

Result<std::unique_ptr<Store>> open_directory(const std::string& directory, World& world) {
  std::optional<real::DirectoryLock> lock = TRY(real::DirectoryLock::acquire(directory, kProgram));
  if (lock->crashed_holder()) {
    world.log.info("the last process on this data did not end by itself; it is dead",
                   {{"holder", lock->crashed_holder()->to_string()}});
  }
  // The place in the directory is the one that `kelpie serve` uses.
  auto engine = TRY(store::RocksdbBackend::open(
      world.loop, store::RocksdbOptions{.directory = directory + "/rocksdb"}));
  return std::unique_ptr<Store>(
      std::make_unique<EmbeddedStore>(world, std::move(lock), std::move(engine)));
}

Result<std::unique_ptr<Store>> open_cluster(const RunOptions& options, World& world) {
  const store::FdbLibrary library = TRY(store::load_fdb_library(options.fdb_library));
  auto network = TRY(store::FdbNetwork::start(library, {}));
  auto connection = TRY(store::FdbConnection::open(library, options.fdb_cluster_file));
  return std::unique_ptr<Store>(
      std::make_unique<ClusterStore>(world, std::move(network), std::move(connection)));
}

// This library has no code for agents. Where there are none of an older release, there is nothing
// to bring up to date.
Task<std::optional<Bytes>> refuse_agents(store::Transaction& transaction, Bytes) {
  const store::RangePage page =
      co_await transaction.get_range({.range = store::keys::agents_created(), .rows_max = 1});
  if (!page.rows.empty()) {
    co_return base::failed_precondition(
        "this store has agents of an older release: open it once with `kelpie serve`");
  }
  co_return std::optional<Bytes>();
}

// Those of `kelpie serve`.
constexpr std::array kSteps = {store::UpgradeStep{
    .from = 1, .to = 2, .name = "index messages by time", .batch = refuse_agents}};

Task<void> first_answer(store::Database& database) {
  const auto transaction = database.begin();
  co_await transaction->read_version();
  co_return kOk;
}

}  // namespace

Result<void> check_options(const RunOptions& options) {
  const int named = static_cast<int>(!options.data_dir.empty()) +
                    static_cast<int>(options.in_memory) +
                    static_cast<int>(!options.fdb_cluster_file.empty());
  if (named != 1) {
    return base::invalid_argument(
        "expected exactly one of data_dir, in_memory and fdb_cluster_file, got " +
        std::to_string(named));
  }
  if (!options.fdb_cluster_file.empty() && options.node_name.empty()) {
    return base::invalid_argument(
        "on a cluster each process needs a node_name, which no other uses at the same time");
  }
  return kOk;
}

std::string node_name(const RunOptions& options) {
  return options.fdb_cluster_file.empty() ? std::string(kLocalNode) : options.node_name;
}

Result<std::unique_ptr<Store>> open_store(const RunOptions& options, World& world) {
  TRY(check_options(options));
  if (options.in_memory) {
    return std::unique_ptr<Store>(std::make_unique<EmbeddedStore>(
        world, std::nullopt, std::make_unique<store::MemoryBackend>()));
  }
  return options.data_dir.empty() ? open_cluster(options, world)
                                  : open_directory(options.data_dir, world);
}

Task<void> prepare_store(store::Database& database, World& world) {
  auto answered =
      co_await async::timeout(world.loop, kFirstAnswerTime, first_answer(database)).result();
  if (!answered.ok()) {
    co_return std::move(answered).error().with_context(
        "the store does not answer; if it is FoundationDB, `fdbcli --exec status` says why");
  }
  static_cast<void>(co_await store::open_schema(database, world, kSteps));
  co_return kOk;
}

}  // namespace kelpie::embed
