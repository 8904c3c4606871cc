#include "agent/tool_store.h"

#include <utility>

#include "agent/record_json.h"
#include "codec/json.h"

namespace kelpie::agent {

namespace json = boost::json;

Bytes Tool::encode() const {
  json::object object{{"format", kRecordFormat},
                      {"id", id},
                      {"name", name},
                      {"runtime", runtime},
                      {"source", source},
                      {"schema", schema},
                      {"created", created_micros},
                      {"updated", updated_micros}};
  put_text(object, "description", description);
  if (!requirements.empty()) {
    object["requirements"] = array_from(requirements);
  }
  if (!tags.empty()) {
    object["tags"] = array_from(tags);
  }
  return codec::write_json(object);
}

Result<Tool> Tool::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "tool"));
  Tool tool;
  tool.id = text_of(object, "id");
  tool.name = text_of(object, "name");
  tool.description = text_of(object, "description");
  tool.runtime = text_of(object, "runtime");
  tool.requirements = texts_of(object, "requirements");
  tool.source = text_of(object, "source");
  tool.schema = object_of(object, "schema");
  tool.tags = texts_of(object, "tags");
  tool.created_micros = number_of(object, "created");
  tool.updated_micros = number_of(object, "updated");
  return tool;
}

Task<std::optional<Tool>> ToolStore::by_name(std::string name) {
  const std::vector<std::string> ids = co_await table_.named(name);
  if (ids.empty()) {
    co_return std::optional<Tool>();
  }
  std::optional<Tool> tool = co_await table_.get(ids.front());
  if (!tool.has_value() || tool->name != name) {
    co_return base::data_loss("tool " + ids.front() +
                              " is indexed by a name that it does not have");
  }
  co_return std::move(tool);
}

// The names are read as a range, so that a tool of the same name that another commit brings in
// meanwhile is a conflict.
Task<void> ToolStore::put(Tool tool) {
  if (tool.name.empty()) {
    co_return base::invalid_argument("a tool's name is empty");
  }
  co_await check_name(tool.name, "a tool's name");
  const std::vector<std::string> ids = co_await table_.named(tool.name);
  for (const std::string& id : ids) {
    if (id != tool.id) {
      co_return base::already_exists("tool " + id + " has the name \"" + tool.name + "\" already");
    }
  }
  co_await table_.put(std::move(tool));
  co_return kOk;
}

Task<bool> ToolStore::erase(std::string id) {
  const std::optional<Tool> former = co_await table_.erase(std::move(id));
  co_return former.has_value();
}

}  // namespace kelpie::agent
