// Step: what a run does next, decided from what is committed and nothing else. Pure, so that a run
// goes on after a crash exactly as it would have without one.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/records.h"
#include "llm/model.h"
#include "world/rng.h"

namespace kelpie::agent {

enum class StepKind : uint8_t {
  kStart,     // move the input into the history
  kAskModel,  // the history ends with input or tool results
  kRunTools,  // the history ends with tool calls that have no results yet
  kFinish,    // nothing is left to do but to say so
};

struct NextStep {
  StepKind kind = StepKind::kFinish;
  std::string stop_reason;  // with kFinish
};

// `last` is the newest message of the history, or nullptr.
NextStep next_step(const Run& run, const Message* last);

// What a model's reply becomes: the assistant message to commit, and whether the run ends with it.
struct ReplyPlan {
  bool ends = false;
  std::string stop_reason;  // when it ends
  bool valid = true;        // false: neither text nor a tool call
  std::string text;
  std::string reasoning;
  std::vector<llm::ToolCall> tool_calls;  // each with an id of its own
};
// `history_ids` are the tool call ids that the history holds: an id is never used twice in it.
ReplyPlan plan_reply(const llm::ChatReply& reply, const Config& config,
                     const std::vector<std::string>& history_ids, world::Rng& rng);

// The model's view of an agent: the system message and the history.
std::vector<llm::ChatMessage> chat_messages(const std::vector<Message>& history);

// A tool result as the model sees it: packed JSON of status, message and time.
std::string pack_tool_return(const ToolReturn& tool_return, int64_t created_micros);

}  // namespace kelpie::agent
