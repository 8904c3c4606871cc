// RocksdbBackend: the embedded durable engine.
//
// A commit thread of its own writes each batch with the write-ahead log synced before RocksDB makes
// it visible; then it takes a RocksDB snapshot and posts both to the Loop. Reads run on the
// Loop's thread: they are served from memory or from the page cache, and block for the length of a
// disk read otherwise.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "store/backend.h"

namespace rocksdb {
class FileSystem;
}

namespace kelpie::async {
class Loop;
}

namespace kelpie::store {

// Whether `apply` waits for the disk. kUnsynced exists to prove that the power-loss test notices
// (planted bug M31); no flag leads to it.
enum class Durability : uint8_t { kSynced, kUnsynced };

struct RocksdbOptions {
  // Made with its parents if it is missing.
  std::string directory;
  // Null: the operating system's.
  std::shared_ptr<rocksdb::FileSystem> file_system = nullptr;
  size_t block_cache_bytes = 8'000'000;
  size_t write_buffer_bytes = 8'000'000;
  // With less than this left on the disk, batches are refused before anything is written.
  uint64_t disk_free_bytes_min = 64'000'000;
  Durability durability = Durability::kSynced;
};

// The format of what this engine stores; a directory with a newer one is refused.
inline constexpr int kRocksdbFormat = 1;

// One Loop, which outlives it. The destructor waits for the batch in progress, at most a few syncs.
// Snapshots may outlive the backend; the directory stays locked until the last is gone.
class RocksdbBackend final : public Backend {
 public:
  // Recovers what is on the disk; blocks. Errors:
  //   failed_precondition  another process holds the directory, it is not Kelpie's, or it is newer
  //   data_loss            what is stored fails its checks
  //   resource_exhausted   the disk is full
  //   unavailable          it cannot be read or written for another reason
  static Result<std::unique_ptr<RocksdbBackend>> open(async::Loop& loop, RocksdbOptions options);
  ~RocksdbBackend() override;

  [[nodiscard]] std::string_view name() const override { return "rocksdb"; }
  [[nodiscard]] std::shared_ptr<const Snapshot> latest() const override;
  // resource_exhausted below disk_free_bytes_min; every other failure is `unknown`: RocksDB
  // does not say how much of a failed write may still reach the disk.
  Task<void> apply(CommitBatch batch) override;

 private:
  class Parts;
  explicit RocksdbBackend(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::store
