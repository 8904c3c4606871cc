// ToolStore: tools that users wrote, over one transaction.
#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/record_io.h"
#include "agent/record_table.h"
#include "async/task.h"
#include "base/result.h"

namespace kelpie::agent {

struct Tool {
  std::string id;
  std::string name;  // unique among tools; not empty
  std::string description;
  std::string runtime;  // what runs the source: `python`, ...
  std::vector<std::string>
      requirements;  // packages that the source needs, as the runtime names them
  std::string source;
  boost::json::object schema;  // of its arguments: JSON Schema
  std::vector<std::string> tags;
  int64_t created_micros = 0;
  int64_t updated_micros = 0;

  [[nodiscard]] int64_t index_micros() const { return created_micros; }
  [[nodiscard]] const std::string& index_name() const { return name; }
  [[nodiscard]] Bytes encode() const;
  static Result<Tool> decode(ByteView bytes);
};

// Lives no longer than its transaction. Agents name tools; an agent whose tool was deleted goes on
// naming it, and who runs the tool says that it is not there.
class ToolStore {
 public:
  explicit ToolStore(RecordIo io) : table_(io, store::keys::catalogue("tool"), "tool") {}

  Task<std::optional<Tool>> get(std::string id) { return table_.get(std::move(id)); }
  Task<std::optional<Tool>> by_name(std::string name);
  // Writes a tool, also over itself. already_exists if another tool has its name.
  Task<void> put(Tool tool);
  // By time of creation.
  Task<std::vector<Tool>> list(PageRequest page) { return table_.list(std::move(page)); }
  // With its index entries; false if there was none.
  Task<bool> erase(std::string id);

 private:
  RecordTable<Tool> table_;
};

}  // namespace kelpie::agent
