#include "sim/frozen.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace kelpie::sim {
namespace {

// What is kept of a rate at most, per million of its occasion.
constexpr uint64_t kResetMax = 1'000;
constexpr uint64_t kStoreRetriesMax = 10'000;
constexpr uint64_t kFalseConflictMax = 20'000;

constexpr std::array<std::string_view, kLostKinds> kLostNames = {"cut_off", "deaf", "mute", "dead"};

// Zero draws nothing.
uint64_t keep(ChoiceStream& choices, uint64_t rate, uint64_t max) {
  return rate > 0 && choices.choose(2) == 1 ? std::min(rate, max) : 0;
}

FdbFaults keep(ChoiceStream& choices, const FdbFaults& faults) {
  FdbFaults kept;
  kept.slow_max = faults.slow_max;
  kept.too_old_rate = keep(choices, faults.too_old_rate, kStoreRetriesMax);
  kept.future_version_rate = keep(choices, faults.future_version_rate, kStoreRetriesMax);
  kept.process_behind_rate = keep(choices, faults.process_behind_rate, kStoreRetriesMax);
  kept.throttled_rate = keep(choices, faults.throttled_rate, kStoreRetriesMax);
  kept.slow_rate = keep(choices, faults.slow_rate, kStoreRetriesMax);
  kept.false_conflict_rate = keep(choices, faults.false_conflict_rate, kFalseConflictMax);
  kept.unknown_rate = keep(choices, faults.unknown_rate, kStoreRetriesMax);
  // A watch is a hint: it may lie for ever.
  kept.watch_late_rate = keep(choices, faults.watch_late_rate, faults.watch_late_rate);
  kept.watch_spurious_rate = keep(choices, faults.watch_spurious_rate, faults.watch_spurious_rate);
  kept.watch_missed_rate = keep(choices, faults.watch_missed_rate, faults.watch_missed_rate);
  return kept;
}

}  // namespace

Frozen Frozen::draw(ChoiceStream& choices, const Swarm& swarm, const Breakable& breakable) {
  Frozen frozen;
  if (!swarm.freezes) {
    return frozen;
  }
  const auto lose = [&](const std::vector<std::string>& hosts, uint64_t kinds) {
    for (const std::string& host : hosts) {
      if (choices.choose(2) == 1) {
        frozen.lost.emplace(host, static_cast<Lost>(choices.choose(kinds)));
      }
    }
  };
  lose(breakable.servers, kLostKinds);
  lose(breakable.clients, static_cast<uint64_t>(Lost::kDead));
  frozen.slow_processors = swarm.slow_cpu_max > Duration() && choices.choose(2) == 1;
  if (breakable.network) {
    frozen.network.tail_rate = keep(choices, swarm.network.tail_rate, swarm.network.tail_rate);
    frozen.network.reset_rate = keep(choices, swarm.network.reset_rate, kResetMax);
  }
  if (breakable.disk) {
    frozen.disk.slow_rate = keep(choices, swarm.disk.slow_rate, swarm.disk.slow_rate);
  }
  if (breakable.cluster) {
    frozen.fdb = keep(choices, swarm.fdb);
  }
  return frozen;
}

bool Frozen::is_dead(const std::string& host) const {
  const auto found = lost.find(host);
  return found != lost.end() && found->second == Lost::kDead;
}

std::string Frozen::to_string() const {
  std::string text;
  const auto add = [&text](std::string_view name, auto value) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  };
  for (const auto& [host, how] : lost) {
    add(host, kLostNames[static_cast<size_t>(how)]);
  }
  const std::array<std::pair<std::string_view, uint64_t>, 14> rates = {{
      {"slow_processors", slow_processors ? 1 : 0},
      {"tail", network.tail_rate},
      {"reset", network.reset_rate},
      {"slow_disk", disk.slow_rate},
      {"fdb_too_old", fdb.too_old_rate},
      {"fdb_future_version", fdb.future_version_rate},
      {"fdb_process_behind", fdb.process_behind_rate},
      {"fdb_throttled", fdb.throttled_rate},
      {"fdb_slow", fdb.slow_rate},
      {"fdb_false_conflict", fdb.false_conflict_rate},
      {"fdb_unknown", fdb.unknown_rate},
      {"fdb_watch_late", fdb.watch_late_rate},
      {"fdb_watch_spurious", fdb.watch_spurious_rate},
      {"fdb_watch_missed", fdb.watch_missed_rate},
  }};
  for (const auto& [name, rate] : rates) {
    if (rate > 0) {
      add(name, rate);
    }
  }
  return text.empty() ? "nothing" : text;
}

std::vector<std::string> all_but_one(ChoiceStream& choices, std::vector<std::string> names) {
  names.erase(names.begin() + static_cast<std::ptrdiff_t>(choices.choose(names.size())));
  return names;
}

}  // namespace kelpie::sim
