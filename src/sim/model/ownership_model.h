// The model of ownership: processes that join, claim an actor, run turns, stop for any time, die,
// and are declared dead while they live, over a store whose commits may be undecided.
//
// What it takes from the code (cluster/fence, cluster/ownership, actor/activation; ADR 004, 012):
// what each transaction reads, which of that it conflicts with, and what it writes. That a store's
// transactions are serializable is the transaction model's business: here all reads of one happen
// at once, and a later write of what it conflicts with refuses it. A process may stop between any
// two steps; time does not exist. One actor: actors do not meet in ownership.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "sim/model/breadth_first.h"
#include "sim/model/ownership_ledger.h"

namespace kelpie::sim {

// What may be wrong with the code.
enum class OwnershipBug : uint8_t {
  kNone,
  kNoFence,        // M1: a turn's commit does not depend on the epoch
  kNoCompare,      // M2: the epoch is read, with a conflict, and not compared with one's own
  kSkew,           // M6: a claim conflicts neither with the record nor with its owner's epoch
  kClaimNoFence,   // a claim conflicts with no epoch, its own node's included
  kOwnerNoFence,   // a claim does not conflict with the epoch of the owner it replaces
  kSilentReclaim,  // a claim of what is ours already does not refuse an undecided release
  kLateGiveAway,   // an activation that was ended gives away under its node's present fence
  kSettleGivesUp,  // the next activation begins while an undecided turn of the last may still land
  kOwnNames,       // a take-over replaces the epochs of its own names only
};

struct OwnershipOptions {
  cluster::OwnerRecords records = cluster::OwnerRecords::kPerActor;
  // The node name of each process: several of one name are incarnations that overlap.
  std::vector<size_t> processes = {0, 1};
  enum class Start : uint8_t { kJoin, kTakeOver } start = Start::kJoin;
  size_t undecided_max = 1;  // commits on their way after their client was told nothing
  OwnershipBug bug = OwnershipBug::kNone;
};

class OwnershipModel {
 public:
  struct Action {
    enum class Kind : uint8_t {
      kStart,
      kDeclareDead,
      kCrash,
      kAcquire,
      kReadState,
      kTurn,
      kSettle,
      kGiveUp,
      kRelease,
      kLateGiveAway,
      kTold,
      kRefused,
      kUntoldApplied,
      kUntoldLost,
      kUntoldLate,
      kLand,
    };
    Kind kind;
    size_t which;  // process; kDeclareDead: node; kLand: undecided commit
    [[nodiscard]] std::string_view name() const;
    [[nodiscard]] std::string to_string() const;
  };

  explicit OwnershipModel(OwnershipOptions options);

  [[nodiscard]] std::vector<Action> enabled_actions() const;
  void apply(const Action& action);
  [[nodiscard]] std::optional<std::string> invariant() const { return broken_; }
  // Stamps by rank and turns by distance from the head's: so that the states are finitely many.
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] std::vector<std::string_view> action_names() const;
  [[nodiscard]] std::vector<Witness<OwnershipModel>> witnesses() const;

 private:
  enum class Phase : uint8_t { kDown, kJoined, kOwner, kActive, kSettling };
  // A transaction after its reads.
  struct Flight {
    enum class Kind : uint8_t { kClaim, kTurn, kRelease };
    Kind kind = Kind::kClaim;
    size_t process = 0;
    bool take = false;      // kClaim: writes the record
    Stamp generation = {};  // kTurn; kClaim of what is ours
    Stamp epoch = {};       // kClaim: what the record will say
    int64_t turn = 0;       // kTurn
    uint8_t epochs = 0;     // a bit for each node whose epoch it conflicts with
    bool record = false;    // it conflicts with the owner record
    bool refused = false;   // something that it conflicts with was written
    bool settled = false;   // by a write of its guard key
    bool awaited = false;   // kTurn: its process is going to settle it
  };
  struct Process {
    size_t node = 0;
    Phase phase = Phase::kDown;
    Stamp epoch = {};       // of its fence
    Stamp generation = {};  // of its activation
    int64_t turn = 0;       // the last one that its activation knows of
    std::optional<Flight> open = {};
    bool head_is_mine = false;      // kSettling: the head shows the nonce
    bool ended_activation = false;  // kLateGiveAway: one is about to give away
  };

  [[nodiscard]] const OwnershipLedger::Actor& actor() const { return ledger_.actors()[0]; }
  [[nodiscard]] Stamp epoch_of(size_t node) const { return ledger_.nodes()[node].epoch; }
  [[nodiscard]] bool holds_fence(const Process& process) const;
  [[nodiscard]] bool passes_guard(const Process& process) const;
  [[nodiscard]] std::optional<Flight> claim_of(size_t index) const;
  void enabled_of(size_t index, std::vector<Action>& actions) const;

  void start(Process& process);
  void acquire(size_t index);
  void begin_turn(size_t index);
  void begin_release(size_t index);
  void settle(size_t index);
  void conclude(size_t index, Action::Kind outcome);
  void told(Process& process, const Flight& flight, Stamp stamp);
  void untold(Process& process, const Flight& flight);
  Stamp land(const Flight& flight);
  void replace_epochs(const std::vector<size_t>& nodes, Stamp stamp);
  void refuse_epoch_readers(size_t node);
  void refuse_record_readers();
  template <class Refuse>
  void each_flight(Refuse refuse);
  void judge(std::optional<Failure> failure);
  static void leave(Process& process, Phase phase);

  OwnershipOptions options_;
  OwnershipLedger ledger_;
  std::vector<Process> processes_;
  std::vector<Flight> undecided_;
  int64_t clock_ = 0;  // of stamps
  std::optional<std::string> broken_;
};

}  // namespace kelpie::sim
