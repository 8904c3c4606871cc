#include "store/write_buffer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace kelpie::store {
namespace {

using Rows = std::vector<KeyValue>;
using Kind = PendingWrite::Kind;

std::optional<Bytes> read(const WriteBuffer& buffer, const Bytes& key,
                          const std::optional<Bytes>& base) {
  return buffer.apply(key, base).value();
}

TEST(WriteBuffer, ShowsTheDatabaseWhereItWroteNothing) {
  WriteBuffer buffer;
  EXPECT_TRUE(buffer.empty());
  EXPECT_TRUE(buffer.needs_base("k"));
  EXPECT_EQ(read(buffer, "k", "base"), "base");
}

TEST(WriteBuffer, KnowsWithoutTheDatabaseWhatWasSetOrCleared) {
  WriteBuffer buffer;
  buffer.set("sc", "under the range");
  buffer.clear_range({"sa", "t"});
  buffer.set("set", "v");
  buffer.clear("cleared");
  for (const char* key : {"set", "cleared", "sb"}) {
    EXPECT_FALSE(buffer.needs_base(key)) << key;
  }
  EXPECT_TRUE(buffer.needs_base("t"));
  EXPECT_EQ(read(buffer, "set", "base"), "v");
  EXPECT_EQ(read(buffer, "sc", "base"), std::nullopt);
  EXPECT_EQ(read(buffer, "cleared", "base"), std::nullopt);
}

TEST(WriteBuffer, FoldsAnAtomicOperationOverAKnownValue) {
  WriteBuffer buffer;
  buffer.set("k", "\x01");
  buffer.atomic(AtomicOp::kAdd, "k", "\x02");
  EXPECT_FALSE(buffer.needs_base("k"));
  EXPECT_EQ(read(buffer, "k", std::nullopt), "\x03");
  CommitRequest request;
  buffer.drain_into(request);
  ASSERT_EQ(request.writes.size(), 1U);
  EXPECT_EQ(request.writes[0].kind, Kind::kSet);
}

TEST(WriteBuffer, KeepsAtomicOperationsOverAnUnknownValueInOrder) {
  WriteBuffer buffer;
  buffer.atomic(AtomicOp::kAdd, "k", "\x02");
  buffer.atomic(AtomicOp::kBitXor, "k", "\x01");
  EXPECT_TRUE(buffer.needs_base("k"));
  EXPECT_EQ(read(buffer, "k", "\x04"), "\x07");
  CommitRequest request;
  buffer.drain_into(request);
  ASSERT_EQ(request.writes.size(), 2U);
  EXPECT_EQ(request.writes[0].op, AtomicOp::kAdd);
  EXPECT_EQ(request.writes[1].op, AtomicOp::kBitXor);
}

TEST(WriteBuffer, LaysItsWritesOverAPageOfTheDatabase) {
  WriteBuffer buffer;
  buffer.set("a", "new");
  buffer.atomic(AtomicOp::kAppendIfFits, "c", "+");
  buffer.atomic(AtomicOp::kCompareAndClear, "d", "4");
  buffer.clear_range({"e", "g"});
  buffer.set("f", "6");
  buffer.set("outside", "x");
  const Rows base = {{"b", "2"}, {"c", "3"}, {"d", "4"}, {"e", "5"}, {"g", "7"}};
  const Rows expected = {{"a", "new"}, {"b", "2"}, {"c", "3+"}, {"f", "6"}, {"g", "7"}};
  EXPECT_EQ(buffer.apply(KeyRange{"a", "h"}, base).value(), expected);
}

TEST(WriteBuffer, JoinsClearedRangesAndDropsTheWritesUnderThem) {
  WriteBuffer buffer;
  buffer.set("c", "gone");
  buffer.clear_range({"a", "c"});
  buffer.clear_range({"e", "g"});
  buffer.clear_range({"c", "e"});
  buffer.clear_range({"x", "y"});
  buffer.clear_range({"y", "x"});
  CommitRequest request;
  buffer.drain_into(request);
  const std::vector<KeyRange> expected = {{"a", "g"}, {"x", "y"}};
  EXPECT_EQ(request.cleared, expected);
  EXPECT_TRUE(request.writes.empty());
  EXPECT_TRUE(buffer.empty());
}

TEST(WriteBuffer, RefusesToReadWhereAStampWillBe) {
  WriteBuffer buffer;
  buffer.set_versionstamped_key("log/" + Bytes(10, '\0'), 4, "v");
  buffer.set_versionstamped_value("value", Bytes(10, '\0'), 0);
  EXPECT_FALSE(buffer.apply("value", std::nullopt).ok());
  EXPECT_FALSE(buffer.apply("log/" + Bytes(10, '\x11'), std::nullopt).ok());
  EXPECT_TRUE(buffer.apply("log/", std::nullopt).ok());
  EXPECT_FALSE(buffer.apply(KeyRange{"a", "m"}, {}).ok());
  EXPECT_TRUE(buffer.apply(KeyRange{"a", "b"}, {}).ok());
}

TEST(WriteBuffer, RemembersRangesClearedAfterAStampedKey) {
  WriteBuffer buffer;
  buffer.set_versionstamped_key("log/" + Bytes(10, '\0'), 4, "v");
  buffer.clear_range({"log/", "log0"});
  CommitRequest request;
  buffer.drain_into(request);
  ASSERT_EQ(request.writes.size(), 1U);
  EXPECT_EQ(request.writes[0].cleared_after.size(), 1U);
}

}  // namespace
}  // namespace kelpie::store
