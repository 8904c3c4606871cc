// ActorNode: a simulated host that runs the production actor runtime over a shared store, claims
// actors by record, and is called by others through its loop.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/result.h"
#include "sim/check/history.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/model/recording_database.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// What came back of a call.
struct ObjectAnswer {
  Fate fate = Fate::kUnknown;
  std::optional<Bytes> seen;
  Swap swap = Swap::kDone;
  std::string error;
  bool broken = false;  // an error that no fault of a cluster explains
};

// Driven from the simulation's own loop.
class ActorNode {
 public:
  // `told` hears, on the node's loop, of each transaction that is told that it has committed.
  ActorNode(Simulation& simulation, SimHost& host, SimFdb& fdb, RecordingDatabase::Told told);
  ActorNode(const ActorNode&) = delete;
  ActorNode& operator=(const ActorNode&) = delete;
  ~ActorNode();

  // Boots the host; the node's keeper joins, again and again until it is joined or gone.
  void start();
  void crash();
  // In order; nothing may be left behind (S21). False: it went down in another way meanwhile.
  Task<bool> stop();

  [[nodiscard]] bool up() const { return parts_ != nullptr; }
  // It carries out calls.
  [[nodiscard]] bool busy() const;
  [[nodiscard]] SimHost& host() { return host_; }

  // Asks the node, which is up, for one operation. `done` is called on the simulation's loop, or
  // never, when the node is gone before.
  void call(const ObjectOp& op, std::function<void(ObjectAnswer)> done);

 private:
  struct Parts;
  static Task<void> perform(Parts& parts, Loop& home, ObjectOp op,
                            std::function<void(ObjectAnswer)> done);

  Simulation& simulation_;
  SimHost& host_;
  SimFdb& fdb_;
  RecordingDatabase::Told told_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::sim
