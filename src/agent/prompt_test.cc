#include "agent/prompt.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace kelpie::agent {
namespace {

const PromptFacts kFacts{WallTime::from_seconds(1'795'208'532), 12};

Config config_with(std::string system) {
  Config config;
  config.id = "agent-1";
  config.system = std::move(system);
  return config;
}

Block block_of(std::string label, std::string value) {
  Block block;
  block.label = std::move(label);
  block.value = std::move(value);
  block.limit = 50;
  return block;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Prompt, MemoryFollowsTheInstructionsWhereThereIsNoSlot) {
  const std::string prompt = compile_system_prompt(config_with("Be kind."), {}, kFacts);
  EXPECT_TRUE(prompt.starts_with("Be kind.\n\n<memory_blocks>\n")) << prompt;
  EXPECT_TRUE(prompt.ends_with("</memory_metadata>")) << prompt;
}

TEST(Prompt, MemoryStandsInTheSlotWhereThereIsOne) {
  const std::string prompt =
      compile_system_prompt(config_with("Before.{CORE_MEMORY}After."), {}, kFacts);
  EXPECT_TRUE(prompt.starts_with("Before.<memory_blocks>")) << prompt;
  EXPECT_TRUE(prompt.ends_with("</memory_metadata>After.")) << prompt;
  EXPECT_FALSE(contains(prompt, "{CORE_MEMORY}"));
}

TEST(Prompt, OnlyTheInstructionsHaveASlot) {
  const std::string prompt = compile_system_prompt(config_with("{CORE_MEMORY} and {CORE_MEMORY}"),
                                                   {block_of("a", "{CORE_MEMORY}")}, kFacts);
  EXPECT_TRUE(contains(prompt, "<value>\n{CORE_MEMORY}\n</value>")) << prompt;
  EXPECT_TRUE(prompt.ends_with(" and {CORE_MEMORY}")) << prompt;
}

TEST(Prompt, WithoutInstructionsItIsTheMemoryAlone) {
  EXPECT_TRUE(compile_system_prompt(config_with(""), {}, kFacts).starts_with("<memory_blocks>"));
}

TEST(Prompt, EveryBlockIsThereWholeAndInOrder) {
  const std::string big(200'000, 'x');
  const std::vector<Block> blocks = {block_of("persona", "Kind.\nPatient."), block_of("human", big),
                                     block_of("empty", "")};
  const std::string prompt = compile_system_prompt(config_with("S"), blocks, kFacts);
  size_t at = 0;
  for (const Block& block : blocks) {
    const size_t open = prompt.find("<" + block.label + ">\n", at);
    ASSERT_NE(open, std::string::npos) << block.label;
    const size_t value = prompt.find("<value>\n" + block.value + "\n</value>\n", open);
    ASSERT_NE(value, std::string::npos) << block.label;
    at = prompt.find("</" + block.label + ">\n", value);
    ASSERT_NE(at, std::string::npos) << block.label;
  }
}

TEST(Prompt, ABlockSaysItsLengthItsLimitAndThatItIsReadOnly) {
  Block block = block_of("human", "\xc3\xa9\xc3\xa9");
  block.description = "Who I talk to.";
  std::string prompt = compile_system_prompt(config_with("S"), {block}, kFacts);
  EXPECT_TRUE(contains(prompt, "<description>\nWho I talk to.\n</description>")) << prompt;
  EXPECT_TRUE(contains(prompt, "- chars_current=2\n- chars_limit=50\n")) << prompt;
  EXPECT_FALSE(contains(prompt, "read_only")) << prompt;
  block.read_only = true;
  prompt = compile_system_prompt(config_with("S"), {block}, kFacts);
  EXPECT_TRUE(contains(prompt, "- read_only=true\n")) << prompt;
}

TEST(Prompt, MetadataSaysWhoWhenAndHowMuchThereIs) {
  const std::string prompt = compile_system_prompt(config_with("S"), {}, kFacts);
  EXPECT_TRUE(contains(prompt, "- AGENT_ID: agent-1\n")) << prompt;
  EXPECT_TRUE(contains(prompt, "- CONVERSATION_ID: default\n")) << prompt;
  EXPECT_TRUE(contains(prompt, "- System prompt last recompiled: 2026-11-20T21:02:12")) << prompt;
  EXPECT_TRUE(contains(prompt, "- Messages in recall memory: 12\n")) << prompt;
}

TEST(Prompt, TheSameAgentHasTheSamePrompt) {
  const std::vector<Block> blocks = {block_of("a", "1"), block_of("b", "2")};
  EXPECT_EQ(compile_system_prompt(config_with("S"), blocks, kFacts),
            compile_system_prompt(config_with("S"), blocks, kFacts));
  EXPECT_FALSE(default_instructions().empty());
}

}  // namespace
}  // namespace kelpie::agent
