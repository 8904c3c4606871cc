// Choices: every decision of a simulation passes through one tape, drawn from streams that are
// forked by label, so that a new draw in one place does not shift another's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
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

// The decisions of one stream, in order, and those of all streams by label. Kept by stream they
// outlive a change of the code under test better than in one sequence: what is drawn in one place
// does not shift another's.
struct Decision {
  uint64_t bound = 0;
  uint64_t value = 0;
  bool operator==(const Decision&) const = default;
};
using StreamTapes = std::map<std::string, std::vector<Decision>, std::less<>>;

using StreamLabels = std::map<uint64_t, std::string>;
// The first `count` decisions of a tape, or all, by stream. Every label hash is in `labels`.
StreamTapes by_stream(const Tape& tape, const StreamLabels& labels, size_t count);

// What decides when a stream's tape has ended.
enum class Beyond : uint8_t {
  kDraw,  // the seed
  kMild,  // the first alternative, and no chance strikes
};

struct ChoiceOptions {
  bool record = false;
  std::optional<StreamTapes> tapes = std::nullopt;  // none: all is drawn
  Beyond beyond = Beyond::kDraw;
};

class Choices;

// A labelled stream of decisions; lives as long as its Choices.
class ChoiceStream {
 public:
  // Uniform in [0, bound); bound > 0. A bound of one decides nothing and leaves no trace.
  uint64_t choose(uint64_t bound);
  // Uniform in [low, high].
  int64_t between(int64_t low, int64_t high);
  Duration between(Duration low, Duration high);
  // True in `per_million` of a million draws; zero draws nothing. A Decider is asked yes or no
  // instead, with 0 for no, unless it is certain.
  bool chance(uint64_t per_million);

 private:
  friend class Choices;
  ChoiceStream(Choices& choices, std::string_view label, world::Rng rng);
  Choices& choices_;
  uint64_t label_hash_;
  world::Rng rng_;
  const std::vector<Decision>* taped_ = nullptr;
  size_t taped_at_ = 0;
};

// Decides in place of the seed, where a space of decisions is explored. Zero is what is usual.
class Decider {
 public:
  Decider() = default;
  Decider(const Decider&) = delete;
  Decider& operator=(const Decider&) = delete;
  virtual ~Decider() = default;

  // In [0, bound), bound > 1. `label_hash` is hash64 of the stream's label.
  virtual uint64_t decide(uint64_t label_hash, uint64_t bound) = 0;
};

// One per run, one thread. The streams of one label are one stream.
class Choices {
 public:
  explicit Choices(uint64_t seed, ChoiceOptions options = {});
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
  void record() { options_.record = true; }
  [[nodiscard]] const Tape& tape() const { return tape_; }
  // Of all streams so far, by their hash.
  [[nodiscard]] StreamLabels labels() const;
  // Decisions come from this tape instead, in order, until it ends or no longer fits what is
  // asked; from there on they are drawn.
  void replay(Tape tape);
  // From now on the seed decides nothing but what is forked, and nothing is recorded. `decider`
  // outlives every decision.
  void set_decider(Decider& decider) { decider_ = &decider; }

 private:
  friend class ChoiceStream;
  // `mild` is what Beyond::kMild takes.
  uint64_t decide(ChoiceStream& stream, uint64_t bound, uint64_t mild);
  uint64_t decide_off_tape(ChoiceStream& stream, uint64_t bound, uint64_t mild);

  uint64_t seed_;
  ChoiceOptions options_;
  world::Rng root_;
  std::map<std::string, ChoiceStream, std::less<>> streams_;
  Tape tape_;
  Tape replayed_;
  size_t replay_at_ = 0;
  Decider* decider_ = nullptr;
};

}  // namespace kelpie::sim
