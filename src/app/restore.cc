#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "app/backup.h"
#include "app/backup_files.h"
#include "app/open_store.h"
#include "app/upgrades.h"
#include "real/directory_lock.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"
#include "store/backup_stream.h"
#include "store/rocksdb/rocksdb_backend.h"
#include "world/clock.h"
#include "world/rng.h"

namespace kelpie::app {
namespace {

constexpr size_t kPieceBytes = 256 * 1024;

// Reads a backup part by part, with all its checks.
class BackupFile {
 public:
  explicit BackupFile(std::string path) : path_(std::move(path)) {}

  Result<void> open() {
    std::error_code code;
    if (!std::filesystem::is_regular_file(path_, code)) {
      return base::not_found("expected a backup at " + path_ +
                             ", found none; --from names the directory that `kelpie backup` wrote");
    }
    file_.open(path_, std::ios::binary);
    return file_ ? Result<void>(kOk) : base::unavailable("cannot read " + path_);
  }

  // nullopt after the end, which has been checked then.
  Result<std::optional<store::BackupPart>> next() {
    for (;;) {
      auto part = decoder_.next();
      if (!part.ok()) {
        return std::move(part).error().with_context(path_);
      }
      if (part->has_value()) {
        return std::move(*part);
      }
      std::string piece(kPieceBytes, '\0');
      file_.read(piece.data(), static_cast<std::streamsize>(piece.size()));
      if (file_.bad()) {
        return base::unavailable("cannot read " + path_);
      }
      if (file_.gcount() == 0) {
        auto finished = decoder_.finish();
        if (!finished.ok()) {
          return std::move(finished).error().with_context(path_);
        }
        return std::optional<store::BackupPart>();
      }
      decoder_.feed(std::string_view(piece).substr(0, static_cast<size_t>(file_.gcount())));
    }
  }

 private:
  std::string path_;
  std::ifstream file_;
  store::BackupDecoder decoder_;
};

struct Checked {
  store::BackupHeader header;
  store::BackupEnd end;
};

// Reads all of it before anything is written anywhere.
Result<Checked> check_backup(const std::string& path) {
  BackupFile file(path);
  TRY(file.open());
  Checked checked;
  for (;;) {
    const auto part = TRY(file.next());
    if (!part) {
      break;
    }
    if (const auto* header = std::get_if<store::BackupHeader>(&*part)) {
      checked.header = *header;
    } else if (const auto* end = std::get_if<store::BackupEnd>(&*part)) {
      checked.end = *end;
    }
  }
  const int64_t newest = store::newest_schema(upgrade_steps());
  if (checked.header.schema > newest) {
    return base::failed_precondition(
        path + ": the backup has data of schema " + std::to_string(checked.header.schema) +
        ", this binary knows schemas up to " + std::to_string(newest) + ": use a newer binary");
  }
  return checked;
}

Result<void> check_target(const BackendChoice& target) {
  if (target.kind == BackendKind::kMemory) {
    return base::invalid_argument(
        "a store in memory would be gone when the restore ends; choose a directory with "
        "--data-dir");
  }
  if (target.kind == BackendKind::kFdb) {
    return base::failed_precondition("restoring into FoundationDB is not supported (the store is " +
                                     target.path + ", from " + target.source +
                                     "); choose a directory with --data-dir");
  }
  return kOk;
}

// With the lock held. Its own file may be there.
Result<void> check_empty(const std::string& directory) {
  std::error_code code;
  std::filesystem::directory_iterator entries(directory, code);
  for (; !code && entries != std::filesystem::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    if (directory + "/" + name == restoring_directory(directory)) {
      return base::failed_precondition("an earlier restore into " + directory +
                                       " has not ended: remove " + directory + "/" + name +
                                       " and restore again");
    }
    if (name != "kelpie.lock" && name != "lost+found") {
      return base::failed_precondition("expected an empty data directory, " + directory +
                                       " holds " + name +
                                       "; restore into another one with --data-dir");
    }
  }
  return code ? base::unavailable("cannot read " + directory + ": " + code.message())
              : Result<void>(kOk);
}

Task<void> write_rows(World& world, store::Backend& engine, const std::string& path,
                      Checked checked) {
  store::BackupRestorer restorer(world.loop, engine, checked.header);
  BackupFile file(path);
  co_await file.open();
  for (;;) {
    auto part = co_await file.next();
    if (!part) {
      break;
    }
    if (auto* rows = std::get_if<std::vector<store::KeyValue>>(&*part)) {
      co_await restorer.write(std::move(*rows));
    }
  }
  co_await restorer.verify(checked.end.sum);
  co_await restorer.finish(world.rng.uuid(), world.clock.wall());
  co_return kOk;
}

// The engine is closed again when it returns.
Result<void> write_store(real::RealLoop& loop, World& world, const StoreConfig& config,
                         const std::string& path, const Checked& checked) {
  const auto engine = TRY(store::RocksdbBackend::open(
      loop, store::RocksdbOptions{.directory = restoring_directory(config.backend.path),
                                  .block_cache_bytes = config.rocksdb_block_cache_bytes,
                                  .write_buffer_bytes = config.rocksdb_write_buffer_bytes}));
  return loop.run(write_rows(world, *engine, path, checked));
}

}  // namespace

Result<void> run_restore(const RestoreRequest& request, const std::string& version) {
  TRY(check_target(request.store.backend));
  const std::string path = request.directory + "/" + std::string(kRowsFile);
  const Checked checked = TRY(check_backup(path));
  const std::string& data_dir = request.store.backend.path;
  const auto lock = TRY(real::DirectoryLock::acquire(data_dir, version));
  TRY(check_empty(data_dir));

  real::RealLog log(real::LogOptions{.level = world::LogLevel::kWarn});
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName("restore"));
  const std::string from = restoring_directory(data_dir);
  auto written = write_store(loop, real.world(), request.store, path, checked);
  if (!written.ok()) {
    // It was not there before, and it is no store.
    std::error_code ignored;
    std::filesystem::remove_all(from, ignored);
    return written;
  }
  // From here on it is a store; before, `serve` refuses the directory.
  if (std::rename(from.c_str(), engine_directory(data_dir).c_str()) != 0) {
    return base::unavailable("renaming " + from + ": " + std::generic_category().message(errno));
  }
  TRY(sync_directory(data_dir));
  fmt::print("restored {} rows, {} bytes, of store {} at version {} into {}\n",
             checked.end.sum.rows, checked.end.sum.bytes, checked.header.store_id,
             checked.header.version.get(), data_dir);
  return kOk;
}

}  // namespace kelpie::app
