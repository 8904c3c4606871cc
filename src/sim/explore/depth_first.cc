#include "sim/explore/depth_first.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::sim {
namespace {

constexpr std::string_view kOrder = "schedule/order";

// Whether the two, both ready, come to the same in either order.
bool commute(const ReadyWork& a, const ReadyWork& b) {
  return a.host != b.host && a.host.get() != 0 && b.host.get() != 0;
}

}  // namespace

DepthFirst::DepthFirst(DepthFirstOptions options) : options_(options) {
  for (const std::string_view label : options.decisions) {
    explored_.insert(base::hash64(label));
  }
}

void DepthFirst::begin_run() {
  at_ = 0;
  active_ = redundant_ = truncated_ = diverged_ = false;
  ready_.clear();
  asleep_.clear();
}

bool DepthFirst::next() {
  while (!path_.empty()) {
    Node& last = path_.back();
    do {
      ++last.choice.value;
    } while (last.choice.value < last.choice.bound && !last.asleep.empty() &&
             last.asleep[last.choice.value]);
    if (last.choice.value < last.choice.bound) {
      return true;
    }
    path_.pop_back();
  }
  return false;
}

Tape DepthFirst::tape() const {
  Tape tape;
  for (size_t i = 0; i < at_; ++i) {
    tape.push_back(path_[i].choice);
  }
  return tape;
}

void DepthFirst::ready(std::span<const ReadyWork> works) {
  if (!active_ || ended() || options_.reduction == Reduction::kNone) {
    return;
  }
  ready_.assign(works.begin(), works.end());
  if (works.size() > 1) {
    return;  // `decide` follows
  }
  if (is_asleep(works.front())) {
    redundant_ = true;
  } else {
    fall_asleep(0);
  }
}

uint64_t DepthFirst::decide(uint64_t label_hash, uint64_t bound) {
  if (!active_ || ended()) {
    return 0;
  }
  if (label_hash == base::hash64(kOrder)) {
    return decide_order(label_hash, bound);
  }
  return explored_.contains(label_hash) ? visit(label_hash, bound, {}) : 0;
}

uint64_t DepthFirst::decide_order(uint64_t label_hash, uint64_t bound) {
  if (options_.reduction == Reduction::kNone) {
    return visit(label_hash, bound, {});
  }
  CHECK(ready_.size() == bound);
  std::vector<bool> asleep;
  for (const ReadyWork& work : ready_) {
    asleep.push_back(is_asleep(work));
  }
  if (std::ranges::all_of(asleep, [](bool each) { return each; })) {
    redundant_ = true;
    return 0;
  }
  const uint64_t chosen = visit(label_hash, bound, std::move(asleep));
  fall_asleep(chosen);
  return chosen;
}

uint64_t DepthFirst::visit(uint64_t label_hash, uint64_t bound, std::vector<bool> asleep) {
  if (at_ == path_.size()) {
    if (path_.size() >= options_.choices_max) {
      truncated_ = true;
      return 0;
    }
    const auto first = std::ranges::find(asleep, false);
    const auto value = static_cast<uint64_t>(first - asleep.begin());
    path_.push_back(Node{Choice{label_hash, bound, value}, std::move(asleep)});
  }
  const Node& node = path_[at_];
  if (node.choice.label_hash != label_hash || node.choice.bound != bound) {
    diverged_ = true;
    return 0;
  }
  ++at_;
  return node.choice.value;
}

bool DepthFirst::is_asleep(const ReadyWork& work) const {
  return std::ranges::find(asleep_, work.sequence, &ReadyWork::sequence) != asleep_.end();
}

void DepthFirst::fall_asleep(size_t chosen) {
  for (size_t i = 0; i < chosen; ++i) {
    if (!is_asleep(ready_[i])) {
      asleep_.push_back(ready_[i]);
    }
  }
  std::erase_if(asleep_, [&](const ReadyWork& each) { return !commute(each, ready_[chosen]); });
}

}  // namespace kelpie::sim
