#include "world/rng.h"

#include "base/check.h"
#include "base/hash.h"

namespace kelpie::world {
namespace {

constexpr uint64_t rotate_left(uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

}  // namespace

Rng::Rng(uint64_t seed) : seed_(seed) {
  uint64_t x = seed;
  for (uint64_t& word : state_) {
    x += 0x9e3779b97f4a7c15ULL;
    word = base::mix64(x);
  }
}

Rng Rng::fork(std::string_view label) const { return Rng(base::hash64(label, seed_)); }

uint64_t Rng::next() {
  const uint64_t result = rotate_left(state_[0] + state_[3], 23) + state_[0];
  const uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = rotate_left(state_[3], 45);
  return result;
}

uint64_t Rng::below(uint64_t bound) {
  CHECK(bound > 0);
  auto product = static_cast<unsigned __int128>(next()) * bound;
  auto low = static_cast<uint64_t>(product);
  if (low < bound) {
    const uint64_t threshold = -bound % bound;
    while (low < threshold) {
      product = static_cast<unsigned __int128>(next()) * bound;
      low = static_cast<uint64_t>(product);
    }
  }
  return static_cast<uint64_t>(product >> 64);
}

int64_t Rng::between(int64_t low, int64_t high) {
  CHECK(low <= high);
  // Unsigned, because the width of a range can exceed what is signed.
  const uint64_t width = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const uint64_t offset = width == UINT64_MAX ? next() : below(width + 1);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
}

bool Rng::chance(uint64_t numerator, uint64_t denominator) {
  return below(denominator) < numerator;
}

std::string Rng::uuid() {
  constexpr char kDigits[] = "0123456789abcdef";
  const uint64_t high = (next() & 0xffffffffffff0fffULL) | 0x4000ULL;
  const uint64_t low = (next() & 0x3fffffffffffffffULL) | 0x8000000000000000ULL;
  std::string text;
  text.reserve(36);
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) {
      text += '-';
    }
    const uint64_t word = nibble < 16 ? high : low;
    text += kDigits[(word >> (60 - 4 * (nibble % 16))) & 15];
  }
  return text;
}

}  // namespace kelpie::world
