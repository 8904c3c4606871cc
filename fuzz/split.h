// Cutting a fuzzer's input into pieces as its first bytes say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kelpie::fuzz {

// A rule that gives the length of each next piece, 1 to 64 bytes.
class Splitter {
 public:
  explicit Splitter(uint64_t seed) : state_(seed | 1) {}
  size_t next(size_t left) {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    const size_t length = state_ % 64 < 40 ? 1 + state_ % 3 : 1 + state_ % 64;
    return length < left ? length : left;
  }

 private:
  uint64_t state_;
};

// Takes the two bytes that choose the pieces off the front.
inline Splitter take_splitter(std::string_view& input) {
  uint64_t seed = 0x9e3779b9;
  for (int i = 0; i < 2 && !input.empty(); ++i) {
    seed = seed * 257 + static_cast<unsigned char>(input[0]);
    input.remove_prefix(1);
  }
  return Splitter(seed);
}

}  // namespace kelpie::fuzz
