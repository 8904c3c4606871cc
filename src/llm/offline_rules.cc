#include "llm/offline_rules.h"

#include <algorithm>
#include <array>
#include <boost/json/value.hpp>
#include <map>
#include <string>

#include "base/hash.h"
#include "codec/json.h"
#include "llm/offline_script.h"
#include "llm/offline_text.h"

namespace kelpie::llm {
namespace {

constexpr size_t kNpos = std::string_view::npos;

struct ToolResult {
  std::string_view tool;  // its name; empty when no call in the history has that id
  std::string_view content;
};

// What happened since the last user message.
struct Progress {
  std::map<std::string_view, size_t> calls_made;  // by tool
  std::vector<ToolResult> results;
};

Progress progress_of(const ChatRequest& request) {
  Progress progress;
  size_t start = request.messages.size();
  while (start > 0 && request.messages[start - 1].role != Role::kUser) {
    --start;
  }
  std::map<std::string_view, std::string_view> names;  // by call id
  for (size_t i = start; i < request.messages.size(); ++i) {
    const ChatMessage& message = request.messages[i];
    for (const ToolCall& call : message.tool_calls) {
      ++progress.calls_made[call.name];
      names[call.id] = call.name;
    }
    if (message.role == Role::kTool) {
      const auto named = names.find(message.tool_call_id);
      progress.results.push_back(
          {.tool = named == names.end() ? "" : named->second, .content = message.content});
    }
  }
  return progress;
}

uint64_t hash_of(const ChatRequest& request) {
  uint64_t hash = base::hash64(request.model);
  for (const ChatMessage& message : request.messages) {
    hash = base::hash64(message.content, hash + static_cast<uint64_t>(message.role));
    hash = base::hash64(message.tool_call_id, hash);
    for (const ToolCall& call : message.tool_calls) {
      hash = base::hash64(call.id, hash);
      hash = base::hash64(call.arguments, base::hash64(call.name, hash));
    }
  }
  return hash;
}

bool id_is_taken(const ChatRequest& request, std::string_view id) {
  return std::ranges::any_of(request.messages, [&](const ChatMessage& message) {
    return message.tool_call_id == id ||
           std::ranges::any_of(message.tool_calls,
                               [&](const ToolCall& call) { return call.id == id; });
  });
}

std::string hex16(uint64_t number) {
  std::array<char, 8> bytes{};
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(number >> (56 - 8 * i));
  }
  return base::to_hex(std::string_view(bytes.data(), bytes.size()));
}

// The calls that the script names and the history does not show yet. By count, not by arguments:
// the agent may have changed these before it stored the call.
std::vector<ToolCall> next_calls(const ChatRequest& request, const OfflineScript& script,
                                 const Progress& progress) {
  std::vector<ToolCall> calls;
  std::map<std::string_view, size_t> named;
  uint64_t seed = hash_of(request);
  for (const ScriptedCall& scripted : script.calls) {
    const auto made = progress.calls_made.find(scripted.name);
    const size_t done = made == progress.calls_made.end() ? 0 : made->second;
    if (++named[scripted.name] <= done && scripted.turn != CallTurn::kEveryStep) {
      continue;
    }
    if (!calls.empty() && (!request.parallel_tool_calls || scripted.turn == CallTurn::kNextStep)) {
      break;
    }
    std::string id;
    do {
      seed = base::mix64(seed);
      id = "call_" + hex16(seed);
    } while (id_is_taken(request, id));
    calls.push_back({.id = std::move(id), .name = scripted.name, .arguments = scripted.arguments});
  }
  return calls;
}

std::string system_text(const ChatRequest& request) {
  std::string text;
  for (const ChatMessage& message : request.messages) {
    if (message.role == Role::kSystem) {
      text.append(text.empty() ? "" : "\n\n").append(message.content);
    }
  }
  return text;
}

// What stands between <name> and the last </name>; nullopt without an opening tag. A tag at the
// start of a line wins over one that a sentence mentions.
std::optional<std::string_view> tagged(std::string_view text, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  size_t at = text.find("\n" + open);
  at = at == kNpos ? text.find(open) : at + 1;
  if (at == kNpos) {
    return std::nullopt;
  }
  text.remove_prefix(at + open.size());
  return text.substr(0, text.rfind(close));
}

std::string answer_memory(const ChatRequest& request) {
  const std::string system = system_text(request);
  const auto memory = tagged(system, "memory_blocks");
  if (!memory) {
    return "I remember nothing: my system prompt of " + std::to_string(system.size()) +
           " bytes has no memory blocks.";
  }
  return "This is what I remember:\n" + std::string(trimmed(*memory));
}

std::string answer_block(const ChatRequest& request, const std::string& label) {
  const std::string system = system_text(request);
  const auto memory = tagged(system, "memory_blocks");
  auto block = memory;
  if (memory) {
    // Blocks are siblings: the first closing tag after the opening one is the block's own.
    block = tagged(memory->substr(0, memory->find("\n</" + label + ">")), label);
  }
  if (!block) {
    return "I have no memory block named " + label + ".";
  }
  const auto value = tagged(*block, "value");
  return label + ": " + std::string(trimmed(value.value_or(*block)));
}

// `The tool NAME returned: ...`, with what an agent packed around the result taken off.
std::string describe(const ToolResult& result) {
  std::string sentence = "The tool " + std::string(result.tool.empty() ? "call" : result.tool);
  auto parsed = codec::parse_json(result.content);
  if (parsed.ok() && parsed->is_object()) {
    const boost::json::value* message = parsed->as_object().if_contains("message");
    const boost::json::value* status = parsed->as_object().if_contains("status");
    if (message != nullptr && message->is_string() && status != nullptr && status->is_string()) {
      return sentence + " returned " + std::string(std::string_view(status->as_string())) + ": " +
             std::string(std::string_view(message->as_string()));
    }
  }
  return sentence + " returned: " + std::string(result.content);
}

std::string answer_results(const Progress& progress) {
  std::string answer;
  for (const ToolResult& result : progress.results) {
    answer.append(answer.empty() ? "" : "\n").append(describe(result));
  }
  return answer;
}

std::string count_to(int64_t last) {
  std::string text;
  for (int64_t i = 1; i <= std::min(last, kOfflineCountMax); ++i) {
    text.append(text.empty() ? "" : " ").append(std::to_string(i));
  }
  return text;
}

std::string answer_unknown_tools(const ChatRequest& request, const OfflineScript& script) {
  std::string text = "I have no tool named " + script.unknown_tools.front() + "; I have: ";
  for (size_t i = 0; i < request.tools.size(); ++i) {
    text.append(i == 0 ? "" : ", ").append(request.tools[i].name);
  }
  return text.append(request.tools.empty() ? "none." : ".");
}

std::string answer_plain(const ChatRequest& request, std::string_view user_text) {
  std::string text = "You said: ";
  const std::string_view quoted = utf8_prefix(user_text, kOfflineEchoBytesMax);
  text.append(quoted);
  if (quoted.size() < user_text.size()) {
    text.append(" ... (").append(std::to_string(user_text.size())).append(" bytes in all)");
  }
  text.append("\nI am the offline model; I see ").append(std::to_string(request.messages.size()));
  text.append(" messages and ").append(std::to_string(request.tools.size())).append(" tools.");
  return text;
}

std::string answer(const ChatRequest& request, const OfflineScript& script,
                   const Progress& progress) {
  if (script.say) {
    return *script.say;
  }
  if (!progress.results.empty()) {
    return answer_results(progress);
  }
  if (script.count_to) {
    return count_to(*script.count_to);
  }
  switch (script.question) {
    case OfflineQuestion::kAllMemory:
      return answer_memory(request);
    case OfflineQuestion::kOneBlock:
      return answer_block(request, script.label);
    case OfflineQuestion::kSystemPrompt:
      return system_text(request);
    case OfflineQuestion::kNone:
      break;
  }
  if (!script.unknown_tools.empty()) {
    return answer_unknown_tools(request, script);
  }
  return answer_plain(request, last_user_text(request));
}

int64_t completion_tokens(const ChatReply& reply) {
  int64_t tokens = estimate_tokens(reply.content) + estimate_tokens(reply.reasoning);
  for (const ToolCall& call : reply.tool_calls) {
    tokens += estimate_tokens(call.name) + estimate_tokens(call.arguments);
  }
  return tokens;
}

}  // namespace

int64_t estimate_prompt_tokens(const ChatRequest& request) {
  int64_t tokens = 0;
  for (const ChatMessage& message : request.messages) {
    tokens += estimate_tokens(message.content);
    for (const ToolCall& call : message.tool_calls) {
      tokens += estimate_tokens(call.name) + estimate_tokens(call.arguments);
    }
  }
  for (const ToolSpec& tool : request.tools) {
    tokens += estimate_tokens(tool.name) + estimate_tokens(tool.description);
    tokens += estimate_tokens(codec::write_json(tool.parameters));
  }
  return tokens;
}

ChatReply offline_reply(const ChatRequest& request) {
  const Progress progress = progress_of(request);
  const OfflineScript script = parse_script(last_user_text(request), request.tools);
  ChatReply reply;
  reply.reasoning = script.reasoning;
  reply.tool_calls = next_calls(request, script, progress);
  if (reply.tool_calls.empty()) {
    reply.content = answer(request, script, progress);
  } else {
    reply.finish_reason = FinishReason::kToolCalls;
  }
  if (request.max_tokens && estimate_tokens(reply.content) > *request.max_tokens) {
    const int64_t tokens_max = std::max<int64_t>(*request.max_tokens, 0);
    reply.content = utf8_prefix(reply.content, static_cast<size_t>(tokens_max) * 4);
    reply.finish_reason = FinishReason::kLength;
  }
  reply.usage.prompt_tokens = estimate_prompt_tokens(request);
  reply.usage.completion_tokens = completion_tokens(reply);
  reply.usage.reasoning_tokens = estimate_tokens(reply.reasoning);
  return reply;
}

}  // namespace kelpie::llm
