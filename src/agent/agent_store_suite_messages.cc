// The suite: messages.
#include <array>

#include "agent/agent_store_suite_support.h"

namespace kelpie::agent {
namespace {

using namespace suite;  // NOLINT: the suite's own helpers

WallTime at_micros(int64_t micros) { return WallTime::from_nanos(micros * 1'000); }

Task<std::vector<Message>> messages(Bench bench, std::string agent_id, PageRequest page) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.messages(agent_id, page);
  }).result();
}

Task<std::vector<Message>> since(Bench bench, int64_t micros, PageRequest page) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.messages_since("a", at_micros(micros), page);
  }).result();
}

Task<Ids> message_ids(Bench bench, PageRequest page) {
  const std::vector<Message> found = co_await messages(bench, "a", std::move(page));
  co_return ids_of(found);
}

Task<Ids> ids_since(Bench bench, int64_t micros, PageRequest page) {
  const std::vector<Message> found = co_await since(bench, micros, std::move(page));
  co_return ids_of(found);
}

Task<size_t> count(Bench bench, std::string agent_id) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.count_messages(agent_id);
  }).result();
}

Task<std::optional<Message>> message(Bench bench, std::string id) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.message("a", id);
  }).result();
}

Task<bool> erase(Bench bench, std::string id) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.erase_message("a", id);
  }).result();
}

Task<void> put(Bench bench, Message message) {
  co_return co_await on<AgentStore>(bench, [&](AgentStore& agents) {
    return agents.put_message("a", message);
  }).result();
}

Task<void> appends_after_what_a_turn_wrote(Bench bench) {
  co_await make_agent(bench, "a");
  const Message first = co_await append(bench, "a", message_of("m0", 10));
  CONFORM((first.place == Place{1, 0}));
  Message of_turn = message_of("m1", 20);
  of_turn.place = Place{12, 0};
  co_await put(bench, of_turn);
  const Message second = co_await append(bench, "a", message_of("m2", 30));
  const Message third = co_await append(bench, "a", message_of("m3", 40));
  // Within the last turn: the number of the next one is not used up.
  CONFORM((second.place == Place{12, 1}) && (third.place == Place{12, 2}));
  of_turn.id = "m4";
  of_turn.place = Place{13, 0};
  co_await put(bench, of_turn);
  const auto history =
      co_await on<AgentStore>(bench, [](AgentStore& agents) { return agents.history("a"); });
  CONFORM(ids_of(history) == Ids({"m0", "m1", "m2", "m3", "m4"}));
  CONFORM(history[2].text == "text of m2" && history[2].created_micros == 30);
  const auto again = co_await append(bench, "a", message_of("m2", 50)).result();
  CONFORM(failed_with(again, Code::kAlreadyExists));
  const auto nobody = co_await append(bench, "b", message_of("m2", 50)).result();
  CONFORM(failed_with(nobody, Code::kNotFound));
  CONFORM(co_await count(bench, "a") == 5);
  co_return kOk;
}

Task<void> loads_counts_and_deletes_messages(Bench bench) {
  co_await make_agent(bench, "a");
  const Rows before = co_await everything(bench);
  CONFORM(co_await count(bench, "a") == 0);
  constexpr int kMessages = 5;
  for (int i = 0; i < kMessages; ++i) {
    Message made = message_of("m" + std::to_string(i), 10 * i);
    made.text += std::string(i == 2 ? 200'000 : 0, 'x');
    co_await append(bench, "a", made);
  }
  CONFORM(co_await count(bench, "a") == kMessages);
  CONFORM((co_await message(bench, "m2"))->text.size() > 200'000);
  CONFORM(!(co_await message(bench, "unknown")).has_value());
  CONFORM(!co_await erase(bench, "unknown"));
  CONFORM(co_await erase(bench, "m2"));
  CONFORM(!co_await erase(bench, "m2"));
  CONFORM(!(co_await message(bench, "m2")).has_value());
  CONFORM(co_await count(bench, "a") == kMessages - 1);
  CONFORM(co_await message_ids(bench, PageRequest()) == Ids({"m4", "m3", "m1", "m0"}));
  CONFORM(co_await ids_since(bench, 0, PageRequest()) == Ids({"m4", "m3", "m1"}));
  for (const char* id : {"m0", "m1", "m3", "m4"}) {
    CONFORM(co_await erase(bench, id));
  }
  CONFORM(co_await count(bench, "a") == 0);
  CONFORM(co_await everything(bench) == before);
  co_return kOk;
}

Task<void> counts_past_a_page_of_the_store(Bench bench) {
  constexpr size_t kMessages = 1'700;
  co_await make_agent(bench, "a");
  for (size_t done = 0; done < kMessages; done += 100) {
    co_await on<AgentStore>(bench, [done](AgentStore& agents) {
      struct Put {
        static Task<void> many(AgentStore& agents, size_t from) {
          for (size_t i = from; i < from + 100; ++i) {
            Message message = message_of("m" + std::to_string(i), static_cast<int64_t>(i) + 1);
            message.place = Place{static_cast<int64_t>(i) + 1, 0};
            co_await agents.put_message("a", message);
          }
          co_return kOk;
        }
      };
      return Put::many(agents, done);
    });
  }
  CONFORM(co_await count(bench, "a") == kMessages);
  PageRequest all;
  all.limit = kMessages;
  CONFORM((co_await since(bench, 700, all)).size() == kMessages - 699);
  co_return kOk;
}

Task<void> pages_messages_by_place(Bench bench) {
  co_await make_agent(bench, "a");
  co_await make_agent(bench, "b");
  Ids ids;
  for (int i = 0; i < 5; ++i) {
    ids.push_back("m" + std::to_string(i));
    co_await append(bench, "a", message_of(ids.back(), 100 - i));
  }
  co_await append(bench, "b", message_of("other", 7));
  PageRequest foreign;
  foreign.after = "other";
  CONFORM((co_await message_ids(bench, foreign)).empty());
  co_return co_await check_paging(ids, [&](PageRequest page) {
    return message_ids(bench, page);
  }).result();
}

// The time of day may jump: then the order by time is another one than that of the history.
Task<void> pages_messages_by_time(Bench bench) {
  co_await make_agent(bench, "a");
  const std::vector<std::pair<std::string, int64_t>> history = {
      {"m0", 100}, {"m1", 200}, {"m2", 200}, {"m3", 50}, {"m4", 60}, {"m5", 300}, {"undated", 0}};
  for (const auto& [id, created] : history) {
    co_await append(bench, "a", message_of(id, created));
  }
  const Ids forward = {"m3", "m4", "m0", "m1", "m2", "m5"};
  co_await check_paging(forward, [&](PageRequest page) { return ids_since(bench, 1, page); });
  for (const auto& [micros, skipped] : std::vector<std::pair<int64_t, int>>{
           {50, 0}, {51, 1}, {100, 2}, {200, 3}, {201, 5}, {301, 6}}) {
    PageRequest page;
    page.order = Order::kForward;
    CONFORM(co_await ids_since(bench, micros, page) ==
            Ids(forward.begin() + skipped, forward.end()));
  }
  PageRequest some;
  some.limit = 3;
  const std::vector<Message> found = co_await since(bench, 60, some);
  CONFORM(ids_of(found) == Ids({"m5", "m2", "m1"}));
  CONFORM(found[1].text == "text of m2" && (found[1].place == Place{1, 2}));
  co_return kOk;
}

// A message that is written over itself, as the system message is, stays one message.
Task<void> counts_a_message_written_twice_once(Bench bench) {
  co_await make_agent(bench, "a");
  Message made = co_await append(bench, "a", message_of("m", 10));
  made.text = "new";
  co_await put(bench, made);
  CONFORM(co_await count(bench, "a") == 1);
  const std::vector<Message> found = co_await since(bench, 1, PageRequest());
  CONFORM(found.size() == 1 && found[0].text == "new");
  co_return kOk;
}

Task<void> append_many(Bench bench, std::string name, int count) {
  for (int i = 0; i < count; ++i) {
    co_await append(bench, "a", message_of(name + std::to_string(i), 1 + i));
  }
  co_return kOk;
}

Task<void> keeps_all_of_several_appenders(Bench bench) {
  constexpr int kEach = 10;
  co_await make_agent(bench, "a");
  std::vector<Task<void>> tasks;
  for (const char* name : {"x", "y", "z"}) {
    tasks.push_back(append_many(bench, name, kEach));
  }
  co_await together(bench, std::move(tasks));
  CONFORM(co_await count(bench, "a") == size_t{3} * kEach);
  const auto history =
      co_await on<AgentStore>(bench, [](AgentStore& agents) { return agents.history("a"); });
  CONFORM(history.size() == size_t{3} * kEach);
  int next[3] = {0, 0, 0};
  for (size_t i = 0; i < history.size(); ++i) {
    // One place each, without a gap, and of each appender in its order.
    CONFORM((history[i].place == Place{1, static_cast<int64_t>(i)}));
    const int appender = history[i].id.front() - 'x';
    CONFORM(history[i].id.substr(1) == std::to_string(next[appender]++));
  }
  co_return kOk;
}

constexpr auto kCases = std::to_array<SuiteCase>({
    {"AppendsAfterWhatATurnWrote", appends_after_what_a_turn_wrote},
    {"LoadsCountsAndDeletesMessages", loads_counts_and_deletes_messages},
    {"CountsPastAPageOfTheStore", counts_past_a_page_of_the_store},
    {"PagesMessagesByPlace", pages_messages_by_place},
    {"PagesMessagesByTime", pages_messages_by_time},
    {"CountsAMessageWrittenTwiceOnce", counts_a_message_written_twice_once},
    {"KeepsAllOfSeveralAppenders", keeps_all_of_several_appenders},
});

}  // namespace

std::span<const SuiteCase> message_cases() { return kCases; }

}  // namespace kelpie::agent
