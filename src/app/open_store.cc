#include "app/open_store.h"

#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "app/upgrades.h"
#include "async/event.h"
#include "async/select.h"
#include "base/check.h"
#include "cluster/ownership.h"
#include "real/directory_lock.h"
#include "store/fdb/fdb_database.h"
#include "store/fdb/load.h"
#include "store/fdb/network.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/remote_database.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "store/schema.h"
#include "world/log.h"

namespace kelpie::app {
namespace {

// A cluster that is only slow answers within this; one that is down does not answer at all.
constexpr Duration kFirstAnswerTime = Duration::seconds(30);

class EmbeddedStore final : public OpenStore {
 public:
  EmbeddedStore(World& world, std::optional<real::DirectoryLock> lock,
                std::unique_ptr<store::Backend> engine, store::CommitOptions options = {})
      : lock_(std::move(lock)), engine_(std::move(engine)), database_(world, *engine_, options) {}

  [[nodiscard]] store::Database& database() override { return database_; }
  [[nodiscard]] std::unique_ptr<store::Database> database_for(Loop& loop,
                                                              async::LoopHandle first) override {
    return std::make_unique<store::RemoteDatabase>(loop, first, database_);
  }
  Task<std::string> failed() override { return database_.failed(); }
  [[nodiscard]] Reach reach() const override { return Reach::kThisProcess; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override {
    return engine_->latest();
  }

 private:
  std::optional<real::DirectoryLock> lock_;
  std::unique_ptr<store::Backend> engine_;
  store::LocalDatabase database_;
};

class ClusterStore final : public OpenStore {
 public:
  ClusterStore(World& world, std::unique_ptr<store::FdbNetwork> network,
               std::shared_ptr<store::FdbConnection> connection)
      : network_(std::move(network)),
        connection_(std::move(connection)),
        database_(world.loop, connection_),
        never_(world.loop) {}

  [[nodiscard]] store::Database& database() override { return database_; }
  [[nodiscard]] std::unique_ptr<store::Database> database_for(Loop& loop,
                                                              async::LoopHandle) override {
    return std::make_unique<store::FdbDatabase>(loop, connection_);
  }
  // Every commit is settled by itself; the cluster recovers without us.
  Task<std::string> failed() override {
    co_await never_.wait();
    co_return std::string();
  }
  [[nodiscard]] Reach reach() const override { return Reach::kOthers; }
  [[nodiscard]] std::shared_ptr<const store::Snapshot> latest() const override { return nullptr; }

 private:
  std::unique_ptr<store::FdbNetwork> network_;
  std::shared_ptr<store::FdbConnection> connection_;
  store::FdbDatabase database_;
  async::Event never_;
};

Result<std::unique_ptr<OpenStore>> open_rocksdb(const StoreConfig& config, World& world,
                                                const std::string& version) {
  const std::string& data_dir = config.backend.path;
  std::optional<real::DirectoryLock> lock = TRY(real::DirectoryLock::acquire(data_dir, version));
  if (lock->crashed_holder()) {
    world.log.warn("the last process on this data did not end by itself; it is dead",
                   {{"holder", lock->crashed_holder()->to_string()}});
  }
  std::error_code code;
  if (std::filesystem::exists(restoring_directory(data_dir), code)) {
    return base::failed_precondition("a restore into " + data_dir +
                                     " has not ended, so its data is not whole: remove " +
                                     restoring_directory(data_dir) + " and restore again");
  }
  auto engine = TRY(store::RocksdbBackend::open(
      world.loop, store::RocksdbOptions{.directory = engine_directory(data_dir),
                                        .block_cache_bytes = config.rocksdb_block_cache_bytes,
                                        .write_buffer_bytes = config.rocksdb_write_buffer_bytes}));
  return std::unique_ptr<OpenStore>(
      std::make_unique<EmbeddedStore>(world, std::move(lock), std::move(engine)));
}

Result<std::unique_ptr<OpenStore>> open_fdb(const StoreConfig& config, World& world) {
  const store::FdbLibrary library = TRY(store::load_fdb_library(config.fdb.library));
  store::FdbNetworkOptions options{.tls = {.cert_path = config.fdb.tls_cert_file,
                                           .key_path = config.fdb.tls_key_file,
                                           .ca_path = config.fdb.tls_ca_file,
                                           .verify_peers = config.fdb.tls_verify_peers,
                                           .password = config.fdb.tls_password},
                                   .knobs = {},
                                   .trace_dir = {},
                                   .buggify = {}};
  for (const auto& [name, value] : config.fdb.knobs) {
    options.knobs.push_back(name + "=" + value);
  }
  auto network = TRY(store::FdbNetwork::start(library, options));
  auto connection = TRY(store::FdbConnection::open(library, config.backend.path));
  world.log.info("FoundationDB's client is up", {{"api_version", library.api_version},
                                                 {"client", library.client_version},
                                                 {"library", library.path}});
  return std::unique_ptr<OpenStore>(
      std::make_unique<ClusterStore>(world, std::move(network), std::move(connection)));
}

Task<void> first_answer(store::Database& database) {
  const auto transaction = database.begin();
  co_await transaction->read_version();
  co_return kOk;
}

}  // namespace

std::string engine_directory(const std::string& data_dir) { return data_dir + "/rocksdb"; }
std::string restoring_directory(const std::string& data_dir) {
  return data_dir + "/rocksdb.restoring";
}

Result<std::unique_ptr<OpenStore>> open_store(const StoreConfig& config, World& world,
                                              const std::string& version) {
  switch (config.backend.kind) {
    case BackendKind::kMemory:
      return std::unique_ptr<OpenStore>(std::make_unique<EmbeddedStore>(
          world, std::nullopt, std::make_unique<store::MemoryBackend>(),
          // As many as 5 s of commits make: old states cost what has changed since.
          store::CommitOptions{.snapshots_kept_max = 1'000'000}));
    case BackendKind::kRocksDb:
      return open_rocksdb(config, world, version);
    case BackendKind::kFdb:
      break;
  }
  return open_fdb(config, world);
}

Task<std::optional<cluster::Epoch>> prepare_store(OpenStore& store, World& world,
                                                  std::vector<std::string> names) {
  std::optional<cluster::Epoch> epoch;
  auto answered =
      co_await async::timeout(world.loop, kFirstAnswerTime, first_answer(store.database()))
          .result();
  if (!answered.ok()) {
    co_return std::move(answered).error().with_context(
        "the store does not answer; if it is FoundationDB, `fdbcli --exec status` says why");
  }
  if (store.reach() == Reach::kOthers) {
    // Before anything is written: an older binary may be at work on the data. It ends once it
    // notices, and no turn that it has not committed by now will be. (What it may still do is its
    // own part of an upgrade, which is safe beside ours.) A store that is too new for us stays
    // untouched, its process too.
    co_await store::check_schema(store.database(), upgrade_steps());
    epoch = co_await cluster::take_over(world, store.database(), std::move(names));
  }
  store::SchemaInfo info = co_await store::open_schema(store.database(), world, upgrade_steps());
  world.log.info("store opened", {{"store_id", info.incarnation.id},
                                  {"schema", info.version.schema},
                                  {"restored_from", info.incarnation.restored_from}});
  co_return std::move(epoch);
}

}  // namespace kelpie::app
