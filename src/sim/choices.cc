#include "sim/choices.h"

#include <utility>

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::sim {

ChoiceStream::ChoiceStream(Choices& choices, std::string_view label, world::Rng rng)
    : choices_(choices), label_hash_(base::hash64(label)), rng_(rng) {}

uint64_t ChoiceStream::choose(uint64_t bound) {
  CHECK(bound > 0);
  return bound == 1 ? 0 : choices_.decide(label_hash_, bound, rng_);
}

int64_t ChoiceStream::between(int64_t low, int64_t high) {
  CHECK(low <= high);
  return low + static_cast<int64_t>(choose(static_cast<uint64_t>(high - low) + 1));
}

Duration ChoiceStream::between(Duration low, Duration high) {
  return Duration::nanos(between(low.nanos(), high.nanos()));
}

bool ChoiceStream::chance(uint64_t per_million) {
  return per_million > 0 && choose(1'000'000) < per_million;
}

Choices::Choices(uint64_t seed) : seed_(seed), root_(seed) {}

ChoiceStream& Choices::stream(std::string_view label) {
  const auto found = streams_.find(label);
  if (found != streams_.end()) {
    return found->second;
  }
  return streams_.emplace(std::string(label), ChoiceStream(*this, label, root_.fork(label)))
      .first->second;
}

bool Choices::seed_has(std::string_view site, uint64_t per_million) const {
  return base::hash64(site, base::mix64(seed_)) % 1'000'000 < per_million;
}

void Choices::replay(Tape tape) {
  replayed_ = std::move(tape);
  replay_at_ = 0;
}

uint64_t Choices::decide(uint64_t label_hash, uint64_t bound, world::Rng& rng) {
  uint64_t value = 0;
  const bool fits = replay_at_ < replayed_.size() &&
                    replayed_[replay_at_].label_hash == label_hash &&
                    replayed_[replay_at_].bound == bound;
  if (fits) {
    value = replayed_[replay_at_++].value;
  } else {
    replay_at_ = replayed_.size();
    value = rng.below(bound);
  }
  CHECK(value < bound);
  if (recording_) {
    tape_.push_back(Choice{label_hash, bound, value});
  }
  return value;
}

}  // namespace kelpie::sim
