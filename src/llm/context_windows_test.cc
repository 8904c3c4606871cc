#include "llm/context_windows.h"

#include <gtest/gtest.h>

namespace kelpie::llm {
namespace {

TEST(ContextWindows, TakesTheLongestKnownPrefix) {
  EXPECT_EQ(known_context_window("gpt-4"), 8'192);
  EXPECT_EQ(known_context_window("gpt-4o-mini"), 128'000);
  EXPECT_EQ(known_context_window("gpt-4.1-nano"), 1'047'576);
  EXPECT_EQ(known_context_window("o1-mini"), 128'000);
}

TEST(ContextWindows, PassesOverTheOrganisationAndTheCaseOfLetters) {
  EXPECT_EQ(known_context_window("Qwen/Qwen2.5-7B-Instruct"), 32'768);
  EXPECT_EQ(known_context_window("meta-llama/Llama-3.1-8B"), 131'072);
}

TEST(ContextWindows, HasADefaultForAllOthers) {
  EXPECT_EQ(known_context_window("my-model"), kUnknownContextWindow);
  EXPECT_EQ(known_context_window(""), kUnknownContextWindow);
  EXPECT_EQ(known_context_window("org/"), kUnknownContextWindow);
}

TEST(ContextWindows, TellsChatModelsFromOthers) {
  EXPECT_TRUE(is_chat_model("gpt-4o-mini"));
  EXPECT_FALSE(is_chat_model("text-embedding-3-small"));
  EXPECT_FALSE(is_chat_model("whisper-1"));
}

}  // namespace
}  // namespace kelpie::llm
