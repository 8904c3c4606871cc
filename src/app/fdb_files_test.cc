#include "app/fdb_files.h"

#include <gtest/gtest.h>

namespace kelpie::app {
namespace {

TEST(ClusterFile, ReadsOneStringWithCommentsBlanksAndLineBreaks) {
  const auto parsed = parse_cluster_file(
      "# DO NOT EDIT\r\n\n  my_cluster:AbC123 @\n10.0.0.1:4500 , # the first\n[::1]:4501:tls,\n"
      "fdb-3.example.com:4502\n# the end");
  ASSERT_TRUE(parsed.ok()) << parsed.error().to_string();
  EXPECT_EQ(
      *parsed,
      (ClusterString{.description = "my_cluster",
                     .id = "AbC123",
                     .addresses = {"10.0.0.1:4500", "[::1]:4501:tls", "fdb-3.example.com:4502"}}));
  EXPECT_TRUE(parse_cluster_file("a:b@127.0.0.1:4689").ok());
}

TEST(ClusterFile, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> kBad[] = {
      {"", "none in it"},
      {"# only a comment", "none in it"},
      {"\n\n", "none in it"},
      {"local:abc127.0.0.1:4500", "no @"},
      {"local@127.0.0.1:4500", "no : before the @"},
      {":abc@127.0.0.1:4500", "description"},
      {"my-cluster:abc@127.0.0.1:4500", "description \"my-cluster\""},
      {"local:@127.0.0.1:4500", "the id"},
      {"local:a_b@127.0.0.1:4500", "the id \"a_b\""},
      {"local:abc@", "no port"},
      {"local:abc@127.0.0.1", "no port"},
      {"local:abc@127.0.0.1:", "no port"},
      {"local:abc@127.0.0.1:0", "no port"},
      {"local:abc@127.0.0.1:65536", "no port"},
      {"local:abc@127.0.0.1:45x", "no port"},
      {"local:abc@127.0.0.1:4500:TLS", "no port"},
      {"local:abc@127.0.0.1:4500,", "no port"},
      {"local:abc@127.0.0.1:4500,,127.0.0.2:4500", "no port"},
      {"local:abc@:4500", "no host"},
      {"local:abc@::1:4500", "no host"},
      {"local:abc@[]:4500", "no host"},
      {"local:abc@[::g]:4500", "no host"},
      {"local:abc@a:b@127.0.0.1:4500", "no host"}};
  for (const auto& [text, part] : kBad) {
    const auto parsed = parse_cluster_file(text);
    ASSERT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(parsed.error().code, Code::kInvalidArgument);
    EXPECT_NE(parsed.error().message.find(part), std::string::npos)
        << text << " -> " << parsed.error().message;
  }
}

TEST(KnobsFile, ReadsLinesInTheirOrder) {
  const auto knobs =
      parse_knobs_file("k", "# why\n\n  max_batch=5\r\nother=a=b\n   # more\nlast=x y");
  ASSERT_TRUE(knobs.ok()) << knobs.error().to_string();
  EXPECT_EQ(*knobs, (Knobs{{"max_batch", "5"}, {"other", "a=b"}, {"last", "x y"}}));
  EXPECT_TRUE(parse_knobs_file("k", "")->empty());
}

TEST(KnobsFile, NamesTheLineThatIsWrong) {
  const std::pair<const char*, const char*> kBad[] = {
      {"a=1\nb\n", "/k:2: "}, {"\n\n=1", "/k:3: "},        {"a=\n", "/k:1: "},
      {"a = 1\n", "/k:1: "},  {"a=1\n#\na=2\n", "/k:3: "}, {"-a=1", "/k:1: "}};
  for (const auto& [text, place] : kBad) {
    const auto knobs = parse_knobs_file("/k", text);
    ASSERT_FALSE(knobs.ok()) << text;
    EXPECT_TRUE(knobs.error().message.starts_with(place)) << knobs.error().message;
  }
}

}  // namespace
}  // namespace kelpie::app
