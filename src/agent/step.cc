#include "agent/step.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <utility>

#include "base/time.h"
#include "codec/datetime.h"
#include "codec/json.h"

namespace kelpie::agent {

NextStep next_step(const Run& run, const Message* last) {
  switch (run.status) {
    case RunStatus::kQueued:
      return {StepKind::kStart, ""};
    case RunStatus::kCompleted:
    case RunStatus::kFailed:
      return {StepKind::kFinish, run.stop_reason};
    case RunStatus::kRunning:
      break;
  }
  // Before the first step an assistant message is input: a client may write in the agent's name.
  const bool from_model = last != nullptr && last->role == MessageRole::kAssistant &&
                          last->run_id == run.id && run.steps > 0;
  if (from_model) {
    if (!last->tool_calls.empty()) {
      return {StepKind::kRunTools, ""};
    }
    return {StepKind::kFinish, "end_turn"};
  }
  if (run.steps >= run.steps_max) {
    return {StepKind::kFinish, "max_steps"};
  }
  return {StepKind::kAskModel, ""};
}

ReplyPlan plan_reply(const llm::ChatReply& reply, const Config& config,
                     const std::vector<std::string>& history_ids, world::Rng& rng) {
  ReplyPlan plan;
  plan.text = reply.content;
  plan.reasoning = reply.reasoning;
  std::vector<std::string> used = history_ids;
  for (const llm::ToolCall& call : reply.tool_calls) {
    if (!config.parallel_tool_calls && !plan.tool_calls.empty()) {
      break;
    }
    llm::ToolCall kept = call;
    if (kept.id.empty() || std::ranges::find(used, kept.id) != used.end()) {
      kept.id = "call-" + rng.uuid();
    }
    used.push_back(kept.id);
    plan.tool_calls.push_back(std::move(kept));
  }
  if (!plan.tool_calls.empty()) {
    return plan;
  }
  plan.ends = true;
  plan.valid = !plan.text.empty();
  if (!plan.valid) {
    plan.stop_reason = "invalid_llm_response";
  } else if (reply.finish_reason == llm::FinishReason::kLength) {
    plan.stop_reason = "max_tokens_exceeded";
  } else {
    plan.stop_reason = "end_turn";
  }
  return plan;
}

std::vector<llm::ChatMessage> chat_messages(const std::vector<Message>& history) {
  std::vector<llm::ChatMessage> messages;
  for (const Message& message : history) {
    switch (message.role) {
      case MessageRole::kSystem:
        messages.push_back({llm::Role::kSystem, message.text, {}, {}});
        break;
      case MessageRole::kUser:
        messages.push_back({llm::Role::kUser, message.text, {}, {}});
        break;
      case MessageRole::kAssistant:
        messages.push_back({llm::Role::kAssistant, message.text, message.tool_calls, {}});
        break;
      case MessageRole::kTool:
        for (const ToolReturn& item : message.tool_returns) {
          messages.push_back({llm::Role::kTool,
                              pack_tool_return(item, message.created_micros),
                              {},
                              item.tool_call_id});
        }
        break;
    }
  }
  return messages;
}

std::string pack_tool_return(const ToolReturn& tool_return, int64_t created_micros) {
  const WallTime time = WallTime::from_nanos(created_micros * 1'000);
  return codec::write_json(
      boost::json::object{{"status", tool_return.status == "success" ? "OK" : "Failed"},
                          {"message", tool_return.content},
                          {"time", codec::format_seconds(time)}});
}

}  // namespace kelpie::agent
