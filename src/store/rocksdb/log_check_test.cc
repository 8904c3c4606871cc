#include "store/rocksdb/log_check.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "base/hash.h"
#include "world/rng.h"

namespace kelpie::store {
namespace {

// Writes logs as RocksDB does.
class LogWriter {
 public:
  // A batch of `size` bytes behind its sequence number.
  void batch(size_t size) {
    Bytes payload;
    ++sequence_;
    for (int i = 0; i < 8; ++i) {
      payload += static_cast<char>(sequence_ >> (8 * i));
    }
    payload += Bytes(size, static_cast<char>('a' + sequence_ % 26));
    for (bool first = true; first || !payload.empty(); first = false) {
      size_t left = 32'768 - log.size() % 32'768;
      if (left < 7) {
        log.append(left, '\0');
        left = 32'768;
      }
      const size_t part = std::min(left - 7, payload.size());
      const bool last = part == payload.size();
      record(first ? (last ? 1 : 2) : (last ? 4 : 3), payload.substr(0, part));
      payload.erase(0, part);
    }
  }
  Bytes log;

 private:
  void record(char type, const Bytes& payload) {
    const uint32_t crc = base::crc32c(type + payload);
    const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
    for (int i = 0; i < 4; ++i) {
      log += static_cast<char>(masked >> (8 * i));
    }
    log += static_cast<char>(payload.size() & 0xff);
    log += static_cast<char>(payload.size() >> 8);
    log += type;
    log += payload;
  }
  uint64_t sequence_ = 0;
};

Bytes log_of(std::initializer_list<size_t> sizes) {
  LogWriter writer;
  for (size_t size : sizes) {
    writer.batch(size);
  }
  return writer.log;
}

TEST(LogCheck, AcceptsSoundLogs) {
  EXPECT_EQ(damage_before_a_batch(""), std::nullopt);
  EXPECT_EQ(damage_before_a_batch(log_of({10})), std::nullopt);
  EXPECT_EQ(damage_before_a_batch(log_of({10, 40'000, 3, 100'000, 32'700, 1})), std::nullopt);
}

TEST(LogCheck, AcceptsAnyTornOrGarbledLastBatch) {
  const Bytes before = log_of({100, 200});
  const Bytes whole = log_of({100, 200, 70'000});
  world::Rng rng(7);
  for (int round = 0; round < 50; ++round) {
    const size_t from = before.size() + rng.below(whole.size() - before.size());
    EXPECT_EQ(damage_before_a_batch(whole.substr(0, from)), std::nullopt);
    Bytes garbled = whole;
    for (size_t i = from; i < garbled.size(); ++i) {
      garbled[i] = static_cast<char>(rng.below(256));
    }
    EXPECT_EQ(damage_before_a_batch(garbled), std::nullopt) << from;
  }
}

TEST(LogCheck, FindsDamageBeforeTheLastBatchWhereverItIs) {
  const Bytes before = log_of({100, 40'000, 300});
  const Bytes whole = log_of({100, 40'000, 300, 50});
  world::Rng rng(8);
  for (int round = 0; round < 200; ++round) {
    Bytes damaged = whole;
    const size_t at = rng.below(before.size());
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
    const auto found = damage_before_a_batch(damaged);
    ASSERT_TRUE(found.has_value()) << at;
    EXPECT_LE(*found, at);
  }
}

TEST(LogCheck, FindsWhereATornTailStarts) {
  const Bytes before = log_of({100, 200});
  const Bytes whole = log_of({100, 200, 500, 20});
  EXPECT_EQ(torn_tail(before), std::nullopt);
  EXPECT_EQ(torn_tail(before + whole.substr(before.size(), 300)), before.size());
  EXPECT_EQ(torn_tail(before + Bytes(30, 'x')), before.size());
  Bytes damaged = whole;
  damaged[before.size() + 50] ^= 1;
  EXPECT_EQ(torn_tail(damaged), std::nullopt);
}

}  // namespace
}  // namespace kelpie::store
