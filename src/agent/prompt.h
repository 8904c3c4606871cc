// The system prompt: the agent's instructions with its memory rendered into them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/records.h"
#include "base/time.h"

namespace kelpie::agent {

// The instructions of an agent that is created without any.
std::string default_instructions();

struct PromptFacts {
  WallTime compiled_at;
  size_t messages = 0;  // in the agent's history
};

// `{CORE_MEMORY}` in the instructions is replaced by the memory part; without it the part follows
// after a blank line. Every block is there whole. It is rebuilt when the agent is created, when its
// instructions change, and when a client asks; not on each edit of a block, so that providers can
// cache the prefix.
std::string compile_system_prompt(const Config& config, const std::vector<Block>& blocks,
                                  PromptFacts facts);

}  // namespace kelpie::agent
