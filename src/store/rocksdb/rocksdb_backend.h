// RocksdbBackend: the embedded durable engine.
//
// A commit thread of its own writes each batch with the write-ahead log synced before RocksDB makes
// it visible; then it takes a RocksDB snapshot and posts both to the Loop. Reads never block the
// Loop: what is in the memory tables or the block cache is answered there, the rest on a worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "store/backend.h"

namespace rocksdb {
class FileSystem;
class SystemClock;
}  // namespace rocksdb

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
  // Null: the operating system's. Tests pass others.
  std::shared_ptr<rocksdb::FileSystem> file_system = nullptr;
  std::shared_ptr<rocksdb::SystemClock> clock = nullptr;
  size_t block_cache_bytes = 8'000'000;
  size_t write_buffer_bytes = 8'000'000;
  // Threads that read what is not in memory, at most; each starts when it is first needed. With 0,
  // the Loop reads, and waits for the disk.
  size_t read_threads = 2;
  // A cleared range with more keys than this is cleared at once, by a range tombstone.
  size_t single_deletes_max = 10'000;
  // With less than this left on the disk, batches are refused before anything is written.
  uint64_t disk_free_bytes_min = 64'000'000;
  Durability durability = Durability::kSynced;
};

// Reads (a get, or a page of a range) since the backend was opened: answered from memory on the
// Loop, and handed to a worker.
struct RocksdbReadCounts {
  uint64_t memory = 0;
  uint64_t disk = 0;
};

// The format of what this engine stores; a directory with a newer one is refused, and one with an
// older one is raised when it is opened.
inline constexpr int kRocksdbFormat = 2;

// One Loop, which outlives it. The destructor waits for the batch in progress, at most a few syncs,
// and for the reads that are still wanted. Snapshots may outlive the backend, and then read on the
// Loop; the directory stays locked until the last is gone.
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
  [[nodiscard]] RocksdbReadCounts read_counts() const;

 private:
  class Parts;
  explicit RocksdbBackend(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::store
