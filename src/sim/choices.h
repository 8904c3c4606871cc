// Choices: every decision of a simulation passes through one tape, drawn from streams that are
// forked by label, so that a new draw in one place does not shift another's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "world/rng.h"

namespace kelpie::sim {

// One decision: an alternative out of `bound`.
struct Choice {
  uint64_t label_hash = 0;
  uint64_t bound = 0;
  uint64_t value = 0;
  bool operator==(const Choice&) const = default;
};
using Tape = std::vector<Choice>;

class Choices;

// A labelled stream of decisions; lives as long as its Choices.
class ChoiceStream {
 public:
  // Uniform in [0, bound); bound > 0. A bound of one decides nothing and leaves no trace.
  uint64_t choose(uint64_t bound);
  // Uniform in [low, high].
  int64_t between(int64_t low, int64_t high);
  Duration between(Duration low, Duration high);
  // True in `per_million` of a million draws; zero draws nothing.
  bool chance(uint64_t per_million);

 private:
  friend class Choices;
  ChoiceStream(Choices& choices, std::string_view label, world::Rng rng);
  Choices& choices_;
  uint64_t label_hash_;
  world::Rng rng_;
};

// One per run, one thread. The streams of one label are one stream.
class Choices {
 public:
  explicit Choices(uint64_t seed);
  Choices(const Choices&) = delete;
  Choices& operator=(const Choices&) = delete;

  [[nodiscard]] uint64_t seed() const { return seed_; }
  ChoiceStream& stream(std::string_view label);
  uint64_t choose(std::string_view label, uint64_t bound) { return stream(label).choose(bound); }
  // A source of raw random numbers for production code, forked by label.
  [[nodiscard]] world::Rng fork(std::string_view label) const { return root_.fork(label); }
  // A property of the whole run: true in `per_million` of all seeds, independent of any order.
  [[nodiscard]] bool seed_has(std::string_view site, uint64_t per_million) const;

  // From now on decisions are kept.
  void record() { recording_ = true; }
  [[nodiscard]] const Tape& tape() const { return tape_; }
  // Decisions come from this tape instead, in order, until it ends or no longer fits what is
  // asked; from there on they are drawn.
  void replay(Tape tape);

 private:
  friend class ChoiceStream;
  uint64_t decide(uint64_t label_hash, uint64_t bound, world::Rng& rng);

  uint64_t seed_;
  world::Rng root_;
  std::map<std::string, ChoiceStream, std::less<>> streams_;
  bool recording_ = false;
  Tape tape_;
  Tape replayed_;
  size_t replay_at_ = 0;
};

}  // namespace kelpie::sim
