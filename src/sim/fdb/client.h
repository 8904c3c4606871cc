// FdbClient: FoundationDB's client library as one process sees it: handles, futures, callbacks, and
// the rules that the real one keeps on its own side of the wire.
//
// Answers arrive on the library's network thread, which is the simulation's own loop here, so a
// callback never runs on a loop of the process. Once the process is gone (its gate is closed)
// nothing that is called here has an effect, and no callback comes until `reap`.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/fdb/faults.h"
#include "sim/fdb/messages.h"
#include "sim/fdb/wire.h"
#include "store/fdb/c_api.h"
#include "store/fdb/fdb_database.h"

namespace kelpie::sim {

class FdbClient : public std::enable_shared_from_this<FdbClient> {
 public:
  // The faults are those that a client library has by itself.
  FdbClient(const std::shared_ptr<FdbWire>& wire, FdbClientId id, SimLoop& gate,
            const FdbFaults& faults);
  FdbClient(const FdbClient&) = delete;
  FdbClient& operator=(const FdbClient&) = delete;
  ~FdbClient();

  // For one incarnation of the host.
  std::shared_ptr<store::FdbConnection> connection();

  [[nodiscard]] bool alive() const;
  // From the wire, on the network thread.
  void resolve(FdbAnswer answer);
  // Of a process that is gone: gives back what its callbacks hold. They run, and reach nobody.
  void reap();
  [[nodiscard]] bool reaped() const { return reaped_; }
  // Commits that were answered with an error and may be sent yet.
  [[nodiscard]] size_t held_back() const { return held_back_; }
  [[nodiscard]] FdbClientId id() const { return id_; }
  void heal(const FdbFaults& left) { faults_ = left; }

  // What the code that calls the library must do exactly once, and must not do at all.
  struct Counts {
    uint64_t futures_made = 0;
    uint64_t futures_destroyed = 0;
    uint64_t transactions_made = 0;
    uint64_t transactions_destroyed = 0;
    // Commits that were broken off before their answer.
    uint64_t broken_commits = 0;
    uint64_t unsent_commits = 0;    // held back when they were answered with an error
    uint64_t unsent_forgotten = 0;  // and never sent, since their transaction was destroyed
  };
  [[nodiscard]] const Counts& counts() const { return counts_; }

 private:
  struct Future;
  struct Transaction;
  struct Table;  // the functions of the C API
  using FuturePtr = std::shared_ptr<Future>;
  enum class Kind : uint8_t { kRead, kCommit, kStamp, kWatch, kWait };

  FuturePtr make_future(Kind kind);
  // Sends what was buffered, with a request that wants an answer.
  store::FdbFutureHandle* ask(Transaction& transaction, Kind kind, FdbRequest request);
  void send(Transaction& transaction, FdbRequest request);
  store::FdbFutureHandle* commit(Transaction& transaction);
  void hold_back(Transaction& transaction, const FuturePtr& future, FdbRequest request);
  store::FdbFutureHandle* watch(Transaction& transaction, Bytes key);
  store::FdbFutureHandle* back_off(Transaction& transaction, store::FdbErrorCode code);

  // On the network thread.
  void finish(const FuturePtr& future, FdbAnswer answer);
  void finish_commit(Transaction& transaction, const FdbAnswer& answer);
  void run_callback(Future& future);

  // Ends it with an error, soon.
  void end_soon(const FuturePtr& future, store::FdbErrorCode code);
  // Ends what is still waited for in this attempt.
  void end_attempt(Transaction& transaction);
  void drop_watch(const Future& future);
  // The code under test has looked at, or let go of, what came with a fault.
  void count_marks(Future& future);

  std::weak_ptr<FdbWire> wire_;
  FdbClientId id_;
  SimLoop& gate_;
  FdbFaults faults_;
  ChoiceStream& draws_;
  bool reaped_ = false;
  uint64_t numbers_ = 0;
  std::map<FdbCallId, FuturePtr> waiting_;  // not ready
  size_t held_back_ = 0;
  size_t watches_ = 0;  // of them
  Counts counts_;
};

}  // namespace kelpie::sim
