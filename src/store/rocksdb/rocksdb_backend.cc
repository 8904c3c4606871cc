#include "store/rocksdb/rocksdb_backend.h"

#include <rocksdb/perf_level.h>

#include <optional>
#include <utility>

#include "async/event.h"
#include "async/loop.h"
#include "base/check.h"
#include "store/rocksdb/disk_reads.h"
#include "store/rocksdb/rocksdb_snapshot.h"
#include "store/rocksdb/rocksdb_store.h"
#include "store/rocksdb/worker_threads.h"

namespace kelpie::store {
namespace {

// One batch on its way: the commit thread fills in the answer, the Loop reads it.
struct Applying {
  Applying(async::Loop& loop, CommitBatch to_apply) : batch(std::move(to_apply)), done(loop) {}
  CommitBatch batch;
  Result<void> result = kOk;
  std::shared_ptr<const Snapshot> after;
  async::Event done;
};

// The newest published state, shared with answers that arrive when the backend is already gone.
struct Published {
  std::shared_ptr<const Snapshot> latest;
};

}  // namespace

class RocksdbBackend::Parts {
 public:
  Parts(async::Loop& loop, std::shared_ptr<RocksdbStore> store, Version version,
        size_t read_threads)
      : loop_(loop),
        store_(std::move(store)),
        reads_(std::make_shared<DiskReads>(loop, read_threads)),
        published_(std::make_shared<Published>()) {
    published_->latest = std::make_shared<RocksdbSnapshot>(store_, reads_, version);
  }
  // Not left to the last snapshot: the Loop need not live that long.
  ~Parts() { reads_->close(); }

  [[nodiscard]] std::shared_ptr<const Snapshot> latest() const { return published_->latest; }
  [[nodiscard]] RocksdbReadCounts read_counts() const { return reads_->counts(); }

  Task<void> apply(CommitBatch batch) {
    CHECK(batch.version > latest()->version());
    auto applying = std::make_shared<Applying>(loop_, std::move(batch));
    committer_.enqueue([this, applying]() mutable { write(std::move(applying)); });
    co_await applying->done.wait();
    co_return applying->result;
  }

 private:
  // On the commit thread. The Loop's side of `applying` is untouched until the answer is posted.
  void write(std::shared_ptr<Applying> applying) {
    // RocksDB counts each comparison of keys, which takes a twentieth of the time; nobody asks.
    rocksdb::SetPerfLevel(rocksdb::PerfLevel::kDisable);
    applying->result = store_->write(applying->batch);
    if (applying->result.ok()) {
      applying->after = std::make_shared<RocksdbSnapshot>(store_, reads_, applying->batch.version);
    }
    loop_.post_from_thread([published = published_, applying = std::move(applying)] {
      if (applying->after) {
        published->latest = std::move(applying->after);
      }
      applying->done.set();
    });
  }

  async::Loop& loop_;
  std::shared_ptr<RocksdbStore> store_;
  std::shared_ptr<DiskReads> reads_;
  std::shared_ptr<Published> published_;
  WorkerThreads committer_{1};  // last: its jobs use everything above
};

RocksdbBackend::RocksdbBackend(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

RocksdbBackend::~RocksdbBackend() = default;

Result<std::unique_ptr<RocksdbBackend>> RocksdbBackend::open(async::Loop& loop,
                                                             RocksdbOptions options) {
  std::shared_ptr<RocksdbStore> store = TRY(RocksdbStore::open(options));
  const Version version = TRY(store->stored_version());
  auto parts = std::make_unique<Parts>(loop, std::move(store), version, options.read_threads);
  return std::unique_ptr<RocksdbBackend>(new RocksdbBackend(std::move(parts)));
}

std::shared_ptr<const Snapshot> RocksdbBackend::latest() const { return parts_->latest(); }

RocksdbReadCounts RocksdbBackend::read_counts() const { return parts_->read_counts(); }

Task<void> RocksdbBackend::apply(CommitBatch batch) { return parts_->apply(std::move(batch)); }

}  // namespace kelpie::store
