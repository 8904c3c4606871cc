// The models that this server can reach, from its configuration.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "base/time.h"
#include "llm/model.h"
#include "world/world.h"

namespace kelpie::llm {

inline constexpr std::string_view kOpenAiProvider = "openai";
inline constexpr std::string_view kOpenAiBaseUrl = "https://api.openai.com/v1";

struct ModelsConfig {
  std::string openai_api_key;
  std::string openai_base_url;  // empty: OpenAI's own
  std::string ca_file;          // PEM file of trusted roots; empty: the system's
  std::string ca_pem = {};      // trusted roots as PEM text, instead of a file
  // For a whole answer; when it is streamed, for each piece of it.
  Duration request_timeout = Duration::seconds(300);
  // An answer with more bytes on the wire is an error.
  size_t reply_bytes_max = 32 * 1024 * 1024;
};

// `invalid_argument` for a base URL that is none, or a key that no header can carry.
Result<void> check_models_config(const ModelsConfig& config);

// `kelpie/offline` always; `openai/...` when a key or a base URL is configured. The world outlives
// it.
std::unique_ptr<Models> make_models(World& world, ModelsConfig config);

// `openai/org/name` -> ("openai", "org/name"): what comes before the first '/', and what
// ChatRequest.model holds. Without a '/' the provider is empty. Views into the handle.
std::pair<std::string_view, std::string_view> split_handle(std::string_view handle);

}  // namespace kelpie::llm
