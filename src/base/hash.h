// Hashes that are equal on every machine and in every process.
#pragma once

#include <cstdint>
#include <string_view>

namespace kelpie::base {

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection that mixes all bits.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// FNV-1a over the bytes, then mixed. Not for adversaries.
constexpr uint64_t hash64(std::string_view bytes, uint64_t seed = 0) {
  uint64_t h = 0xcbf29ce484222325ULL ^ seed;
  for (char c : bytes) {
    h ^= static_cast<unsigned char>(c);
    h *= 0x100000001b3ULL;
  }
  return mix64(h);
}

// CRC-32C (Castagnoli), as stored beside chunked values.
uint32_t crc32c(std::string_view bytes, uint32_t initial = 0);

}  // namespace kelpie::base
