// The agent domain's records, and their stored form: JSON, so that it can be read and can grow.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "llm/model.h"

namespace kelpie::agent {

// Text of others, for a record or a response: both are JSON, so UTF-8. What is not is shown by `?`.
std::string legible(std::string_view text);

struct Config {
  std::string id;
  std::string name;
  std::string agent_type;
  std::string description;
  std::string system;              // the instructions, before memory is rendered into them
  std::string model;               // handle: provider/model
  std::vector<std::string> tools;  // names of built-in tools
  std::vector<std::string> tags;
  int64_t context_window = 0;  // tokens
  bool parallel_tool_calls = true;
  int64_t created_micros = 0;
  int64_t updated_micros = 0;
  // Settings that clients store and read back; what has no effect here is named in the API guide.
  boost::json::object extra;

  [[nodiscard]] Bytes encode() const;
  static Result<Config> decode(ByteView bytes);
};

struct Block {
  std::string id;
  std::string label;
  std::string value;
  std::string description;
  int64_t limit = 0;     // characters (Unicode code points)
  int64_t position = 0;  // order of creation within the agent
  bool read_only = false;
  bool has_description = false;
  boost::json::object metadata;
  std::vector<std::string> tags;

  [[nodiscard]] Bytes encode() const;
  static Result<Block> decode(ByteView bytes);
};

enum class MessageRole : uint8_t { kSystem, kUser, kAssistant, kTool };
std::string_view role_name(MessageRole role);

struct ToolReturn {
  std::string tool_call_id;
  std::string name;
  std::string status;  // success | error
  std::string content;
};

// Where a message lies in its agent's history; grows in commit order.
struct Place {
  int64_t turn = 0;
  int64_t index = 0;
  auto operator<=>(const Place&) const = default;
};

struct Message {
  std::string id;
  MessageRole role = MessageRole::kUser;
  std::string text;
  std::string reasoning;
  std::vector<llm::ToolCall> tool_calls;  // assistant
  std::vector<ToolReturn> tool_returns;   // tool: one for each call of the assistant before it
  std::string run_id;
  std::string step_id;
  std::string otid;  // of input messages: the client's
  std::string name;
  std::string sender_id;
  int64_t created_micros = 0;
  Place place;  // not stored in the record: it is the key

  [[nodiscard]] Bytes encode() const;
  static Result<Message> decode(ByteView bytes);
};

struct TokenUsage {
  int64_t prompt = 0;
  int64_t completion = 0;
  int64_t cached = 0;
  int64_t reasoning = 0;
  int64_t context = 0;  // of the last step: prompt and completion
};

enum class RunStatus : uint8_t { kQueued, kRunning, kCompleted, kFailed };

struct Run {
  std::string id;
  RunStatus status = RunStatus::kQueued;
  std::vector<Message> input;  // until the run starts; then they are in the history
  std::string model;           // override for this run, or empty
  int64_t steps_max = 50;
  int64_t steps = 0;
  TokenUsage usage;
  std::string stop_reason;  // once ended
  std::string error_type;   // once failed
  std::string error_message;
  int64_t created_micros = 0;
  int64_t ended_micros = 0;

  [[nodiscard]] Bytes encode() const;
  static Result<Run> decode(ByteView bytes);
};

}  // namespace kelpie::agent
