#include "sim/choices.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::sim {
ChoiceStream::ChoiceStream(Choices& choices, std::string_view label, world::Rng rng)
    : choices_(choices), label_hash_(base::hash64(label)), rng_(rng) {}

uint64_t ChoiceStream::choose(uint64_t bound) {
  CHECK(bound > 0);
  return bound == 1 ? 0 : choices_.decide(*this, bound, 0);
}

int64_t ChoiceStream::between(int64_t low, int64_t high) {
  CHECK(low <= high);
  return low + static_cast<int64_t>(choose(static_cast<uint64_t>(high - low) + 1));
}

Duration ChoiceStream::between(Duration low, Duration high) {
  return Duration::nanos(between(low.nanos(), high.nanos()));
}

bool ChoiceStream::chance(uint64_t per_million) {
  constexpr uint64_t kCertain = 1'000'000;
  if (choices_.decider_ != nullptr) {
    return per_million >= kCertain || (per_million > 0 && choose(2) == 1);
  }
  return per_million > 0 && choices_.decide(*this, kCertain, kCertain - 1) < per_million;
}

Choices::Choices(uint64_t seed, ChoiceOptions options)
    : seed_(seed), options_(std::move(options)), root_(seed) {}

ChoiceStream& Choices::stream(std::string_view label) {
  const auto found = streams_.find(label);
  if (found != streams_.end()) {
    return found->second;
  }
  ChoiceStream& made =
      streams_.emplace(std::string(label), ChoiceStream(*this, label, root_.fork(label)))
          .first->second;
  if (options_.tapes) {
    const auto taped = options_.tapes->find(label);
    made.taped_ = taped == options_.tapes->end() ? nullptr : &taped->second;
  }
  return made;
}

StreamLabels Choices::labels() const {
  StreamLabels labels;
  for (const auto& [label, stream] : streams_) {
    labels.emplace(stream.label_hash_, label);
  }
  return labels;
}

StreamTapes by_stream(const Tape& tape, const StreamLabels& labels, size_t count) {
  StreamTapes tapes;
  for (size_t i = 0; i < std::min(count, tape.size()); ++i) {
    tapes[labels.at(tape[i].label_hash)].push_back(Decision{tape[i].bound, tape[i].value});
  }
  return tapes;
}

bool Choices::seed_has(std::string_view site, uint64_t per_million) const {
  return base::hash64(site, base::mix64(seed_)) % 1'000'000 < per_million;
}

void Choices::replay(Tape tape) {
  replayed_ = std::move(tape);
  replay_at_ = 0;
}

uint64_t Choices::decide_off_tape(ChoiceStream& stream, uint64_t bound, uint64_t mild) {
  if (stream.taped_ != nullptr && stream.taped_at_ < stream.taped_->size()) {
    // Another bound than when it was recorded: the code has changed; stay as near as can be.
    return (*stream.taped_)[stream.taped_at_++].value % bound;
  }
  return options_.tapes && options_.beyond == Beyond::kMild ? mild : stream.rng_.below(bound);
}

uint64_t Choices::decide(ChoiceStream& stream, uint64_t bound, uint64_t mild) {
  if (decider_ != nullptr) {
    const uint64_t decided = decider_->decide(stream.label_hash_, bound);
    CHECK(decided < bound);
    return decided;
  }
  uint64_t value = 0;
  const bool fits = replay_at_ < replayed_.size() &&
                    replayed_[replay_at_].label_hash == stream.label_hash_ &&
                    replayed_[replay_at_].bound == bound;
  if (fits) {
    value = replayed_[replay_at_++].value;
  } else {
    replay_at_ = replayed_.size();
    value = decide_off_tape(stream, bound, mild);
  }
  CHECK(value < bound);
  if (options_.record) {
    tape_.push_back(Choice{stream.label_hash_, bound, value});
  }
  return value;
}

}  // namespace kelpie::sim
