#include "llm/context_windows.h"

#include <algorithm>
#include <array>
#include <string>

#include "llm/offline_text.h"

namespace kelpie::llm {
namespace {

struct KnownWindow {
  std::string_view prefix;
  int64_t tokens;
};

// From the makers' model pages. A server at home may give a model less than it can: its own setting
// (vLLM tells it in its list of models) wins over this table.
constexpr auto kWindows = std::to_array<KnownWindow>({
    {"claude", 200'000},       {"deepseek", 128'000},   {"gemini", 1'048'576},
    {"gemma-3", 131'072},      {"gemma3", 131'072},     {"glm-4.5", 131'072},
    {"gpt-3.5-turbo", 16'385}, {"gpt-4", 8'192},        {"gpt-4-32k", 32'768},
    {"gpt-4-turbo", 128'000},  {"gpt-4.1", 1'047'576},  {"gpt-4o", 128'000},
    {"gpt-5", 400'000},        {"gpt-5-chat", 128'000}, {"gpt-oss", 131'072},
    {"llama-3.1", 131'072},    {"llama-3.2", 131'072},  {"llama-3.3", 131'072},
    {"llama3", 8'192},         {"llama3.1", 131'072},   {"llama3.2", 131'072},
    {"llama3.3", 131'072},     {"mistral", 32'768},     {"mistral-nemo", 128'000},
    {"o1", 200'000},           {"o1-mini", 128'000},    {"o3", 200'000},
    {"o4-mini", 200'000},      {"phi4", 16'384},        {"qwen2.5", 32'768},
    {"qwen3", 40'960},
});

}  // namespace

int64_t known_context_window(std::string_view name) {
  const std::string lower = ascii_lower(name.substr(name.rfind('/') + 1));
  const KnownWindow* best = nullptr;
  for (const KnownWindow& known : kWindows) {
    if (lower.starts_with(known.prefix) &&
        (best == nullptr || known.prefix.size() > best->prefix.size())) {
      best = &known;
    }
  }
  return best == nullptr ? kUnknownContextWindow : best->tokens;
}

bool is_chat_model(std::string_view name) {
  const std::string lower = ascii_lower(name);
  constexpr auto kOthers = std::to_array<std::string_view>(
      {"embed", "whisper", "tts", "dall-e", "moderation", "gpt-image", "transcribe", "sora",
       "babbage", "davinci", "realtime", "rerank"});
  return std::ranges::none_of(
      kOthers, [&](std::string_view other) { return lower.find(other) != std::string::npos; });
}

}  // namespace kelpie::llm
