// Rng: randomness in streams that are forked by label, so that a new draw in one module does
// not shift another's.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kelpie::world {

// xoshiro256++ (Blackman, Vigna 2019). Integers only: no floating point, no <random>.
class Rng {
 public:
  explicit Rng(uint64_t seed);
  // A stream of its own, a function of this stream's seed and the label; draws nothing here.
  [[nodiscard]] Rng fork(std::string_view label) const;

  uint64_t next();
  // Uniform in [0, bound); bound > 0 (Lemire's multiply-shift, unbiased).
  uint64_t below(uint64_t bound);
  // Uniform in [low, high].
  int64_t between(int64_t low, int64_t high);
  // True in `numerator` of `denominator` draws.
  bool chance(uint64_t numerator, uint64_t denominator);
  // A version 4 UUID (RFC 9562), lower case, with hyphens.
  std::string uuid();

 private:
  uint64_t seed_;
  std::array<uint64_t, 4> state_;
};

}  // namespace kelpie::world
