#include "agent/ids.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kelpie::agent {
namespace {

constexpr const char* kMessage = "message-01234567-89ab-4cde-8f01-23456789abcd";

TEST(Ids, ANewIdIsOneOfItsPrefixAndOfNoOther) {
  world::Rng rng(7);
  const std::string id = new_id(rng, "agent");
  EXPECT_TRUE(is_id(id, "agent")) << id;
  EXPECT_FALSE(is_id(id, "agen")) << id;
  EXPECT_FALSE(is_id(id, "message")) << id;
  EXPECT_NE(new_id(rng, "agent"), id);
}

TEST(Ids, OnlyThePrefixAndAUuidInLowerCaseIsAnId) {
  const std::string uuid = "01234567-89ab-4cde-8f01-23456789abcd";
  EXPECT_TRUE(is_id("agent-" + uuid, "agent"));
  for (const std::string& bad : std::vector<std::string>{
           "", "agent", "agent-", uuid, "agent-" + uuid + "0", "agent-" + uuid.substr(1),
           "agent_" + uuid, "Agent-" + uuid, "agent-01234567-89AB-4cde-8f01-23456789abcd",
           "agent-01234567089ab-4cde-8f01-23456789abcd",
           "agent-g1234567-89ab-4cde-8f01-23456789abcd",
           "agent-0123456-789ab-4cde-8f01-23456789abcd"}) {
    EXPECT_FALSE(is_id(bad, "agent")) << bad;
  }
}

// wire/letta-v1.md, 3.4: the uuid with its last seven bits replaced by the part's index.
TEST(Ids, APartsOtidIsTheMessagesUuidWithItsLastSevenBitsReplaced) {
  struct Case {
    std::string last_byte;
    size_t part;
    std::string expected;
  };
  for (const Case& c : std::vector<Case>{{"cd", 0, "80"},
                                         {"cd", 1, "81"},
                                         {"cd", 15, "8f"},
                                         {"cd", 16, "90"},
                                         {"cd", 127, "ff"},
                                         {"7f", 0, "00"},
                                         {"7f", 3, "03"},
                                         {"80", 0, "80"},
                                         {"00", 127, "7f"}}) {
    const std::string stem = "01234567-89ab-4cde-8f01-23456789ab";
    EXPECT_EQ(part_otid("message-" + stem + c.last_byte, c.part), stem + c.expected)
        << c.last_byte << " " << c.part;
  }
}

TEST(Ids, PartsOfOneMessageHaveDifferentOtids) {
  std::vector<std::string> seen;
  for (size_t part = 0; part < 128; ++part) {
    const std::string otid = part_otid(kMessage, part);
    for (const std::string& other : seen) {
      ASSERT_NE(otid, other) << part;
    }
    seen.push_back(otid);
  }
}

TEST(Ids, APartBeyondTheLastStillHasAnOtid) {
  EXPECT_EQ(part_otid(kMessage, 128), part_otid(kMessage, 0));
}

}  // namespace
}  // namespace kelpie::agent
