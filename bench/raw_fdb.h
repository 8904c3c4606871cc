// RawFdb: warm commits through FoundationDB's C API and nothing else: what the engine above it is
// measured against. The same table of functions, the same conflicts and bytes.
//
// One thread makes transactions and asks for commits; the client's network thread does the work and
// hands back what has ended.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "bench/harness.h"
#include "bench/rows.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::bench {

class RawFdb {
 public:
  // The source outlives it. `read_version`: one at which the epoch is known.
  RawFdb(std::shared_ptr<store::FdbConnection> connection, TurnSource& source,
         store::Version read_version)
      : connection_(std::move(connection)), source_(source), read_version_(read_version) {}
  RawFdb(const RawFdb&) = delete;
  RawFdb& operator=(const RawFdb&) = delete;

  // Blocks until all have committed. Adds the time of each, from making its transaction until this
  // thread knows that it is done.
  Result<Throughput> commit_turns(Load load, Samples& times);

 private:
  struct Slot {
    RawFdb* owner = nullptr;
    int place = 0;
    store::FdbTransactionHandle* transaction = nullptr;
    store::FdbFutureHandle* commit = nullptr;
    Stopwatch watch;
  };
  static void on_ready(store::FdbFutureHandle* commit, void* context);
  // Asks for the slot's next commit; it is given to `ended_` when that is over.
  Result<void> begin(Slot& slot);
  Result<void> finish(Slot& slot, Samples& times);
  std::vector<Slot*> wait_for_ended();
  [[nodiscard]] const store::FdbApi& api() const { return *connection_->api(); }

  std::shared_ptr<store::FdbConnection> connection_;
  TurnSource& source_;
  store::Version read_version_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot*> ended_;
};

}  // namespace kelpie::bench
