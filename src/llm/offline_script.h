// OfflineScript: what a user's text tells the offline model to do. The grammar is in the README.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "llm/model.h"

namespace kelpie::llm {

// In which of the model's replies to one user message a call is made.
enum class CallTurn : uint8_t { kTogether, kNextStep, kEveryStep };

struct ScriptedCall {
  std::string name;
  std::string arguments;  // as the text has them; `{}` when it has none
  CallTurn turn = CallTurn::kTogether;
};

enum class OfflineQuestion : uint8_t { kNone, kAllMemory, kOneBlock, kSystemPrompt };

struct OfflineScript {
  std::vector<ScriptedCall> calls;
  std::vector<std::string> unknown_tools;  // asked for with arguments, but not in the request
  std::optional<std::string> say;
  std::optional<int64_t> count_to;
  std::string reasoning;
  OfflineQuestion question = OfflineQuestion::kNone;
  std::string label;  // kOneBlock
};

// Linear in the text, but for the number of tools. Never fails: text that is no directive is just
// text.
OfflineScript parse_script(std::string_view text, const std::vector<ToolSpec>& tools);

enum class OfflineFault : uint8_t {
  kNone,
  kStatus,     // an HTTP error status
  kTimeout,    // no answer ever
  kMalformed,  // 200 with broken JSON
  kCut,        // the answer breaks off in the middle
  kContext,    // 400 with code context_length_exceeded
};

struct FaultScript {
  OfflineFault fault = OfflineFault::kNone;
  int status = 0;  // kStatus: 400 to 599
  // How many attempts at the same conversation fail; nullopt: all.
  std::optional<int> times;
  std::optional<int64_t> retry_after_seconds;
};

// The first `fail with ...` line of the text.
FaultScript parse_fault(std::string_view text);

// The text of the last user message; empty when there is none.
std::string_view last_user_text(const ChatRequest& request);

}  // namespace kelpie::llm
