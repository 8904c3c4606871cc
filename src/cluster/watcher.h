// Watcher: which nodes seem to be dead, by their beats. Pure: no I/O, no clock of its own.
//
// A missed beat is counted between two observations, each a round in which the watcher itself could
// read from the store and commit to it: so neither an outage of the store nor a watcher that stood
// still fails anybody. However long the time between two observations was, it counts at most once.
// Whoever is wrongly taken for dead starts again under a new epoch; safety is the fence's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/time.h"
#include "cluster/node_record.h"

namespace kelpie::cluster {

// A node as one read of the store shows it, all of it at one version.
struct NodeSeen {
  std::string name;
  NodeRecord record;
  Epoch epoch;  // empty: it has none
  std::optional<Beat> beat;
};

// Times are of the watcher's own monotonic clock.
struct Observation {
  Instant asked;     // before the read began
  Instant answered;  // after the commit that followed it had succeeded
  std::vector<NodeSeen> nodes;
};

struct WatcherOptions {
  Duration period = base::kHeartbeatPeriod;
  int suspect_after = base::kSuspectAfterMissedBeats;
  int fail_after = base::kFailAfterMissedBeats;
};

struct WatcherEffect {
  enum class Kind : uint8_t {
    kSuspect,      // once
    kTrust,        // one that was suspected beats again
    kDeclareDead,  // again with each interval, until it is dead or beats
  } kind;
  std::string node;
  Epoch epoch;  // under which it was seen silent
  bool operator==(const WatcherEffect&) const = default;
};

// Not thread safe.
class Watcher {
 public:
  // Watches every member but `self`.
  Watcher(std::string self, WatcherOptions options);

  // In order of time. An interval that began less than a period after the last observation counts
  // nothing; one that lasted `fail_after` periods starts every count anew.
  std::vector<WatcherEffect> on_beats(const Observation& seen);

  [[nodiscard]] bool suspects(const std::string& node) const;

 private:
  struct Watched {
    Epoch epoch;
    std::optional<Beat> beat;
    int missed = 0;
    bool suspected = false;
  };
  enum class Interval : uint8_t { kTooShort, kCounts, kTooLong };
  [[nodiscard]] Interval interval_to(const Observation& seen) const;
  void count(const NodeSeen& node, Watched& watched, std::vector<WatcherEffect>& effects) const;

  std::string self_;
  WatcherOptions options_;
  std::optional<Instant> last_answered_;
  std::map<std::string, Watched> watched_;
};

}  // namespace kelpie::cluster
