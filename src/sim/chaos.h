// Chaos: what happens to hosts, clocks and links while a scenario runs: pauses, slow processors,
// partitions, jumping and slewed clocks. Crashes are the scenario's, which knows what runs where.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "async/scope.h"
#include "async/task.h"
#include "sim/simulation.h"

namespace kelpie::sim {

// As the swarm of the run says. On the simulation's own loop; outlives the scope it spawns into.
class Chaos {
 public:
  // `tested`: hosts that run production code, which stand still and have strange clocks.
  // `linked`: the names of all between which links may be cut.
  Chaos(Simulation& simulation, std::vector<SimHost*> tested, std::vector<std::string> linked);
  Chaos(const Chaos&) = delete;
  Chaos& operator=(const Chaos&) = delete;
  ~Chaos();

  void spawn(async::Scope& scope);
  // Hosts go on, at full speed unless slow processors are frozen, and links are whole; what is slow
  // for good, and where clocks have got to, stays. Its tasks have been cancelled.
  void heal(const Frozen& frozen = {});

 private:
  Task<void> pauses();
  Task<void> clock_jumps();
  Task<void> partitions();
  Task<void> isolate(std::string host);
  Task<void> split();
  Task<void> one_way();
  Task<void> flap();
  Task<void> swizzle();
  void cut_both(const std::string& a, const std::string& b);
  void mend_both(const std::string& a, const std::string& b);
  // Right behind the check of a fence is the best moment for an owner to stand still.
  void pause_after_check(SimHost& host);
  void stand_still(SimHost& host);
  // Two different hosts.
  std::pair<std::string, std::string> pick_link();
  Duration a_while();
  auto sleep(Duration length);

  Simulation& simulation_;
  std::vector<SimHost*> tested_;
  std::vector<std::string> linked_;
  ChoiceStream& choices_;
  bool on_ = false;
  uint64_t pauses_ = 0;                       // of any host, so far
  std::map<std::string, uint64_t> pause_of_;  // the newest, by host
};

}  // namespace kelpie::sim
