#include "sim/wire_messages.h"

#include <gtest/gtest.h>

namespace kelpie::sim {
namespace {

TEST(WireMessages, ReadsTextsInBothFormsOfContent) {
  const auto messages = read_messages(R"([{"id":"m1","message_type":"user_message","content":"a"},
                        {"id":"m2","message_type":"user_message",
                         "content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}])");
  ASSERT_TRUE(messages.ok());
  ASSERT_EQ(messages->size(), 2u);
  EXPECT_EQ((*messages).at(0).text, "a");
  EXPECT_EQ((*messages).at(1).text, "bc");
}

TEST(WireMessages, ReadsEachToolCallAndReturnOnItsOwn) {
  const auto messages = read_messages(R"({"messages":[
        {"id":"m1","message_type":"tool_call_message","tool_call":{"tool_call_id":"x"},
         "tool_calls":[{"tool_call_id":"x"},{"tool_call_id":"y"}]},
        {"id":"m2","message_type":"tool_return_message","tool_call_id":"x"}]})");
  ASSERT_TRUE(messages.ok());
  ASSERT_EQ(messages->size(), 3u);
  EXPECT_EQ((*messages).at(1).tool_call_id, "y");
  EXPECT_EQ((*messages).at(2).tool_call_id, "x");
}

TEST(WireMessages, RefusesWhatIsNoListOfMessages) {
  EXPECT_FALSE(read_messages("{}").ok());
  EXPECT_FALSE(read_messages("[1]").ok());
  EXPECT_FALSE(read_messages("[{\"id\":\"m1\"}]").ok());
  EXPECT_FALSE(read_messages("[").ok());
}

TEST(WireMessages, ReadsAnId) {
  EXPECT_EQ(read_id(R"({"id":"agent-1"})").value(), "agent-1");
  EXPECT_FALSE(read_id("{}").ok());
}

}  // namespace
}  // namespace kelpie::sim
