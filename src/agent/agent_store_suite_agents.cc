// The suite: agents and blocks; what is refused.
#include <array>

#include "agent/agent_store_suite_support.h"
#include "store/keys.h"

namespace kelpie::agent {
namespace {

using namespace suite;  // NOLINT: the suite's own helpers
namespace keys = store::keys;

Block block_of(std::string label, std::string value, int64_t position = 0) {
  Block block;
  block.position = position;
  block.id = "block-" + label;
  block.label = std::move(label);
  block.value = std::move(value);
  block.limit = 100;
  return block;
}

Task<std::optional<Config>> config(Bench bench, std::string id) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.config(id);
  }).result();
}

Task<bool> exists(Bench bench, std::string id) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.exists(id);
  }).result();
}

Task<Ids> agent_ids(Bench bench, PageRequest page) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.agent_ids(page);
  }).result();
}

Task<void> put_block(Bench bench, std::string agent_id, Block block) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.put_block(agent_id, block);
  }).result();
}

Task<Block> append_to_block(Bench bench, std::string agent_id, std::string label,
                            std::string text) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.append_to_block(agent_id, label, text);
  }).result();
}

Task<void> saves_loads_lists_and_deletes_agents(Bench bench) {
  const Rows before = co_await everything(bench);
  CONFORM(!co_await exists(bench, "a"));
  CONFORM(!(co_await config(bench, "a")).has_value());
  co_await make_agent(bench, "a", 10);
  co_await make_agent(bench, "b", 20);
  std::optional<Config> saved = co_await config(bench, "a");
  CONFORM(saved.has_value() && saved->created_micros == 10);
  saved->system = std::string(300'000, 's');
  co_await on<AgentStore>(bench, [&](AgentStore& agents) { return agents.put_config(*saved); });
  CONFORM((co_await config(bench, "a"))->system == saved->system);
  CONFORM(co_await exists(bench, "a"));
  CONFORM(co_await agent_ids(bench, PageRequest()) == Ids({"b", "a"}));
  for (const char* id : {"a", "b"}) {
    const std::optional<Config> gone = co_await config(bench, id);
    co_await on<AgentStore>(
        bench, [&](AgentStore& agents) { return agents.erase_agent(*gone, bench.faults); });
    CONFORM(!co_await exists(bench, id));
  }
  CONFORM((co_await agent_ids(bench, PageRequest())).empty());
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> pages_agents_by_creation(Bench bench) {
  // Two of one moment; ids in another order than times.
  co_await make_agent(bench, "d", 10);
  co_await make_agent(bench, "a", 200);
  co_await make_agent(bench, "b", 200);
  co_await make_agent(bench, "c", 3'000);
  co_return co_await check_paging({"d", "a", "b", "c"}, [&](PageRequest page) {
    return agent_ids(bench, page);
  }).result();
}

Task<void> saves_loads_updates_and_appends_to_blocks(Bench bench) {
  co_await make_agent(bench, "a");
  co_await put_block(bench, "a", block_of("human", "likes "));
  co_await put_block(bench, "a", block_of("persona", "is", 1));
  const Block appended = co_await append_to_block(bench, "a", "human", "tea \u00e9");
  CONFORM(appended.value == "likes tea \u00e9");
  const Block replaced = co_await on<AgentStore>(
      bench, [](AgentStore& agents) { return agents.set_block_value("a", "persona", "was"); });
  CONFORM(replaced.value == "was" && replaced.id == "block-persona");
  const auto blocks =
      co_await on<AgentStore>(bench, [](AgentStore& agents) { return agents.blocks("a"); });
  CONFORM(ids_of(blocks) == Ids({"block-human", "block-persona"}));
  CONFORM(blocks[0].value == appended.value && blocks[1].value == "was");
  // The limit counts characters: 100 of two bytes fit, 101 of one do not.
  std::string wide;
  for (int i = 0; i < 100; ++i) {
    wide += "\u00e9";
  }
  co_await put_block(bench, "a", block_of("wide", ""));
  CONFORM((co_await append_to_block(bench, "a", "wide", wide)).value == wide);
  const auto over = co_await append_to_block(bench, "a", "wide", "x").result();
  CONFORM(failed_with(over, Code::kOutOfRange));
  CONFORM(over.error().message.find("101") != std::string::npos);
  const auto kept =
      co_await on<AgentStore>(bench, [](AgentStore& agents) { return agents.block("a", "wide"); });
  CONFORM(kept->value == wide);
  const auto absent = co_await append_to_block(bench, "a", "absent", "x").result();
  CONFORM(failed_with(absent, Code::kNotFound));
  co_await on<AgentStore>(bench,
                          [](AgentStore& agents) { return agents.erase_block("a", "human"); });
  const auto gone =
      co_await on<AgentStore>(bench, [](AgentStore& agents) { return agents.block("a", "human"); });
  CONFORM(!gone.has_value());
  co_return kOk;
}

Task<void> append_words(Bench bench, std::string word, int count) {
  for (int i = 0; i < count; ++i) {
    co_await append_to_block(bench, "a", "log", word);
  }
  co_return kOk;
}

Task<void> keeps_concurrent_appends_to_a_block(Bench bench) {
  constexpr int kTimes = 10;
  co_await make_agent(bench, "a");
  co_await put_block(bench, "a", block_of("log", ""));
  std::vector<Task<void>> tasks;
  for (const char* word : {"x", "y", "z"}) {
    tasks.push_back(append_words(bench, word, kTimes));
  }
  co_await together(bench, std::move(tasks));
  const auto block =
      co_await on<AgentStore>(bench, [](AgentStore& agents) { return agents.block("a", "log"); });
  for (char word : {'x', 'y', 'z'}) {
    CONFORM(std::ranges::count(block->value, word) == kTimes);
  }
  CONFORM(block->value.size() == size_t{3} * kTimes);
  co_return kOk;
}

Task<void> refuses_ids_and_labels_that_are_too_long(Bench bench) {
  const Rows before = co_await everything(bench);
  const std::string long_id(kRecordIdBytesMax + 1, 'i');
  const std::string long_label(kRecordNameBytesMax + 1, 'l');
  CONFORM(failed_with(co_await make_agent(bench, long_id).result(), Code::kInvalidArgument));
  CONFORM(failed_with(co_await make_agent(bench, "").result(), Code::kInvalidArgument));
  const auto block = co_await put_block(bench, "a", block_of(long_label, "")).result();
  CONFORM(failed_with(block, Code::kInvalidArgument));
  CONFORM(block.error().message.find("1001") != std::string::npos);
  CONFORM(co_await everything(bench) == before);
  co_await make_agent(bench, std::string(kRecordIdBytesMax, 'i'));
  co_await make_agent(bench, "a");
  co_await put_block(bench, "a", block_of(std::string(kRecordNameBytesMax, 'l'), "v"));
  for (const std::string& id : {long_id, std::string()}) {
    CONFORM(failed_with(co_await append(bench, "a", message_of(id, 1)).result(),
                        Code::kInvalidArgument));
  }
  co_await append(bench, "a", message_of(std::string(kRecordIdBytesMax, 'm'), 1));
  co_return kOk;
}

// Writes `record` where a good one lies; what reads it must say data_loss and name it.
template <class Read>
Task<void> check_damage(Bench bench, Bytes key, std::string name, Read read) {
  for (const char* record : {"{", "[]", R"({"format":1}x)", R"({"format":2})", R"({"id":"x"})"}) {
    const auto damage = bench.database.begin();
    co_await store::set_chunked(*damage, key, record);
    co_await damage->commit();
    const auto result = co_await on<AgentStore>(bench, read).result();
    CONFORM(failed_with(result, Code::kDataLoss));
    CONFORM(result.error().message.find(name) != std::string::npos);
    const bool newer = result.error().message.find("newer version") != std::string::npos;
    CONFORM(newer == (std::string_view(record) == R"({"format":2})"));
  }
  const auto damage = bench.database.begin();
  damage->set(key, "\x7fnot a chunked value");
  co_await damage->commit();
  const auto result = co_await on<AgentStore>(bench, read).result();
  CONFORM(failed_with(result, Code::kDataLoss));
  CONFORM(result.error().message.find(name) != std::string::npos);
  co_return kOk;
}

Task<void> names_a_damaged_record_and_refuses_a_newer_one(Bench bench) {
  co_await make_agent(bench, "a");
  co_await put_block(bench, "a", block_of("human", ""));
  const Message message = co_await append(bench, "a", message_of("message-1", 5));
  const Bytes message_key = keys::agent_message("a", message.place.turn, message.place.index);
  co_await check_damage(bench, message_key, "message-1",
                        [](AgentStore& agents) { return agents.message("a", "message-1"); });
  co_await check_damage(bench, keys::agent_block("a", "human"), "human",
                        [](AgentStore& agents) { return agents.block("a", "human"); });
  co_await check_damage(bench, keys::agent_config("a"), "agent a",
                        [](AgentStore& agents) { return agents.config("a"); });
  co_return kOk;
}

constexpr auto kCases = std::to_array<SuiteCase>({
    {"SavesLoadsListsAndDeletesAgents", saves_loads_lists_and_deletes_agents},
    {"PagesAgentsByCreation", pages_agents_by_creation},
    {"SavesLoadsUpdatesAndAppendsToBlocks", saves_loads_updates_and_appends_to_blocks},
    {"KeepsConcurrentAppendsToABlock", keeps_concurrent_appends_to_a_block},
    {"RefusesIdsAndLabelsThatAreTooLong", refuses_ids_and_labels_that_are_too_long},
    {"NamesADamagedRecordAndRefusesANewerOne", names_a_damaged_record_and_refuses_a_newer_one},
});

}  // namespace

std::span<const SuiteCase> agent_cases() { return kCases; }

std::vector<SuiteCase> agent_store_suite() {
  std::vector<SuiteCase> all;
  for (const auto& part :
       {agent_cases(), message_cases(), session_cases(), catalogue_cases(), delete_cases()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace kelpie::agent
