// RecordingSink: puts together what a DeltaSink hears. For tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "llm/model.h"

namespace kelpie::llm {

class RecordingSink final : public DeltaSink {
 public:
  void on_text(std::string_view piece) override {
    text.append(piece);
    ++text_deltas;
  }
  void on_reasoning(std::string_view piece) override { reasoning.append(piece); }
  void on_tool_call(size_t index, std::string_view id, std::string_view name,
                    std::string_view arguments_fragment) override {
    if (index >= calls.size()) {
      calls.resize(index + 1);
    }
    calls[index].id.append(id);
    calls[index].name.append(name);
    calls[index].arguments.append(arguments_fragment);
    ++call_deltas;
  }

  std::string text;
  std::string reasoning;
  std::vector<ToolCall> calls;
  size_t text_deltas = 0;
  size_t call_deltas = 0;
};

}  // namespace kelpie::llm
