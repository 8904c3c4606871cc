// The suite: custom tools, and the directory of MCP servers, groups, identities, projects, jobs.
#include <array>

#include "agent/agent_store_suite_support.h"
#include "agent/directory_store.h"
#include "agent/tool_store.h"
#include "store/keys.h"

namespace kelpie::agent {
namespace {

using namespace suite;  // NOLINT: the suite's own helpers

constexpr EntryKind kKinds[] = {EntryKind::kMcpServer, EntryKind::kGroup, EntryKind::kIdentity,
                                EntryKind::kProject, EntryKind::kJob};

Tool tool_of(std::string id, std::string name, int64_t created_micros) {
  Tool tool;
  tool.id = std::move(id);
  tool.name = std::move(name);
  tool.created_micros = created_micros;
  return tool;
}

Task<void> put(Bench bench, Tool tool) {
  co_return co_await on<ToolStore>(bench, [&](ToolStore& tools) {
    return tools.put(tool);
  }).result();
}

Task<std::optional<Tool>> tool(Bench bench, std::string id) {
  co_return co_await on<ToolStore>(bench, [&](ToolStore& tools) { return tools.get(id); }).result();
}

Task<std::optional<Tool>> tool_named(Bench bench, std::string name) {
  co_return co_await on<ToolStore>(bench, [&](ToolStore& tools) {
    return tools.by_name(name);
  }).result();
}

Task<bool> erase_tool(Bench bench, std::string id) {
  co_return co_await on<ToolStore>(bench, [&](ToolStore& tools) {
    return tools.erase(id);
  }).result();
}

Task<Ids> tool_ids(Bench bench, PageRequest page) {
  const auto found =
      co_await on<ToolStore>(bench, [&](ToolStore& tools) { return tools.list(page); });
  co_return ids_of(found);
}

Task<void> saves_loads_lists_and_deletes_tools(Bench bench) {
  const Rows before = co_await everything(bench);
  Tool saved = tool_of("t1", "roll_dice", 10);
  saved.updated_micros = 11;
  saved.description = "rolls";
  saved.runtime = "python";
  saved.requirements = {"numpy==2.1", "rich"};
  saved.source = "def roll_dice():\n  return 4\n" + std::string(150'000, '#');
  saved.schema = {{"type", "object"}, {"properties", boost::json::object{{"sides", 6}}}};
  saved.tags = {"fun"};
  co_await put(bench, saved);
  const std::optional<Tool> loaded = co_await tool_named(bench, "roll_dice");
  CONFORM(loaded.has_value() && loaded->id == "t1" && loaded->encode() == saved.encode());
  CONFORM(loaded->requirements == saved.requirements && loaded->runtime == "python");
  CONFORM(loaded->created_micros == 10 && loaded->updated_micros == 11);
  co_await put(bench, tool_of("t3", "b", 20));
  co_await put(bench, tool_of("t2", "c", 20));
  co_await check_paging({"t1", "t2", "t3"},
                        [&](PageRequest page) { return tool_ids(bench, page); });
  // Renamed: found by the new name and no more by the old one, which is free again.
  saved.name = "throw_dice";
  co_await put(bench, saved);
  CONFORM(!(co_await tool_named(bench, "roll_dice")).has_value());
  CONFORM((co_await tool_named(bench, "throw_dice"))->id == "t1");
  co_await put(bench, tool_of("t4", "roll_dice", 30));
  const auto taken = co_await put(bench, tool_of("t5", "roll_dice", 40)).result();
  CONFORM(failed_with(taken, Code::kAlreadyExists));
  CONFORM(taken.error().message.find("t4") != std::string::npos);
  CONFORM(!(co_await tool(bench, "t5")).has_value());
  for (const char* id : {"t1", "t2", "t3", "t4"}) {
    CONFORM(co_await erase_tool(bench, id));
    CONFORM(!co_await erase_tool(bench, id));
    CONFORM(!(co_await tool(bench, id)).has_value());
  }
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> refuses_bad_names_of_tools(Bench bench) {
  const std::string long_name(kRecordNameBytesMax + 1, 'n');
  for (const std::string& name : {std::string(), long_name}) {
    CONFORM(
        failed_with(co_await put(bench, tool_of("t", name, 1)).result(), Code::kInvalidArgument));
  }
  CONFORM(failed_with(co_await put(bench, tool_of("", "n", 1)).result(), Code::kInvalidArgument));
  CONFORM(failed_with(
      co_await put(bench, tool_of(std::string(kRecordIdBytesMax + 1, 't'), "n", 1)).result(),
      Code::kInvalidArgument));
  CONFORM((co_await tool_ids(bench, PageRequest())).empty());
  co_return kOk;
}

Task<void> claim_name(Bench bench, std::string id, int& claimed) {
  const auto result = co_await put(bench, tool_of(std::move(id), "wanted", 1)).result();
  CONFORM(result.ok() || result.error().code == Code::kAlreadyExists);
  claimed += result.ok() ? 1 : 0;
  co_return kOk;
}

Task<void> gives_a_name_to_one_of_several(Bench bench) {
  int claimed = 0;
  std::vector<Task<void>> tasks;
  for (const char* id : {"t1", "t2", "t3"}) {
    tasks.push_back(claim_name(bench, id, claimed));
  }
  co_await together(bench, std::move(tasks));
  CONFORM(claimed == 1);
  CONFORM((co_await tool_ids(bench, PageRequest())).size() == 1);
  co_return kOk;
}

Entry entry_of(std::string id, std::string name, int64_t created_micros, Ids agent_ids = {}) {
  Entry entry;
  entry.id = std::move(id);
  entry.name = std::move(name);
  entry.created_micros = created_micros;
  entry.agent_ids = std::move(agent_ids);
  return entry;
}

Task<Entry> put(Bench bench, EntryKind kind, Entry entry) {
  co_return co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
    return directory.put(kind, entry);
  }).result();
}

Task<std::optional<Entry>> entry(Bench bench, EntryKind kind, std::string id) {
  co_return co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
    return directory.get(kind, id);
  }).result();
}

Task<bool> erase_entry(Bench bench, EntryKind kind, std::string id) {
  co_return co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
    return directory.erase(kind, id);
  }).result();
}

Task<Ids> entry_ids(Bench bench, EntryKind kind, PageRequest page) {
  const auto found = co_await on<DirectoryStore>(
      bench, [&](DirectoryStore& directory) { return directory.list(kind, page); });
  co_return ids_of(found);
}

Task<Ids> ids_named(Bench bench, EntryKind kind, std::string name) {
  co_return co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
    return directory.named(kind, name);
  }).result();
}

Task<std::vector<Membership>> memberships(Bench bench, std::string agent_id) {
  co_return co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
    return directory.memberships(agent_id);
  }).result();
}

Task<void> keeps_entries_of_each_kind_apart(Bench bench) {
  const Rows before = co_await everything(bench);
  for (EntryKind kind : kKinds) {
    Entry saved = entry_of("e1", "same", 10);
    saved.updated_micros = 11;
    saved.fields = {{"kind", kind_name(kind)}, {"url", "http://127.0.0.1:1"}};
    co_await put(bench, kind, saved);
    co_await put(bench, kind, entry_of("e3", "same", 20));
    co_await put(bench, kind, entry_of("e2", "", 20));
    co_await check_paging({"e1", "e2", "e3"},
                          [&](PageRequest page) { return entry_ids(bench, kind, page); });
  }
  for (EntryKind kind : kKinds) {
    const std::optional<Entry> loaded = co_await entry(bench, kind, "e1");
    CONFORM(loaded.has_value() && loaded->name == "same" && loaded->updated_micros == 11);
    CONFORM(loaded->fields.at("kind").as_string() == kind_name(kind));
    CONFORM(co_await ids_named(bench, kind, "same") == Ids({"e1", "e3"}));
    CONFORM((co_await ids_named(bench, kind, "")).empty());
    co_await put(bench, kind, entry_of("e3", "other", 5));
    CONFORM(co_await ids_named(bench, kind, "same") == Ids({"e1"}));
    CONFORM(co_await entry_ids(bench, kind, PageRequest()) == Ids({"e2", "e1", "e3"}));
    for (const char* id : {"e1", "e2", "e3"}) {
      CONFORM(co_await erase_entry(bench, kind, id));
      CONFORM(!co_await erase_entry(bench, kind, id));
      CONFORM(!(co_await entry(bench, kind, id)).has_value());
    }
  }
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> names_agents_that_are_there(Bench bench) {
  const EntryKind group = EntryKind::kGroup;
  for (const char* id : {"a", "b", "c"}) {
    co_await make_agent(bench, id);
  }
  const Rows before = co_await everything(bench);
  const auto nobody = co_await put(bench, group, entry_of("g", "g", 1, {"a", "x"})).result();
  CONFORM(failed_with(nobody, Code::kNotFound));
  CONFORM(nobody.error().message.find("x") != std::string::npos);
  const auto twice = co_await put(bench, group, entry_of("g", "g", 1, {"a", "a"})).result();
  CONFORM(failed_with(twice, Code::kInvalidArgument));
  const auto many =
      co_await put(bench, group, entry_of("g", "g", 1, Ids(kAgentsPerEntryMax + 1, "a"))).result();
  CONFORM(failed_with(many, Code::kInvalidArgument));
  CONFORM(co_await everything(bench) == before);
  co_await put(bench, group, entry_of("g", "g", 1, {"b", "a"}));
  co_await put(bench, EntryKind::kProject, entry_of("p", "p", 1, {"a"}));
  CONFORM((co_await entry(bench, group, "g"))->agent_ids == Ids({"b", "a"}));
  CONFORM((co_await memberships(bench, "a") ==
           std::vector<Membership>{{"group", "g"}, {"project", "p"}}));
  co_await put(bench, group, entry_of("g", "g", 1, {"c", "b"}));
  CONFORM((co_await memberships(bench, "a") == std::vector<Membership>{{"project", "p"}}));
  CONFORM((co_await memberships(bench, "c") == std::vector<Membership>{{"group", "g"}}));
  CONFORM(co_await erase_entry(bench, group, "g"));
  CONFORM(co_await erase_entry(bench, EntryKind::kProject, "p"));
  for (const char* id : {"a", "b", "c"}) {
    CONFORM((co_await memberships(bench, id)).empty());
  }
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

// An index entry without its record is damage, and never a shorter list.
Task<void> tells_a_lost_record_from_none(Bench bench) {
  namespace keys = store::keys;
  co_await put(bench, tool_of("t1", "n", 1));
  const keys::Table tools = keys::catalogue("tool");
  const auto damage = bench.database.begin();
  co_await store::set_chunked(*damage, keys::table_record(tools, "t1"), R"({"format":2})");
  co_await damage->commit();
  const auto newer = co_await tool(bench, "t1").result();
  CONFORM(failed_with(newer, Code::kDataLoss));
  CONFORM(newer.error().message.find("tool t1") != std::string::npos);
  CONFORM(failed_with(co_await erase_tool(bench, "t1").result(), Code::kDataLoss));
  const auto loss = bench.database.begin();
  co_await store::clear_chunked(*loss, keys::table_record(tools, "t1"));
  co_await loss->commit();
  const auto listed = co_await tool_ids(bench, PageRequest()).result();
  CONFORM(failed_with(listed, Code::kDataLoss));
  CONFORM(listed.error().message.find("t1") != std::string::npos);
  CONFORM(failed_with(co_await tool_named(bench, "n").result(), Code::kDataLoss));
  co_return kOk;
}

constexpr auto kCases = std::to_array<SuiteCase>({
    {"SavesLoadsListsAndDeletesTools", saves_loads_lists_and_deletes_tools},
    {"RefusesBadNamesOfTools", refuses_bad_names_of_tools},
    {"GivesANameToOneOfSeveral", gives_a_name_to_one_of_several},
    {"KeepsEntriesOfEachKindApart", keeps_entries_of_each_kind_apart},
    {"NamesAgentsThatAreThere", names_agents_that_are_there},
    {"TellsALostRecordFromNone", tells_a_lost_record_from_none},
});

}  // namespace

std::span<const SuiteCase> catalogue_cases() { return kCases; }

}  // namespace kelpie::agent
