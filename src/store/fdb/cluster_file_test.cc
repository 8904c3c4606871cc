#include "store/fdb/cluster_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "store/rocksdb/testing/temporary_directory.h"

namespace kelpie::store {
namespace {

TEST(ClusterFile, HoldsOneLineBesideComments) {
  for (const char* line : {"a:b@127.0.0.1:4500", "kelpie_1:Xy9@db.example:4500",
                           "a:b@10.0.0.1:4500,10.0.0.2:4500:tls", "a:b@[::1]:4500:tls"}) {
    EXPECT_EQ(cluster_line_of(line).value(), line);
    EXPECT_EQ(cluster_line_of("# DO NOT EDIT\n\n " + std::string(line) + " # why\r\n").value(),
              line);
  }
}

TEST(ClusterFile, IsRefusedWithWhatWasFound) {
  for (const char* text : {"", "\n# nothing\n", "garbage", "a@127.0.0.1:4500", "a:b@", "a:b@host",
                           "a:b@host:", "a:b@:4500", ":b@host:1", "a:@host:1", "a:b@host:45x",
                           "a:b@h:1,", "a b:c@h:1", "a:b@h:1\nc:d@h:2"}) {
    const Result<std::string> line = cluster_line_of(text);
    ASSERT_FALSE(line.ok()) << text;
    EXPECT_EQ(line.error().code, Code::kInvalidArgument);
    EXPECT_NE(line.error().message.find("description:id@address:port"), std::string::npos);
  }
  EXPECT_NE(cluster_line_of("garbage").error().message.find("`garbage`"), std::string::npos);
}

TEST(ClusterFile, IsNamedWhenItCannotBeUsed) {
  const testing::TemporaryDirectory directory;
  const std::string good = directory.path() + "/good";
  const std::string bad = directory.path() + "/bad";
  std::ofstream(good) << "a:b@127.0.0.1:4500\n";
  std::ofstream(bad) << "garbage\n";
  EXPECT_EQ(read_cluster_file(good).value(), "a:b@127.0.0.1:4500");
  for (const std::string& path : {bad, directory.path(), directory.path() + "/none"}) {
    const Result<std::string> line = read_cluster_file(path);
    ASSERT_FALSE(line.ok());
    EXPECT_EQ(line.error().code, Code::kInvalidArgument);
    EXPECT_NE(line.error().message.find("`" + path + "`"), std::string::npos);
  }
}

}  // namespace
}  // namespace kelpie::store
