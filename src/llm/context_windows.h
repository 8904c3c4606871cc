// How many tokens a model that we know by name can see.
#pragma once

#include <cstdint>
#include <string_view>

namespace kelpie::llm {

// For names that the table does not have: small enough for what people run at home.
inline constexpr int64_t kUnknownContextWindow = 32'000;

// By the longest known prefix of the name, without an organisation before a '/', in any case of
// letters.
int64_t known_context_window(std::string_view name);

// False for names of models that do not chat (embeddings, speech, images, moderation): providers
// list all alike.
bool is_chat_model(std::string_view name);

}  // namespace kelpie::llm
