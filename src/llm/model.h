// Model: a chat model, whoever serves it. The shapes are those of OpenAI's chat completions, which
// every provider here speaks.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"

namespace kelpie::llm {

struct ToolCall {
  std::string id;
  std::string name;
  std::string arguments;  // JSON text, as the model wrote it; may be malformed
  bool operator==(const ToolCall&) const = default;
};

enum class Role : uint8_t { kSystem, kUser, kAssistant, kTool };

struct ChatMessage {
  Role role = Role::kUser;
  std::string content;
  std::vector<ToolCall> tool_calls;  // assistant
  std::string tool_call_id;          // tool
};

struct ToolSpec {
  std::string name;
  std::string description;
  boost::json::object parameters;  // JSON Schema
};

struct ChatRequest {
  std::string model;  // the provider's own name of it, without the provider's prefix
  std::vector<ChatMessage> messages;
  std::vector<ToolSpec> tools;
  bool parallel_tool_calls = true;
  std::optional<int64_t> max_tokens;
  std::optional<double> temperature;
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_input_tokens = 0;
  int64_t reasoning_tokens = 0;
};

enum class FinishReason : uint8_t { kStop, kLength, kToolCalls, kContentFilter };

struct ChatReply {
  std::string content;
  std::string reasoning;
  std::vector<ToolCall> tool_calls;
  FinishReason finish_reason = FinishReason::kStop;
  Usage usage;
};

// Hears of a reply while it grows. Called on the Loop, between the model's chunks; must not wait.
class DeltaSink {
 public:
  DeltaSink() = default;
  DeltaSink(const DeltaSink&) = delete;
  DeltaSink& operator=(const DeltaSink&) = delete;
  virtual ~DeltaSink() = default;
  virtual void on_text(std::string_view text) = 0;
  virtual void on_reasoning(std::string_view text) = 0;
  // `id` and `name` come with the first fragment of a call and are empty later.
  virtual void on_tool_call(size_t index, std::string_view id, std::string_view name,
                            std::string_view arguments_fragment) = 0;
};

struct ModelInfo {
  std::string handle;    // provider/model
  std::string name;      // the provider's name of it
  std::string provider;  // provider_name
  std::string provider_type;
  std::string endpoint;
  std::string endpoint_type;
  int64_t context_window = 0;  // tokens
};

// One Loop; many calls at once.
class Model {
 public:
  Model() = default;
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;
  virtual ~Model() = default;

  // With a sink the reply is streamed; without one it comes at once. The sink outlives the task.
  // Errors: `deadline_exceeded`, `resource_exhausted` (402, 429), `unauthenticated` (401, 403),
  // `invalid_argument` (4xx), `unavailable` (5xx, connection), `data_loss` (malformed reply),
  // `out_of_range` (context window).
  virtual Task<ChatReply> complete(ChatRequest request, DeltaSink* sink) = 0;
};

// The models that this server can reach.
class Models {
 public:
  Models() = default;
  Models(const Models&) = delete;
  Models& operator=(const Models&) = delete;
  virtual ~Models() = default;
  // In order of handle. A provider that cannot be asked is left out, and logged.
  virtual Task<std::vector<ModelInfo>> list() = 0;
  // By handle; nullptr when no provider of that prefix is configured. Lives as long as this.
  virtual Model* find(std::string_view handle) = 0;
};

}  // namespace kelpie::llm
