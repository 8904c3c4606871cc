#include "base/hash.h"

#include <gtest/gtest.h>

#include <string>

namespace kelpie::base {
namespace {

TEST(Mix64, IsTheFirstOutputOfSplitMix64) {
  // Published first outputs of the generator seeded with 0 and with 1234567.
  EXPECT_EQ(mix64(0), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(mix64(1234567), 6457827717110365317ULL);
}

TEST(Hash64, IsTheSameInEveryProcess) {
  // FNV-1a's offset basis and its value for "a" are published; the finaliser is tested above.
  EXPECT_EQ(hash64(""), mix64(0xcbf29ce484222325ULL));
  EXPECT_EQ(hash64("a"), mix64(0xaf63dc4c8601ec8cULL));
}

TEST(Hash64, DependsOnTheSeedAndOnEveryByte) {
  EXPECT_NE(hash64("actor", 1), hash64("actor", 2));
  EXPECT_NE(hash64("actor"), hash64("actos"));
  EXPECT_NE(hash64(std::string("a\0b", 3)), hash64(std::string("a\0c", 3)));
  EXPECT_NE(hash64("\xff"), hash64("\x7f"));
}

TEST(Crc32c, MatchesThePublishedVectors) {
  EXPECT_EQ(crc32c(""), 0U);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
}

TEST(Crc32c, ContinuesFromAnEarlierPart) {
  const std::string text = "a value over the limit is chunked, and each chunk is checked";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text)) << cut;
  }
}

TEST(Crc32c, SeesEverySingleFlippedBit) {
  std::string text = "acknowledged";
  const uint32_t before = crc32c(text);
  for (char& byte : text) {
    for (int bit = 0; bit < 8; ++bit) {
      const char kept = byte;
      byte = static_cast<char>(byte ^ (1 << bit));
      EXPECT_NE(crc32c(text), before);
      byte = kept;
    }
  }
}

}  // namespace
}  // namespace kelpie::base
