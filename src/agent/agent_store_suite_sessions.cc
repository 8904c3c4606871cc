// The suite: sessions, checkpoints, archival entries.
#include <array>
#include <bit>
#include <cstdint>

#include "agent/agent_store_suite_support.h"
#include "agent/archive_store.h"
#include "agent/session_store.h"

namespace kelpie::agent {
namespace {

using namespace suite;  // NOLINT: the suite's own helpers

WallTime at_micros(int64_t micros) { return WallTime::from_nanos(micros * 1'000); }

Session session_of(std::string id, int64_t iteration, int64_t updated_micros) {
  Session session;
  session.id = std::move(id);
  session.run_id = "run-1";
  session.iteration = iteration;
  session.created_micros = 5;
  session.updated_micros = updated_micros;
  return session;
}

Task<void> put(Bench bench, Session session) {
  co_return co_await on<SessionStore>(bench, [&](SessionStore& sessions) {
    return sessions.put("a", session);
  }).result();
}

Task<std::optional<Session>> session(Bench bench, std::string id) {
  co_return co_await on<SessionStore>(bench, [&](SessionStore& sessions) {
    return sessions.get("a", id);
  }).result();
}

Task<std::optional<Session>> latest(Bench bench) {
  co_return co_await on<SessionStore>(bench, [](SessionStore& sessions) {
    return sessions.latest("a");
  }).result();
}

Task<Ids> session_ids(Bench bench, PageRequest page) {
  const auto found = co_await on<SessionStore>(
      bench, [&](SessionStore& sessions) { return sessions.list("a", page); });
  co_return ids_of(found);
}

Task<bool> erase_session(Bench bench, std::string id) {
  co_return co_await on<SessionStore>(bench, [&](SessionStore& sessions) {
    return sessions.erase("a", id);
  }).result();
}

Task<size_t> message_count(Bench bench) {
  co_return co_await on<AgentStore>(bench, [](AgentStore& agents) {
    return agents.count_messages("a");
  }).result();
}

Task<void> loads_a_session_as_it_was_saved(Bench bench) {
  CONFORM(failed_with(co_await put(bench, session_of("s", 1, 1)).result(), Code::kNotFound));
  co_await make_agent(bench, "a");
  const Rows before = co_await everything(bench);
  CONFORM(!(co_await session(bench, "s")).has_value());
  CONFORM(!(co_await latest(bench)).has_value());
  Session saved = session_of("s", 7, 20);
  saved.pause_until_micros = 1'700'000'000'000'000;
  saved.pending_calls = {{"call-1", "search", R"({"q":"x"})"}, {"call-2", "sleep", "{"}};
  saved.last_result = ToolReturn{"call-0", "search", "error", "no such \"thing\""};
  saved.stop_reason = "paused";
  co_await put(bench, saved);
  const std::optional<Session> loaded = co_await session(bench, "s");
  CONFORM(loaded.has_value() && loaded->iteration == 7 && loaded->run_id == "run-1");
  CONFORM(loaded->pause_until_micros == saved.pause_until_micros);
  CONFORM(loaded->pending_calls == saved.pending_calls && loaded->stop_reason == "paused");
  CONFORM(loaded->last_result.has_value() && loaded->last_result->tool_call_id == "call-0");
  CONFORM(loaded->last_result->content == saved.last_result->content);
  CONFORM(loaded->created_micros == 5 && loaded->updated_micros == 20);
  co_await put(bench, session_of("s", 8, 30));
  const std::optional<Session> after = co_await session(bench, "s");
  CONFORM(after->iteration == 8 && after->pending_calls.empty());
  CONFORM(!after->last_result.has_value() && after->stop_reason.empty());
  CONFORM(!co_await erase_session(bench, "other"));
  CONFORM(co_await erase_session(bench, "s"));
  CONFORM(!co_await erase_session(bench, "s"));
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> lists_sessions_by_the_last_write(Bench bench) {
  co_await make_agent(bench, "a");
  co_await put(bench, session_of("s1", 1, 10));
  co_await put(bench, session_of("s2", 1, 20));
  co_await put(bench, session_of("s3", 1, 20));
  CONFORM((co_await latest(bench))->id == "s3");
  co_await put(bench, session_of("s1", 2, 30));
  CONFORM((co_await latest(bench))->id == "s1" && (co_await latest(bench))->iteration == 2);
  co_await check_paging({"s2", "s3", "s1"},
                        [&](PageRequest page) { return session_ids(bench, page); });
  CONFORM(co_await erase_session(bench, "s1"));
  CONFORM((co_await latest(bench))->id == "s3");
  co_return kOk;
}

Task<Message> checkpoint(Bench bench, Session session, Message message) {
  co_return co_await on<SessionStore>(bench, [&](SessionStore& sessions) {
    return sessions.checkpoint("a", session, message);
  }).result();
}

// A checkpoint that meets a conflict leaves neither the message nor the state.
Task<void> checkpoints_both_or_neither(Bench bench) {
  co_await make_agent(bench, "a");
  co_await checkpoint(bench, session_of("s", 1, 10), message_of("m1", 10));
  const auto slow = bench.database.begin();
  SessionStore sessions{*slow};
  co_await sessions.checkpoint("a", session_of("s", 2, 20), message_of("m2", 20));
  co_await append(bench, "a", message_of("other", 15));
  CONFORM(failed_with(co_await slow->commit().result(), Code::kAborted));
  CONFORM((co_await session(bench, "s"))->iteration == 1);
  CONFORM(co_await message_count(bench) == 2);
  const Message again = co_await checkpoint(bench, session_of("s", 2, 20), message_of("m2", 20));
  CONFORM((again.place == Place{1, 2}));
  CONFORM((co_await session(bench, "s"))->iteration == 2);
  // The step is taken already: nothing of it changes.
  const auto twice =
      co_await checkpoint(bench, session_of("s", 3, 30), message_of("m2", 30)).result();
  CONFORM(failed_with(twice, Code::kAlreadyExists));
  const auto bad = co_await checkpoint(bench, session_of("", 3, 30), message_of("m3", 30)).result();
  CONFORM(failed_with(bad, Code::kInvalidArgument));
  CONFORM((co_await session(bench, "s"))->iteration == 2);
  CONFORM(co_await message_count(bench) == 3);
  co_return kOk;
}

Task<void> take_steps(Bench bench, std::string name, int count) {
  for (int i = 1; i <= count; ++i) {
    co_await checkpoint(bench, session_of(name, i, 100 + i),
                        message_of(name + std::to_string(i), 100 + i));
  }
  co_return kOk;
}

// Looks again and again: as many messages as the sessions have taken steps.
Task<void> watch_steps(Bench bench, std::vector<std::string> names, int64_t all) {
  int64_t seen = 0;
  for (int round = 0; seen < all; ++round) {
    CONFORM(round < kRoundsMax);
    const auto transaction = bench.database.begin();
    SessionStore sessions{*transaction};
    AgentStore agents{*transaction};
    seen = 0;
    for (const std::string& name : names) {
      const std::optional<Session> found = co_await sessions.get("a", name);
      seen += found.has_value() ? found->iteration : 0;
    }
    CONFORM(co_await agents.count_messages("a") == static_cast<size_t>(seen));
    co_await pause(bench);
  }
  co_return kOk;
}

Task<void> checkpoints_of_several_runs_keep_all_steps(Bench bench) {
  constexpr int kSteps = 8;
  co_await make_agent(bench, "a");
  const std::vector<std::string> names = {"x", "y", "z"};
  std::vector<Task<void>> tasks;
  for (const std::string& name : names) {
    tasks.push_back(take_steps(bench, name, kSteps));
  }
  tasks.push_back(watch_steps(bench, names, int64_t{3} * kSteps));
  co_await together(bench, std::move(tasks));
  CONFORM(co_await message_count(bench) == size_t{3} * kSteps);
  co_return kOk;
}

ArchiveEntry entry_of(std::string id, std::string text, Ids tags, int64_t created_micros) {
  ArchiveEntry entry;
  entry.id = std::move(id);
  entry.text = std::move(text);
  entry.tags = std::move(tags);
  entry.created_micros = created_micros;
  return entry;
}

Task<void> put(Bench bench, ArchiveEntry entry) {
  co_return co_await on<ArchiveStore>(bench, [&](ArchiveStore& archive) {
    return archive.put("a", entry);
  }).result();
}

Task<std::optional<ArchiveEntry>> entry(Bench bench, std::string id) {
  co_return co_await on<ArchiveStore>(bench, [&](ArchiveStore& archive) {
    return archive.get("a", id);
  }).result();
}

Task<Ids> entry_ids(Bench bench, PageRequest page) {
  const auto found = co_await on<ArchiveStore>(
      bench, [&](ArchiveStore& archive) { return archive.list("a", page); });
  co_return ids_of(found);
}

Task<ArchivePage> search(Bench bench, ArchiveQuery query) {
  co_return co_await on<ArchiveStore>(bench, [&](ArchiveStore& archive) {
    return archive.search("a", query);
  }).result();
}

// All pages of a search.
Task<Ids> found(Bench bench, ArchiveQuery query) {
  Ids ids;
  do {
    const ArchivePage page = co_await search(bench, query);
    CONFORM(page.found.size() <= query.limit);
    for (const ArchiveEntry& entry : page.found) {
      ids.push_back(entry.id);
    }
    query.after = page.next;
  } while (query.after.has_value());
  co_return std::move(ids);
}

Task<void> saves_loads_lists_and_deletes_archival_entries(Bench bench) {
  CONFORM(failed_with(co_await put(bench, entry_of("e", "", {}, 1)).result(), Code::kNotFound));
  co_await make_agent(bench, "a");
  const Rows before = co_await everything(bench);
  ArchiveEntry first = entry_of("e1", "tea", {"drink", "hot"}, 10);
  for (int i = 0; i < 1'536; ++i) {
    first.embedding.push_back(1.0F / static_cast<float>(i + 1));
  }
  first.embedding.push_back(-0.0F);
  first.embedding.push_back(1e-45F);
  co_await put(bench, first);
  co_await put(bench, entry_of("e3", std::string(200'000, 'x'), {}, 20));
  co_await put(bench, entry_of("e2", "cake", {}, 20));
  const std::optional<ArchiveEntry> loaded = co_await entry(bench, "e1");
  CONFORM(loaded->text == "tea" && loaded->tags == first.tags && loaded->created_micros == 10);
  CONFORM(loaded->embedding.size() == first.embedding.size());
  for (size_t i = 0; i < first.embedding.size(); ++i) {
    CONFORM(std::bit_cast<uint32_t>(loaded->embedding[i]) ==
            std::bit_cast<uint32_t>(first.embedding[i]));
  }
  CONFORM((co_await entry(bench, "e3"))->text.size() == 200'000);
  co_await check_paging({"e1", "e2", "e3"},
                        [&](PageRequest page) { return entry_ids(bench, page); });
  for (const char* id : {"e1", "e2", "e3"}) {
    const auto erase = [&](ArchiveStore& archive) { return archive.erase("a", id); };
    CONFORM(co_await on<ArchiveStore>(bench, erase));
    CONFORM(!co_await on<ArchiveStore>(bench, erase));
  }
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> finds_archival_entries_by_words_tags_and_time(Bench bench) {
  co_await make_agent(bench, "a");
  co_await put(bench, entry_of("e1", "Green tea in the morning", {"drink", "hot"}, 10));
  co_await put(bench, entry_of("e2", "A cake of green apples", {"food"}, 20));
  co_await put(bench, entry_of("e3", "Black TEA, cold", {"drink"}, 30));
  co_await put(bench, entry_of("e4", "", {"drink", "hot"}, 40));
  const std::vector<std::pair<ArchiveQuery, Ids>> queries = {
      {{}, {"e4", "e3", "e2", "e1"}},
      {{.words = "tea"}, {"e3", "e1"}},
      {{.words = " \tgreen   TEA\n"}, {"e1"}},
      {{.words = "app"}, {"e2"}},
      {{.words = "tea cake"}, {}},
      {{.tags = {"drink"}}, {"e4", "e3", "e1"}},
      {{.tags = {"hot", "drink"}}, {"e4", "e1"}},
      {{.tags = {"drin"}}, {}},
      {{.words = "tea", .tags = {"hot"}}, {"e1"}},
      {{.since = at_micros(20)}, {"e4", "e3", "e2"}},
      {{.before = at_micros(20)}, {"e1"}},
      {{.since = at_micros(11), .before = at_micros(40)}, {"e3", "e2"}},
      {{.since = at_micros(40), .before = at_micros(11)}, {}},
  };
  for (const auto& [query, expected] : queries) {
    for (size_t limit : {size_t{1}, size_t{2}, size_t{50}}) {
      ArchiveQuery limited = query;
      limited.limit = limit;
      CONFORM(co_await found(bench, limited) == expected);
    }
  }
  CONFORM(failed_with(co_await search(bench, {.limit = 0}).result(), Code::kInvalidArgument));
  co_return kOk;
}

Task<void> put_entries(ArchiveStore& archive, int from, int to) {
  for (int i = from; i < to; ++i) {
    const std::string id = "e" + std::to_string(i);
    co_await archive.put("a", entry_of(id, i % 300 == 0 ? "needle" : "hay", {}, 1'000 + i));
  }
  co_return kOk;
}

// A search over more than it may look at stops, says so, and goes on, also if the entry at which it
// stopped is gone by then.
Task<void> searches_on_from_where_a_bound_stopped_it(Bench bench) {
  constexpr int kEntries = 1'100;
  static_assert(kEntries > 2 * kArchiveScanEntriesMax);
  co_await make_agent(bench, "a");
  for (int done = 0; done < kEntries; done += 100) {
    co_await on<ArchiveStore>(
        bench, [done](ArchiveStore& archive) { return put_entries(archive, done, done + 100); });
  }
  const ArchivePage none = co_await search(bench, {.words = "nothing like it"});
  CONFORM(none.found.empty() && none.next.has_value());
  CONFORM(none.next->id == "e" + std::to_string(kEntries - kArchiveScanEntriesMax));
  CONFORM(co_await found(bench, {.words = "needle"}) == Ids({"e900", "e600", "e300", "e0"}));
  const ArchivePage first = co_await search(bench, {.words = "needle", .limit = 1});
  CONFORM(first.found.size() == 1 && first.next->id == "e900");
  co_await on<ArchiveStore>(bench,
                            [](ArchiveStore& archive) { return archive.erase("a", "e900"); });
  CONFORM(co_await found(bench, {.words = "needle", .after = first.next}) ==
          Ids({"e600", "e300", "e0"}));
  co_return kOk;
}

constexpr auto kCases = std::to_array<SuiteCase>({
    {"LoadsASessionAsItWasSaved", loads_a_session_as_it_was_saved},
    {"ListsSessionsByTheLastWrite", lists_sessions_by_the_last_write},
    {"CheckpointsBothOrNeither", checkpoints_both_or_neither},
    {"CheckpointsOfSeveralRunsKeepAllSteps", checkpoints_of_several_runs_keep_all_steps},
    {"SavesLoadsListsAndDeletesArchivalEntries", saves_loads_lists_and_deletes_archival_entries},
    {"FindsArchivalEntriesByWordsTagsAndTime", finds_archival_entries_by_words_tags_and_time},
    {"SearchesOnFromWhereABoundStoppedIt", searches_on_from_where_a_bound_stopped_it},
});

}  // namespace

std::span<const SuiteCase> session_cases() { return kCases; }

}  // namespace kelpie::agent
