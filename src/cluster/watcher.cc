#include "cluster/watcher.h"

#include <utility>

#include "base/check.h"

namespace kelpie::cluster {

Watcher::Watcher(std::string self, WatcherOptions options)
    : self_(std::move(self)), options_(options) {
  CHECK(options_.period > Duration());
  CHECK(options_.suspect_after > 0 && options_.suspect_after <= options_.fail_after);
}

// From the end of the last observation: the reads of two observations are at least so far apart.
Watcher::Interval Watcher::interval_to(const Observation& seen) const {
  if (!last_answered_) {
    return Interval::kTooLong;
  }
  if (seen.answered - *last_answered_ >= options_.period * options_.fail_after) {
    return Interval::kTooLong;
  }
  return seen.asked - *last_answered_ >= options_.period ? Interval::kCounts : Interval::kTooShort;
}

std::vector<WatcherEffect> Watcher::on_beats(const Observation& seen) {
  const Interval interval = interval_to(seen);
  last_answered_ = seen.answered;
  std::vector<WatcherEffect> effects;
  std::map<std::string, Watched> now;
  for (const NodeSeen& node : seen.nodes) {
    if (node.name == self_ || !is_member(node.record.state) || node.epoch.get().empty()) {
      continue;
    }
    // A beat of another incarnation says nothing about this one.
    const bool own = node.beat.has_value() && node.beat->epoch == node.epoch;
    const std::optional<Beat> beat = own ? node.beat : std::nullopt;
    const auto before = watched_.find(node.name);
    if (before == watched_.end() || before->second.epoch != node.epoch) {
      now.emplace(node.name, Watched{.epoch = node.epoch, .beat = beat});
      continue;
    }
    Watched& watched = now.emplace(node.name, std::move(before->second)).first->second;
    if (beat != watched.beat) {
      watched.beat = beat;
      watched.missed = 0;
      if (std::exchange(watched.suspected, false)) {
        effects.push_back({WatcherEffect::Kind::kTrust, node.name, node.epoch});
      }
    } else if (interval == Interval::kTooLong) {
      watched.missed = 0;
    } else if (interval == Interval::kCounts) {
      count(node, watched, effects);
    }
  }
  watched_ = std::move(now);
  return effects;
}

void Watcher::count(const NodeSeen& node, Watched& watched,
                    std::vector<WatcherEffect>& effects) const {
  ++watched.missed;
  if (watched.missed >= options_.suspect_after && !std::exchange(watched.suspected, true)) {
    effects.push_back({WatcherEffect::Kind::kSuspect, node.name, node.epoch});
  }
  if (watched.missed >= options_.fail_after) {
    effects.push_back({WatcherEffect::Kind::kDeclareDead, node.name, node.epoch});
  }
}

bool Watcher::suspects(const std::string& node) const {
  const auto found = watched_.find(node);
  return found != watched_.end() && found->second.suspected;
}

}  // namespace kelpie::cluster
