#include "agent/prompt.h"

#include <string_view>

#include "agent/memory_tools.h"
#include "codec/datetime.h"

namespace kelpie::agent {
namespace {

void add_element(std::string& out, std::string_view name, std::string_view text) {
  out += "<";
  out += name;
  out += ">\n";
  out += text;
  out += "\n</";
  out += name;
  out += ">\n";
}

std::string render_block(const Block& block) {
  std::string facts;
  if (block.read_only) {
    facts += "- read_only=true\n";
  }
  facts += "- chars_current=" + std::to_string(characters(block.value)) + "\n";
  facts += "- chars_limit=" + std::to_string(block.limit);
  std::string out = "<" + block.label + ">\n";
  add_element(out, "description", block.description);
  add_element(out, "metadata", facts);
  add_element(out, "value", block.value);
  out += "</" + block.label + ">\n";
  return out;
}

std::string render_memory(const Config& config, const std::vector<Block>& blocks,
                          PromptFacts facts) {
  std::string out = "<memory_blocks>\nThese blocks are your memory; they are always in view:\n\n";
  for (const Block& block : blocks) {
    out += render_block(block);
  }
  out += "</memory_blocks>\n\n<memory_metadata>\n";
  out += "- AGENT_ID: " + config.id + "\n";
  out += "- CONVERSATION_ID: default\n";
  out += "- System prompt last recompiled: " + codec::format_seconds(facts.compiled_at) + "\n";
  out += "- Messages in recall memory: " + std::to_string(facts.messages) + "\n";
  out += "</memory_metadata>";
  return out;
}

}  // namespace

std::string default_instructions() {
  return "You are a helpful agent with a memory of your own. What you know about yourself and "
         "about "
         "the person you talk to is kept in memory blocks, shown below. When you learn something "
         "worth keeping, write it into a block with your memory tools, and correct what turned out "
         "to be wrong. Answer in plain text. Call a tool only when it helps with the request.";
}

std::string compile_system_prompt(const Config& config, const std::vector<Block>& blocks,
                                  PromptFacts facts) {
  constexpr std::string_view kSlot = "{CORE_MEMORY}";
  const std::string memory = render_memory(config, blocks, facts);
  std::string prompt = config.system;
  const size_t slot = prompt.find(kSlot);
  if (slot != std::string::npos) {
    prompt.replace(slot, kSlot.size(), memory);
    return prompt;
  }
  return prompt.empty() ? memory : prompt + "\n\n" + memory;
}

}  // namespace kelpie::agent
