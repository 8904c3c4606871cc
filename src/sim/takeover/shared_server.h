// SharedServer: a simulated host that runs the production server on a shared store, through the
// production FoundationDB adapter, as `kelpie serve` does: it takes the store over when it starts,
// and ends when another has.
#pragma once

#include <cstdint>
#include <memory>

#include "async/event.h"
#include "async/task.h"
#include "sim/fdb/sim_fdb.h"
#include "sim/simulation.h"
#include "world/net.h"

namespace kelpie::sim {

// Driven from the simulation's own loop.
class SharedServer {
 public:
  SharedServer(Simulation& simulation, SimHost& host, SimFdb& fdb, world::Address address);
  SharedServer(const SharedServer&) = delete;
  SharedServer& operator=(const SharedServer&) = delete;
  ~SharedServer();

  // The host is down. A start that fails is tried again.
  void start();
  void crash();
  // In order; nothing may be left behind (S21). False: it went down in another way meanwhile. Who
  // drops the task leaves a server that drains for ever.
  Task<bool> stop();
  // From now on until its next start nobody starts it again when it ends, nor asks why.
  void abandon() { abandoned_ = true; }

  [[nodiscard]] bool up() const { return parts_ != nullptr; }
  // It drains, and accepts nothing any more.
  [[nodiscard]] bool stopping() const { return up() && stopping_; }
  // It has taken the store over, and answers.
  [[nodiscard]] bool serving() const;
  [[nodiscard]] SimHost& host() { return host_; }

 private:
  struct Parts;
  enum class End : uint8_t { kTakenOver, kFailed };
  static Task<void> serve(SharedServer& node, Parts& parts);
  static Task<void> drain(SharedServer& node, Parts& parts);
  // The process has ended by itself. It is not started again when another has the store.
  void ended(End end);

  Simulation& simulation_;
  SimHost& host_;
  SimFdb& fdb_;
  world::Address address_;
  uint64_t starts_ = 0;
  bool abandoned_ = false;
  bool stopping_ = false;
  async::Event drained_;  // or gone
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie::sim
