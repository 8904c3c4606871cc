// The offline model's rules: a chat model that needs no network, whose every answer is a function
// of the request. What it understands is in the README.
#pragma once

#include <cstdint>
#include <string_view>

#include "llm/model.h"

namespace kelpie::llm {

inline constexpr std::string_view kOfflineProvider = "kelpie";
inline constexpr std::string_view kOfflineModelName = "offline";
inline constexpr std::string_view kOfflineHandle = "kelpie/offline";
inline constexpr int64_t kOfflineContextWindow = 128'000;  // tokens
// The furthest that `count to N` goes.
inline constexpr int64_t kOfflineCountMax = 100'000;
// How much of a message the plain answer quotes; the answer says when there was more.
inline constexpr size_t kOfflineEchoBytesMax = 2'000;

// Answers the last user message, or goes on with the tool calls that it names. Tool call ids are
// unique within the request's history. Tokens are estimated: a quarter of the bytes.
ChatReply offline_reply(const ChatRequest& request);

// What the request costs, by the same estimate.
int64_t estimate_prompt_tokens(const ChatRequest& request);

}  // namespace kelpie::llm
