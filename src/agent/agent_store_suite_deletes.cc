// The suite: what a delete takes with it, and what readers and writers beside it see (promise S18).
#include <array>

#include "agent/agent_store_suite_support.h"
#include "agent/archive_store.h"
#include "agent/directory_store.h"
#include "agent/session_store.h"

namespace kelpie::agent {
namespace {

using namespace suite;  // NOLINT: the suite's own helpers

// One of everything, each in several rows, in the transaction it is given.
Task<void> fill(store::Transaction& transaction, std::string id) {
  const std::string big(200'000, 'x');
  AgentStore agents{transaction};
  SessionStore sessions{transaction};
  ArchiveStore archive{transaction};
  DirectoryStore directory{transaction};
  Config config = config_of(id, 7);
  config.system = big;
  co_await agents.insert_agent(config);
  Block block;
  block.label = "human";
  block.value = big;
  co_await agents.put_block(id, block);
  Message message = message_of("m", 10);
  message.text = big;
  co_await agents.append_message(id, message);
  agent::Run queued;
  queued.id = "run-1";
  co_await agents.put_run(id, queued);
  agents.enqueue(id, {1, "run-1"});
  Session session;
  session.id = "s";
  session.stop_reason = big;
  session.updated_micros = 20;
  co_await sessions.checkpoint(id, session, message_of("m2", 20));
  ArchiveEntry entry;
  entry.id = "e";
  entry.text = big;
  entry.created_micros = 30;
  co_await archive.put(id, entry);
  Entry group;
  group.id = "group-of-" + id;
  group.agent_ids = {id};
  co_await directory.put(EntryKind::kGroup, group);
  co_return kOk;
}

Task<void> fill(Bench bench, std::string id) {
  co_return co_await store::run(
      bench.database, [&](store::Transaction& transaction) { return fill(transaction, id); },
      kPatient)
      .result();
}

Task<bool> erase_if_there(AgentStore& agents, std::string id, world::Faults& faults) {
  const std::optional<Config> config = co_await agents.config(std::move(id));
  if (!config.has_value()) {
    co_return false;
  }
  co_await agents.erase_agent(*config, faults);
  co_return true;
}

Task<bool> erase(Bench bench, std::string id) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return erase_if_there(agents, id, bench.faults);
  }).result();
}

Task<bool> erase_group(Bench bench, std::string id) {
  co_return co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
    return directory.erase(EntryKind::kGroup, id);
  }).result();
}

Task<void> a_delete_leaves_no_key_of_the_agent(Bench bench) {
  // Ids that are prefixes of one another share the beginning of their keys.
  co_await fill(bench, "agent-1");
  co_await fill(bench, "agent-12");
  const Rows before = co_await everything(bench);
  co_await fill(bench, "agent-");
  CONFORM((co_await everything(bench)).size() > before.size() + 20);
  CONFORM(co_await erase(bench, "agent-"));
  CONFORM(!co_await erase(bench, "agent-"));
  // What remains is the group, which is no part of the agent.
  CONFORM(co_await erase_group(bench, "group-of-agent-"));
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> a_group_loses_an_agent_with_its_delete(Bench bench) {
  const EntryKind group = EntryKind::kGroup;
  for (const char* id : {"a", "b"}) {
    co_await make_agent(bench, id);
  }
  Entry entry;
  entry.id = "g";
  entry.agent_ids = {"a", "b"};
  const auto put = [&](DirectoryStore& directory) { return directory.put(group, entry); };
  const auto live = [&](DirectoryStore& directory) { return directory.live_agents(group, entry); };
  co_await on<DirectoryStore>(bench, put);
  CONFORM(co_await on<DirectoryStore>(bench, live) == Ids({"a", "b"}));
  CONFORM(co_await erase(bench, "a"));
  CONFORM(co_await on<DirectoryStore>(bench, live) == Ids({"b"}));
  // A new agent of the same id was never in the group.
  co_await make_agent(bench, "a");
  CONFORM(co_await on<DirectoryStore>(bench, live) == Ids({"b"}));
  CONFORM(co_await erase(bench, "a"));
  // Written again, the group forgets the one that is gone, and brings no key of it back.
  const Rows before = co_await everything(bench);
  const Entry written = co_await on<DirectoryStore>(bench, put);
  CONFORM(written.agent_ids == Ids({"b"}));
  CONFORM((co_await everything(bench)).size() == before.size());
  CONFORM(co_await erase_group(bench, "g"));
  CONFORM(co_await erase(bench, "b"));
  co_return kOk;
}

// In one snapshot either all of the agent is there or nothing of it.
Task<bool> all_or_nothing(store::Transaction& transaction, std::string id) {
  AgentStore agents{transaction};
  SessionStore sessions{transaction};
  ArchiveStore archive{transaction};
  DirectoryStore directory{transaction};
  const std::vector<std::string> listed = co_await agents.agent_ids(PageRequest());
  const std::vector<std::string> working = co_await agents.working_agents();
  const std::vector<bool> parts = {
      co_await agents.exists(id),
      std::ranges::find(listed, id) != listed.end(),
      std::ranges::find(working, id) != working.end(),
      co_await agents.count_messages(id) > 0,
      (co_await agents.message(id, "m")).has_value(),
      !(co_await agents.messages_since(id, WallTime(), PageRequest())).empty(),
      !(co_await agents.blocks(id)).empty(),
      !(co_await agents.queue(id)).empty(),
      (co_await agents.run(id, "run-1")).has_value(),
      (co_await sessions.latest(id)).has_value(),
      (co_await archive.get(id, "e")).has_value(),
      !(co_await archive.list(id, PageRequest())).empty(),
      !(co_await directory.memberships(id)).empty(),
  };
  CONFORM(std::ranges::count(parts, parts.front()) == static_cast<ptrdiff_t>(parts.size()));
  co_return parts.front();
}

// Looks until the agent was there and is gone.
Task<void> watch_agent(Bench bench, std::string id) {
  bool seen = false;
  for (int round = 0;; ++round) {
    const auto transaction = bench.database.begin();
    const bool there = co_await all_or_nothing(*transaction, id);
    if (seen && !there) {
      co_return kOk;
    }
    seen = seen || there;
    CONFORM(round < kRoundsMax);
    co_await pause(bench);
  }
}

Task<void> append_until_gone(Bench bench, std::string id, std::string name, int& appended) {
  for (int i = 0;; ++i) {
    const Result<Message> result =
        co_await append(bench, id, message_of(name + std::to_string(i), 40 + i)).result();
    if (failed_with(result, Code::kNotFound)) {
      co_return kOk;
    }
    CONFORM(result.ok());
    ++appended;
    CONFORM(i < kRoundsMax);
    co_await pause(bench);
  }
}

Task<void> save_until_gone(Bench bench, std::string id) {
  for (int i = 0;; ++i) {
    Session session;
    session.id = "other";
    session.updated_micros = 40 + i;
    const Result<void> saved = co_await on<SessionStore>(bench, [&](SessionStore& sessions) {
                                 return sessions.put(id, session);
                               }).result();
    ArchiveEntry entry;
    entry.id = "entry-" + std::to_string(i);
    const Result<void> kept = co_await on<ArchiveStore>(bench, [&](ArchiveStore& archive) {
                                return archive.put(id, entry);
                              }).result();
    if (failed_with(kept, Code::kNotFound)) {
      co_return kOk;
    }
    CONFORM(kept.ok() && saved.ok());
    CONFORM(i < kRoundsMax);
    co_await pause(bench);
  }
}

// Puts the agent into a group of its own, again and again.
Task<void> group_until_gone(Bench bench, std::string id) {
  Entry entry;
  entry.id = "restless";
  for (int i = 0;; ++i) {
    entry.agent_ids = i % 2 == 0 ? Ids{id} : Ids{};
    const Result<Entry> result = co_await on<DirectoryStore>(bench, [&](DirectoryStore& directory) {
                                   return directory.put(EntryKind::kGroup, entry);
                                 }).result();
    if (failed_with(result, Code::kNotFound)) {
      break;
    }
    CONFORM(result.ok());
    CONFORM(i < kRoundsMax);
    co_await pause(bench);
  }
  co_await erase_group(bench, "restless");
  co_return kOk;
}

Task<void> erase_after(Bench bench, std::string id, const int& appended) {
  int round = 0;
  while (appended < 6) {
    CONFORM(++round < kRoundsMax);
    co_await pause(bench);
  }
  CONFORM(co_await erase(bench, id));
  co_return kOk;
}

Task<void> a_delete_beside_readers_and_writers_leaves_nothing(Bench bench) {
  co_await fill(bench, "neighbour");
  const Rows before = co_await everything(bench);
  co_await fill(bench, "a");
  int appended = 0;
  std::vector<Task<void>> tasks;
  tasks.push_back(watch_agent(bench, "a"));
  tasks.push_back(append_until_gone(bench, "a", "x", appended));
  tasks.push_back(append_until_gone(bench, "a", "y", appended));
  tasks.push_back(save_until_gone(bench, "a"));
  tasks.push_back(group_until_gone(bench, "a"));
  tasks.push_back(erase_after(bench, "a", appended));
  co_await together(bench, std::move(tasks));
  CONFORM(co_await erase_group(bench, "group-of-a"));
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

// A writer that had looked before the delete, and commits after it.
Task<void> a_delete_refuses_who_looked_before(Bench bench) {
  const Rows before = co_await everything(bench);
  co_await make_agent(bench, "a");
  const auto appending = bench.database.begin();
  const auto saving = bench.database.begin();
  const auto grouping = bench.database.begin();
  AgentStore agents{*appending};
  SessionStore sessions{*saving};
  DirectoryStore directory{*grouping};
  Session session;
  session.id = "s";
  Entry group;
  group.id = "g";
  group.agent_ids = {"a"};
  co_await agents.append_message("a", message_of("m", 1));
  co_await sessions.put("a", session);
  co_await directory.put(EntryKind::kGroup, group);
  CONFORM(co_await erase(bench, "a"));
  for (store::Transaction* late : {appending.get(), saving.get(), grouping.get()}) {
    CONFORM(failed_with(co_await late->commit().result(), Code::kAborted));
  }
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

constexpr auto kCases = std::to_array<SuiteCase>({
    {"ADeleteLeavesNoKeyOfTheAgent", a_delete_leaves_no_key_of_the_agent},
    {"AGroupLosesAnAgentWithItsDelete", a_group_loses_an_agent_with_its_delete},
    {"ADeleteBesideReadersAndWritersLeavesNothing",
     a_delete_beside_readers_and_writers_leaves_nothing},
    {"ADeleteRefusesWhoLookedBefore", a_delete_refuses_who_looked_before},
});

}  // namespace

std::span<const SuiteCase> delete_cases() { return kCases; }

}  // namespace kelpie::agent
