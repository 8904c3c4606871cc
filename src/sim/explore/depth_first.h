// DepthFirst: walks the tree of all decisions of a program that is run again and again. The
// explorer's core; knows nothing of what it runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "sim/choices.h"
#include "sim/explore/explorer.h"
#include "sim/scheduler.h"

namespace kelpie::sim {

struct DepthFirstOptions {
  std::span<const std::string_view> decisions;  // labels, besides the order of work
  Reduction reduction = Reduction::kNone;
  size_t choices_max = 0;
};

// One thread. A run: `begin_run`, the program, `next`.
class DepthFirst final : public Decider, public ReadyListener {
 public:
  explicit DepthFirst(DepthFirstOptions options);

  void begin_run();
  // Outside, every decision is the first alternative and none of the tree's.
  void set_active(bool active) { active_ = active; }
  // On to the next tape; false when there is none.
  bool next();

  // This run stands for none that another does not: end it.
  [[nodiscard]] bool redundant() const { return redundant_; }
  // This run needs more decisions than it may.
  [[nodiscard]] bool truncated() const { return truncated_; }
  // The program decided something else after the same decisions: it is not deterministic.
  [[nodiscard]] bool diverged() const { return diverged_; }
  [[nodiscard]] bool ended() const { return redundant_ || truncated_ || diverged_; }
  // Of this run, so far.
  [[nodiscard]] Tape tape() const;

  uint64_t decide(uint64_t label_hash, uint64_t bound) override;
  void ready(std::span<const ReadyWork> works) override;

 private:
  struct Node {
    Choice choice;
    // Alternatives that other runs stand for; empty: none.
    std::vector<bool> asleep;
  };

  uint64_t decide_order(uint64_t label_hash, uint64_t bound);
  uint64_t visit(uint64_t label_hash, uint64_t bound, std::vector<bool> asleep);
  [[nodiscard]] bool is_asleep(const ReadyWork& work) const;
  // The work at `chosen` runs; those before it have been explored in its place.
  void fall_asleep(size_t chosen);

  DepthFirstOptions options_;
  std::set<uint64_t> explored_;  // hashes of labels
  std::vector<Node> path_;
  size_t at_ = 0;
  bool active_ = false;
  bool redundant_ = false;
  bool truncated_ = false;
  bool diverged_ = false;
  std::vector<ReadyWork> ready_;
  // Sleep set: work that is ready, and whose turn now would only repeat another run.
  std::vector<ReadyWork> asleep_;
};

}  // namespace kelpie::sim
