#include "store/chunked.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "async/manual_loop.h"
#include "base/limits.h"
#include "codec/tuple.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/test_world.h"

namespace kelpie::store {
namespace {

class ChunkedTest : public ::testing::Test {
 protected:
  static Task<Version> write(Database& database, Bytes key, Bytes value) {
    const auto transaction = database.begin();
    co_await set_chunked(*transaction, std::move(key), std::move(value));
    co_return co_await transaction->commit();
  }
  static Task<Version> erase(Database& database, Bytes key) {
    const auto transaction = database.begin();
    co_await clear_chunked(*transaction, std::move(key));
    co_return co_await transaction->commit();
  }
  static Task<std::optional<Bytes>> read(Database& database, Bytes key) {
    const auto transaction = database.begin();
    co_return co_await get_chunked(*transaction, std::move(key));
  }
  static Task<std::vector<KeyValue>> rows(Database& database) {
    const auto transaction = database.begin();
    RangePage page =
        co_await transaction->get_range({.range = {"", "\xff"}, .bytes_max = 100'000'000});
    co_return std::move(page.rows);
  }
  std::vector<KeyValue> rows() { return loop_.run(rows(database_)).value(); }
  Result<Version> write(Bytes value) { return loop_.run(write(database_, key_, std::move(value))); }
  Result<std::optional<Bytes>> read() { return loop_.run(read(database_, key_)); }
  // Writes a row behind the back of the functions under test.
  void overwrite(Bytes key, std::optional<Bytes> value) {
    const auto transaction = database_.begin();
    if (value) {
      transaction->set(std::move(key), std::move(*value));
    } else {
      transaction->clear(std::move(key));
    }
    ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  }
  static Bytes pattern(size_t size) {
    Bytes value(size, '\0');
    for (size_t i = 0; i < size; ++i) {
      value[i] = static_cast<char>(i * 31 + i / 251);
    }
    return value;
  }

  const Bytes key_ = std::move(codec::TuplePacker().string("config")).take();
  async::ManualLoop loop_;
  testing::TestWorld test_{loop_};
  MemoryBackend backend_;
  LocalDatabase database_{test_.world, backend_};
};

TEST_F(ChunkedTest, ReadsBackValuesOfAllSizes) {
  EXPECT_EQ(read().value(), std::nullopt);
  for (size_t size : {size_t{0}, size_t{1}, base::kChunkBytes, base::kChunkBytes + 1,
                      2 * base::kChunkBytes, size_t{1'000'000}, base::kChunkedValueBytesMax}) {
    ASSERT_TRUE(write(pattern(size)).ok()) << size;
    EXPECT_EQ(read().value(), pattern(size)) << size;
  }
}

TEST_F(ChunkedTest, TakesExactlyOneRowForASmallValue) {
  ASSERT_TRUE(write(pattern(500'000)).ok());
  EXPECT_EQ(rows().size(), 7U);
  ASSERT_TRUE(write("small").ok());
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows()[0].key, key_);
  EXPECT_EQ(read().value(), "small");
}

TEST_F(ChunkedTest, KeepsTheKeysOfChunksTuples) {
  ASSERT_TRUE(write(pattern(200'000)).ok());
  for (const KeyValue& row : rows()) {
    const auto elements = codec::unpack_tuple(row.key);
    ASSERT_TRUE(elements.ok());
    EXPECT_EQ(elements->front().bytes, "config");
  }
}

TEST_F(ChunkedTest, RemovesTheValueWithItsChunksAndNothingElse) {
  const Bytes child = key_ + std::move(codec::TuplePacker().string("child")).take();
  overwrite(child, "kept");
  ASSERT_TRUE(write(pattern(200'000)).ok());
  ASSERT_TRUE(loop_.run(erase(database_, key_)).ok());
  ASSERT_EQ(rows().size(), 1U);
  EXPECT_EQ(rows()[0].key, child);
}

TEST_F(ChunkedTest, RefusesAValueOverTheLimitBySizeAndLimit) {
  const auto refused = write(Bytes(base::kChunkedValueBytesMax + 1, 'x'));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Code::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("9000001"), std::string::npos);
  EXPECT_NE(refused.error().message.find("9000000"), std::string::npos);
  EXPECT_TRUE(rows().empty());
}

TEST_F(ChunkedTest, ReportsAMissingOrDamagedChunkAsDataLoss) {
  const Bytes value = pattern(200'000);
  ASSERT_TRUE(write(value).ok());
  const std::vector<KeyValue> good = rows();
  ASSERT_EQ(good.size(), 4U);
  for (const KeyValue& row : good) {
    Bytes damaged = row.value;
    damaged.back() = static_cast<char>(damaged.back() ^ 1);
    overwrite(row.key, damaged);
    EXPECT_EQ(read().error().code, Code::kDataLoss);
    overwrite(row.key, row.value.substr(0, row.value.size() - 1));
    EXPECT_EQ(read().error().code, Code::kDataLoss);
    if (row.key != key_) {
      overwrite(row.key, std::nullopt);
      EXPECT_EQ(read().error().code, Code::kDataLoss);
    }
    overwrite(row.key, row.value);
    EXPECT_EQ(read().value(), value);
  }
  overwrite(key_, "\x07 of no known format");
  EXPECT_EQ(read().error().code, Code::kDataLoss);
}

// The rows of three values, a small one, one of chunks and an empty one, whose keys lie side by
// side.
class ChunkAssemblerTest : public ChunkedTest {
 protected:
  void SetUp() override {
    const auto transaction = database_.begin();
    for (const KeyValue& value : values_) {
      ASSERT_TRUE(loop_.run(set_chunked(*transaction, value.key, value.value)).ok());
    }
    ASSERT_TRUE(loop_.run(transaction->commit()).ok());
    rows_ = rows();
    ASSERT_EQ(rows_.size(), 6U);
  }
  static Bytes key(int64_t number) {
    return std::move(codec::TuplePacker().string("v").integer(number)).take();
  }
  static Result<std::vector<KeyValue>> assemble(std::vector<KeyValue> rows) {
    std::vector<KeyValue> values;
    ChunkAssembler assembler;
    for (KeyValue& row : rows) {
      std::optional<KeyValue> value = TRY(assembler.take(std::move(row)));
      if (value) {
        values.push_back(std::move(*value));
      }
    }
    TRY(assembler.finish());
    return values;
  }
  static Code failure(std::vector<KeyValue> rows) { return assemble(std::move(rows)).error().code; }

  // Of the chunked value among rows_: its manifest, then its chunks.
  static constexpr size_t kManifestRow = 1;
  static constexpr size_t kChunkRow = 2;
  const std::vector<KeyValue> values_ = {
      {key(1), "small"}, {key(2), pattern(200'000)}, {key(300), ""}};
  std::vector<KeyValue> rows_;
};

TEST_F(ChunkAssemblerTest, PutsTheValuesOfARangeTogether) {
  EXPECT_EQ(assemble(rows_).value(), values_);
  EXPECT_TRUE(assemble({}).value().empty());
}

TEST_F(ChunkAssemblerTest, ReportsAnyRowLeftOutOfAChunkedValueAsDataLoss) {
  for (size_t left_out = kManifestRow; left_out < kManifestRow + 4; ++left_out) {
    std::vector<KeyValue> rows = rows_;
    rows.erase(rows.begin() + static_cast<ptrdiff_t>(left_out));
    EXPECT_EQ(failure(rows), Code::kDataLoss) << left_out;
  }
}

TEST_F(ChunkAssemblerTest, ReportsRowsThatEndInsideAValueAsDataLoss) {
  for (size_t count = kManifestRow + 1; count < kManifestRow + 4; ++count) {
    EXPECT_EQ(failure({rows_.begin(), rows_.begin() + static_cast<ptrdiff_t>(count)}),
              Code::kDataLoss)
        << count;
  }
}

TEST_F(ChunkAssemblerTest, ReportsAnyDamagedByteOfAChunkedValueAsDataLoss) {
  for (size_t row = kManifestRow; row < kManifestRow + 4; ++row) {
    const size_t size = rows_[row].value.size();
    for (size_t at = 0; at < size; at += std::max<size_t>(1, size / 17)) {
      std::vector<KeyValue> rows = rows_;
      rows[row].value[at] = static_cast<char>(rows[row].value[at] ^ 4);
      EXPECT_EQ(failure(rows), Code::kDataLoss) << row << " " << at;
    }
    std::vector<KeyValue> rows = rows_;
    rows[row].value.pop_back();
    EXPECT_EQ(failure(rows), Code::kDataLoss) << row;
    rows[row].value.clear();
    EXPECT_EQ(failure(rows), Code::kDataLoss) << row;
  }
}

TEST_F(ChunkAssemblerTest, TakesNoChunkOfAnotherGenerationForItsOwn) {
  Bytes other = pattern(200'000);
  other[5] = 'x';
  const auto transaction = database_.begin();
  ASSERT_TRUE(loop_.run(set_chunked(*transaction, key(2), std::move(other))).ok());
  ASSERT_TRUE(loop_.run(transaction->commit()).ok());
  const std::vector<KeyValue> newer = rows();
  for (size_t row = kManifestRow; row < kManifestRow + 4; ++row) {
    std::vector<KeyValue> rows = rows_;
    rows[row] = newer[row];
    EXPECT_EQ(failure(rows), Code::kDataLoss) << row;
  }
  // Left beside the right ones, behind or before them.
  std::vector<KeyValue> both = rows_;
  both.insert(both.begin() + kChunkRow, newer[kChunkRow]);
  EXPECT_EQ(failure(both), Code::kDataLoss);
  both = rows_;
  both.insert(both.begin() + kChunkRow + 3, newer[kChunkRow + 2]);
  EXPECT_EQ(failure(both), Code::kDataLoss);
}

TEST_F(ChunkAssemblerTest, ReportsARowOfNoKnownFormatAsDataLoss) {
  EXPECT_EQ(failure({{key(1), ""}}), Code::kDataLoss);
  EXPECT_EQ(failure({{key(1), "\x09what"}}), Code::kDataLoss);
}

TEST_F(ChunkAssemblerTest, ARangeOfValuesHoldsTheChunksOfItsLastAndNothingBehindThem) {
  const auto transaction = database_.begin();
  RangeRead read{.range = chunked_range(key(1), key(2)), .bytes_max = 1'000'000};
  const RangePage page = loop_.run(transaction->get_range(std::move(read))).value();
  EXPECT_EQ(page.rows, std::vector<KeyValue>(rows_.begin(), rows_.end() - 1));
}

}  // namespace
}  // namespace kelpie::store
