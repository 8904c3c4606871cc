// Frozen: what stays broken for good when the chaos of a run ends. A fault that heals by itself
// hides bugs, so the promises of liveness are demanded of a core of hosts that work, beside hosts
// that are dead or out of reach, and under faults that never stop and that code must live with.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "sim/choices.h"
#include "sim/durable_disk.h"
#include "sim/fdb/faults.h"
#include "sim/network.h"
#include "sim/swarm.h"

namespace kelpie::sim {

// How the core has lost a host.
enum class Lost : uint8_t {
  kCutOff,  // it runs, and nothing reaches it, nor does anything of its own arrive
  kDeaf,    // it runs and sends, and nothing reaches it
  kMute,    // it runs and is sent to, and nothing of its own arrives
  kDead,    // it has crashed, and nobody starts it again
};
inline constexpr uint64_t kLostKinds = 4;

// What a scenario has that may stay broken.
struct Breakable {
  // Hosts that the core can do without: any of them, and all at once.
  std::vector<std::string> servers;
  // The same, but these run on in any case: nobody could start them again.
  std::vector<std::string> clients;
  // Connections between hosts, a disk of its own, a cluster.
  bool network = false;
  bool disk = false;
  bool cluster = false;
};

// None is frozen by default: then everything is healed. Drift of clocks, slow pairs, and reads and
// writes that are cut short stay in any case.
struct Frozen {
  std::map<std::string, Lost> lost;  // all other hosts are the core
  bool slow_processors = false;
  // Of these only rates are looked at; what is zero has ended.
  NetworkOptions network;
  DiskOptions disk;
  FdbFaults fdb;

  // Of the faults that the swarm has, some, and never so often that nothing gets done. The first
  // alternative of each choice is that nothing stays.
  static Frozen draw(ChoiceStream& choices, const Swarm& swarm, const Breakable& breakable);

  [[nodiscard]] bool has_lost(const std::string& host) const { return lost.contains(host); }
  [[nodiscard]] bool is_dead(const std::string& host) const;
  [[nodiscard]] bool nothing() const { return to_string() == "nothing"; }
  // On one line, for people: "nothing", or what it is.
  [[nodiscard]] std::string to_string() const;
};

// All names but one, which is drawn: of the hosts that do the same one is left in the core.
std::vector<std::string> all_but_one(ChoiceStream& choices, std::vector<std::string> names);

}  // namespace kelpie::sim
