#include "agent/agent_actor.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actor/runtime.h"
#include "agent/ids.h"
#include "agent/service.h"
#include "agent/testing/agent_world.h"
#include "async/scope.h"

namespace kelpie::agent {
namespace {

using testing::calls_reply;
using testing::Node;
using testing::ScriptedModel;
using testing::signature;
using testing::Stage;
using testing::StageDatabase;
using testing::text_reply;
using testing::well_formed;
using Lines = std::vector<std::string>;

Task<void> send_to(Service& agents, std::string id, Run run, std::shared_ptr<RunWatch>& watch) {
  watch = co_await agents.send(std::move(id), std::move(run));
  co_return kOk;
}

class AgentActorTest : public ::testing::Test {
 protected:
  template <class T>
  Result<T> run(Task<T> task) {
    return machine_.loop.run(std::move(task));
  }
  std::string create(std::function<void(NewAgent&)> change = nullptr) {
    NewAgent agent;
    agent.config.id = new_id(machine_.rng, "agent");
    agent.config.name = "Ada";
    agent.config.model = "test/scripted";
    agent.config.system = "Be kind.";
    agent.config.tools = {"memory_insert", "memory_replace"};
    agent.system_message_id = new_id(machine_.rng, "message");
    Block block;
    block.id = new_id(machine_.rng, "block");
    block.label = "human";
    block.value = "Name: Grace";
    block.limit = 2'000'000;
    agent.blocks = {block};
    if (change) {
      change(agent);
    }
    const std::string id = agent.config.id;
    CHECK(run(node_->agents.create(std::move(agent))).ok());
    return id;
  }
  agent::Run run_of(const std::string& text, MessageRole role = MessageRole::kUser) {
    agent::Run run;
    run.id = new_id(machine_.rng, "run");
    Message message;
    message.id = new_id(machine_.rng, "message");
    message.role = role;
    message.text = text;
    message.run_id = run.id;
    run.input = {message};
    return run;
  }
  std::shared_ptr<RunWatch> send(const std::string& id, agent::Run run) {
    return this->run(node_->agents.send(id, std::move(run))).value();
  }
  std::vector<RunEvent> events(RunWatch& watch) {
    std::vector<RunEvent> heard;
    for (;;) {
      auto event = run(watch.next());
      CHECK(event.ok());
      if (!event->has_value()) {
        return heard;
      }
      heard.push_back(std::move(**event));
      if (std::holds_alternative<RunEnded>(heard.back())) {
        return heard;
      }
    }
  }
  // The run as its end told it; nullopt when the watch was closed before.
  std::optional<agent::Run> end_of(RunWatch& watch) {
    std::vector<RunEvent> heard = events(watch);
    if (heard.empty() || !std::holds_alternative<RunEnded>(heard.back())) {
      return std::nullopt;
    }
    return std::get<RunEnded>(heard.back()).run;
  }
  std::vector<Message> history(const std::string& id) {
    PageRequest all;
    all.limit = 10'000;
    all.order = store::Order::kForward;
    return run(node_->agents.messages(id, std::move(all))).value();
  }
  std::string block_value(const std::string& id) {
    return run(node_->agents.block(id, "human")).value().value;
  }
  std::vector<store::KeyValue> rows() {
    auto transaction = database_.begin();
    store::RangeRead read;
    read.range = store::KeyRange::prefix("\x02kelpie");
    return run(transaction->get_range(std::move(read))).value().rows;
  }
  void restart() {
    node_.reset();
    node_ = std::make_unique<Node>(machine_, database_, model_);
    CHECK(run(node_->agents.resume_all()).ok());
  }

  net::testing::TestWorld machine_;
  store::MemoryBackend backend_;
  store::LocalDatabase local_{machine_.world, backend_};
  StageDatabase database_{machine_.loop, local_};
  ScriptedModel model_{machine_.loop};
  std::unique_ptr<Node> node_ = std::make_unique<Node>(machine_, database_, model_);
};

TEST_F(AgentActorTest, ARunWithToolCallsEndsWithText) {
  const std::string id = create();
  model_.lines = {calls_reply({{"c1", "memory_insert", R"({"label":"human","new_string":"Tea"})"}}),
                  text_reply("Noted.")};
  const auto ended = end_of(*send(id, run_of("I like tea")));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->status, RunStatus::kCompleted);
  EXPECT_EQ(ended->stop_reason, "end_turn");
  EXPECT_EQ(ended->steps, 2);
  EXPECT_EQ(ended->usage.prompt, 20);
  EXPECT_EQ(ended->usage.completion, 10);
  EXPECT_EQ(ended->usage.context, 15);
  EXPECT_EQ(well_formed(history(id)), "");
  EXPECT_EQ(signature(history(id)),
            (Lines{"system", "user: I like tea", "assistant: c1 memory_insert", "tool: c1 success",
                   "assistant: Noted."}));
  EXPECT_EQ(block_value(id), "Name: Grace\nTea");
}

TEST_F(AgentActorTest, TwoMessagesAtOnceRunOneAfterTheOtherAndBothEnd) {
  const std::string id = create();
  model_.lines = {text_reply("one"), text_reply("two")};
  auto first = send(id, run_of("A"));
  auto second = send(id, run_of("B"));
  EXPECT_EQ(run(node_->agents.get(id)).value().message_ids.size(), 2U) << "B waits";
  EXPECT_EQ(end_of(*second)->stop_reason, "end_turn");
  EXPECT_EQ(end_of(*first)->stop_reason, "end_turn");
  EXPECT_EQ(signature(history(id)),
            (Lines{"system", "user: A", "assistant: one", "user: B", "assistant: two"}));
  EXPECT_EQ(well_formed(history(id)), "");
  EXPECT_EQ(model_.asked, 2);
}

TEST_F(AgentActorTest, AMessageInTheMiddleOfAToolStepWaitsForTheRunsEnd) {
  const std::string id = create();
  model_.lines = {calls_reply({{"c1", "memory_insert", R"({"label":"human","new_string":"x"})"},
                               {"c2", "memory_insert", R"({"label":"human","new_string":"y"})"}}),
                  text_reply("one"), text_reply("two")};
  auto first = send(id, run_of("A"));
  // B comes while the calls are being committed, so its turn is before that of their results.
  database_.at(1, Stage::kHold);
  while (!database_.happened) {
    ASSERT_TRUE(machine_.loop.step());
  }
  std::shared_ptr<RunWatch> second;
  Scope scope(machine_.loop, nullptr);
  scope.spawn(send_to(node_->agents, id, run_of("B"), second));
  machine_.loop.run_ready();
  EXPECT_EQ(second, nullptr);
  database_.release();
  ASSERT_TRUE(run(scope.drain()).ok());
  ASSERT_NE(second, nullptr);
  ASSERT_TRUE(end_of(*first).has_value());
  ASSERT_TRUE(end_of(*second).has_value());
  EXPECT_EQ(well_formed(history(id)), "");
  EXPECT_EQ(signature(history(id)),
            (Lines{"system", "user: A", "assistant: c1 memory_insert c2 memory_insert",
                   "tool: c1 success c2 success", "assistant: one", "user: B", "assistant: two"}));
}

TEST_F(AgentActorTest, AModelErrorFailsTheRunKeepsTheMessageAndTheNextRunGoesOn) {
  struct Row {
    Error error;
    std::string stop_reason, error_type;
  };
  const std::vector<Row> rows = {
      {base::deadline_exceeded("x"), "llm_api_error", "llm_timeout"},
      {base::resource_exhausted("x"), "llm_api_error", "llm_rate_limit"},
      {Error{Code::kUnauthenticated, "x"}, "llm_api_error", "llm_authentication"},
      {Error{Code::kPermissionDenied, "x"}, "llm_api_error", "llm_authentication"},
      {base::invalid_argument("x"), "llm_api_error", "llm_bad_request"},
      {base::not_found("x"), "llm_api_error", "llm_bad_request"},
      {base::out_of_range("x"), "context_window_overflow_in_system_prompt",
       "context_window_overflow_in_system_prompt"},
      {base::data_loss("x"), "invalid_llm_response", "llm_error"},
      {base::unavailable("x"), "llm_api_error", "llm_error"},
      // Not a conflict in the store, whatever the code: nothing is tried again.
      {base::aborted("x"), "llm_api_error", "llm_error"},
  };
  for (const Row& row : rows) {
    const std::string id = create();
    model_.errors = {row.error};
    model_.asked = 0;
    auto failing = send(id, run_of("A"));
    auto next = send(id, run_of("B"));
    const auto failed = end_of(*failing);
    ASSERT_TRUE(failed.has_value());
    EXPECT_EQ(failed->status, RunStatus::kFailed);
    EXPECT_EQ(failed->stop_reason, row.stop_reason);
    EXPECT_EQ(failed->error_type, row.error_type);
    EXPECT_EQ(failed->error_message, "x");
    EXPECT_EQ(end_of(*next)->status, RunStatus::kCompleted);
    EXPECT_EQ(model_.asked, 2);
    EXPECT_EQ(signature(history(id)), (Lines{"system", "user: A", "user: B", "assistant: done"}));
    EXPECT_EQ(well_formed(history(id)), "");
  }
}

TEST_F(AgentActorTest, AnEmptyReplyFailsTheRunAndIsNotStored) {
  const std::string id = create();
  model_.lines = {text_reply("")};
  const auto failed = end_of(*send(id, run_of("A")));
  EXPECT_EQ(failed->status, RunStatus::kFailed);
  EXPECT_EQ(failed->error_type, "llm_empty_response");
  EXPECT_EQ(signature(history(id)), (Lines{"system", "user: A"}));
}

TEST_F(AgentActorTest, AModelThatNobodyServesFailsTheRun) {
  const std::string id = create();
  agent::Run run = run_of("A");
  run.model = "nobody/x";
  EXPECT_EQ(end_of(*send(id, run))->error_type, "llm_bad_request");
  EXPECT_EQ(model_.asked, 0);
}

TEST_F(AgentActorTest, StepsEndAtTheirMostWithEveryCallAnswered) {
  const std::string id = create();
  for (int i = 0; i < 9; ++i) {
    model_.lines.push_back(calls_reply(
        {{"c" + std::to_string(i), "memory_insert", R"({"label":"human","new_string":"x"})"}}));
  }
  agent::Run limited = run_of("A");
  limited.steps_max = 3;
  const auto ended = end_of(*send(id, limited));
  EXPECT_EQ(ended->status, RunStatus::kCompleted);
  EXPECT_EQ(ended->stop_reason, "max_steps");
  EXPECT_EQ(ended->steps, 3);
  EXPECT_EQ(model_.asked, 3);
  EXPECT_EQ(well_formed(history(id)), "");
  EXPECT_EQ(history(id).back().role, MessageRole::kTool);
}

TEST_F(AgentActorTest, AMessageInTheAssistantsNameIsAnsweredLikeAnyOther) {
  const std::string id = create();
  model_.lines = {text_reply("unused"), text_reply("answer")};
  ASSERT_TRUE(end_of(*send(id, run_of("as if I had said it", MessageRole::kAssistant))));
  EXPECT_EQ(signature(history(id)),
            (Lines{"system", "assistant: as if I had said it", "assistant: answer"}));
}

TEST_F(AgentActorTest, AToolThatIsNotAttachedHasAnErrorForAResult) {
  const std::string id = create([](NewAgent& agent) { agent.config.tools = {"memory_insert"}; });
  model_.lines = {calls_reply(
      {{"c1", "memory_replace", R"({"label":"human","old_string":"Grace","new_string":"Joan"})"},
       {"c2", "rm", "{}"},
       {"c3", "memory_insert", R"({"label":"nobody","new_string":"x"})"},
       {"c4", "memory_insert", "{"}})};
  ASSERT_TRUE(end_of(*send(id, run_of("A"))));
  EXPECT_EQ(signature(history(id)).at(3), "tool: c1 error c2 error c3 error c4 error");
  EXPECT_EQ(block_value(id), "Name: Grace");
  EXPECT_EQ(well_formed(history(id)), "");
}

// Otherwise the model would be asked, and paid, for ever.
TEST_F(AgentActorTest, AReplyThatFitsNoTransactionFailsTheRun) {
  const std::string id = create();
  model_.lines = {text_reply(std::string(9'100'000, 'x')), text_reply("two")};
  const auto failed = end_of(*send(id, run_of("A")));
  ASSERT_TRUE(failed.has_value());
  EXPECT_EQ(failed->status, RunStatus::kFailed);
  EXPECT_EQ(failed->error_type, "llm_error");
  EXPECT_EQ(model_.asked, 1);
  EXPECT_EQ(signature(history(id)), (Lines{"system", "user: A"}));
}

TEST_F(AgentActorTest, ResultsThatFitNoTransactionAreRefusedAndTheRunGoesOn) {
  const std::string big(1'500'000, 'x');
  const std::string id = create([&](NewAgent& agent) { agent.blocks[0].value = big; });
  std::vector<llm::ToolCall> calls;
  for (int i = 0; i < 8; ++i) {
    calls.push_back(
        {"c" + std::to_string(i), "memory_insert", R"({"label":"human","new_string":"y"})"});
  }
  model_.lines = {calls_reply(calls), text_reply("sorry")};
  const auto ended = end_of(*send(id, run_of("A")));
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->stop_reason, "end_turn");
  EXPECT_EQ(well_formed(history(id)), "");
  EXPECT_EQ(signature(history(id)).at(3).substr(0, 25), "tool: c0 error c1 error c");
  EXPECT_TRUE(block_value(id) == big);
}

TEST_F(AgentActorTest, PiecesAreToldBeforeTheMessageThatTheyMakeUp) {
  const std::string id = create();
  model_.lines = {text_reply("one two")};
  const auto heard = events(*send(id, run_of("A")));
  ASSERT_EQ(heard.size(), 4U);
  const auto& message = std::get<MessageCommitted>(heard[2]).message;
  std::string joined;
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(std::get<TextDelta>(heard[i]).message_id, message.id);
    joined += std::get<TextDelta>(heard[i]).text;
  }
  EXPECT_EQ(joined, message.text);
  EXPECT_TRUE(std::holds_alternative<RunEnded>(heard[3]));
}

// A reader joins results to calls by id, so a stream must show the ids that are stored.
TEST_F(AgentActorTest, CallsAreStreamedUnderTheIdsThatTheyAreStoredUnder) {
  for (const bool parallel : {true, false}) {
    const std::string id =
        create([&](NewAgent& agent) { agent.config.parallel_tool_calls = parallel; });
    const std::string insert = R"({"label":"human","new_string":"x"})";
    model_.lines = {calls_reply({{"same", "memory_insert", insert},
                                 {"same", "memory_insert", insert},
                                 {"", "memory_insert", insert}}),
                    calls_reply({{"same", "memory_insert", insert}}), text_reply("end")};
    std::vector<std::string> streamed;
    std::vector<std::string> stored;
    std::vector<std::string> answered;
    for (const RunEvent& event : events(*send(id, run_of("A")))) {
      if (const auto* piece = std::get_if<ToolCallDelta>(&event); piece && !piece->id.empty()) {
        streamed.push_back(piece->id);
      }
      if (const auto* committed = std::get_if<MessageCommitted>(&event)) {
        for (const llm::ToolCall& call : committed->message.tool_calls) {
          stored.push_back(call.id);
        }
        for (const ToolReturn& item : committed->message.tool_returns) {
          answered.push_back(item.tool_call_id);
        }
      }
    }
    EXPECT_EQ(streamed, stored);
    EXPECT_EQ(answered, stored);
    EXPECT_EQ(stored.size(), parallel ? 4U : 2U);
    EXPECT_EQ(stored.at(0), "same");
    EXPECT_EQ(well_formed(history(id)), "");
  }
}

TEST_F(AgentActorTest, DeletingInTheMiddleOfARunClosesItsWatchAndLeavesNothing) {
  const auto before = rows();
  const std::string id = create();
  model_.lines = {calls_reply({{"c1", "memory_insert", R"({"label":"human","new_string":"x"})"}}),
                  text_reply("never")};
  auto first = send(id, run_of("A"));
  auto second = send(id, run_of("B"));
  ASSERT_TRUE(run(node_->agents.remove(id)).ok());
  EXPECT_FALSE(end_of(*first).has_value());
  EXPECT_FALSE(end_of(*second).has_value());
  machine_.loop.run();
  EXPECT_EQ(rows(), before);
  EXPECT_EQ(run(node_->agents.get(id)).error().code, Code::kNotFound);
  EXPECT_EQ(run(node_->agents.send(id, run_of("C"))).error().code, Code::kNotFound);
  machine_.loop.run();
  EXPECT_EQ(node_->runtime.active(), 0U) << "the activations that found nothing";
}

TEST_F(AgentActorTest, AnEditOfABlockDoesNotRewriteThePromptUntilItIsRecompiled) {
  const std::string id = create();
  const std::string old_prompt = history(id).at(0).text;
  BlockPatch patch;
  patch.value = "Name: Joan";
  ASSERT_TRUE(run(node_->agents.update_block(id, "human", patch)).ok());
  EXPECT_EQ(history(id).at(0).text, old_prompt);
  const std::string prompt = run(node_->agents.recompile(id)).value();
  EXPECT_NE(prompt.find("Name: Joan"), std::string::npos);
  EXPECT_EQ(history(id).at(0).text, prompt);
  AgentPatch instructions;
  instructions.system = "Be brief.";
  ASSERT_TRUE(run(node_->agents.update(id, instructions)).ok());
  EXPECT_TRUE(history(id).at(0).text.starts_with("Be brief.\n\n"));
  EXPECT_EQ(history(id).size(), 1U);
}

TEST_F(AgentActorTest, ABlockIsRenamedOnlyToAFreeLabelAndGrowsOnlyToItsLimit) {
  const std::string id = create([](NewAgent& agent) {
    Block other = agent.blocks[0];
    other.label = "persona";
    other.position = 1;
    agent.blocks.push_back(other);
  });
  BlockPatch taken;
  taken.label = "persona";
  EXPECT_EQ(run(node_->agents.update_block(id, "human", taken)).error().code, Code::kAlreadyExists);
  BlockPatch tight;
  tight.limit = 3;
  EXPECT_EQ(run(node_->agents.update_block(id, "human", tight)).error().code, Code::kOutOfRange);
  BlockPatch free;
  free.label = "user";
  ASSERT_TRUE(run(node_->agents.update_block(id, "human", free)).ok());
  EXPECT_EQ(run(node_->agents.block(id, "human")).error().code, Code::kNotFound);
  EXPECT_EQ(run(node_->agents.block(id, "user")).value().value, "Name: Grace");
  EXPECT_EQ(run(node_->agents.blocks(id)).value().at(0).label, "user");
}

// What every disturbance must leave as it was: two runs, of which the first has two tool steps.
class DisturbedTest : public AgentActorTest {
 protected:
  struct Outcome {
    Lines lines;
    std::string block;
    bool operator==(const Outcome&) const = default;
  };
  static inline const Outcome kExpected = {
      {"system", "user: A", "assistant: c1 memory_insert c2 memory_replace",
       "tool: c1 success c2 error", "assistant: c3 memory_replace", "tool: c3 success",
       "assistant: one", "user: B", "assistant: two"},
      "Name: Joan\nTea"};
  // One agent with two accepted messages.
  std::string begin() {
    model_.lines = {
        calls_reply({{"c1", "memory_insert", R"({"label":"human","new_string":"Tea"})"},
                     {"c2", "memory_replace",
                      R"({"label":"human","old_string":"absent","new_string":""})"}}),
        calls_reply({{"c3", "memory_replace",
                      R"({"label":"human","old_string":"Grace","new_string":"Joan"})"}}),
        text_reply("one"), text_reply("two")};
    const std::string id = create();
    accepted_ = {send(id, run_of("A")), send(id, run_of("B"))};
    return id;
  }
  Outcome outcome(const std::string& id) {
    EXPECT_EQ(well_formed(history(id)), "");
    return {signature(history(id)), block_value(id)};
  }
  std::vector<std::shared_ptr<RunWatch>> accepted_;
};

// Commits of the scenario after both messages are accepted.
constexpr int kCommits = 7;

TEST_F(DisturbedTest, NothingHappensWithoutADisturbance) {
  const std::string id = begin();
  const int before = database_.commits;
  machine_.loop.run();
  EXPECT_EQ(outcome(id), kExpected);
  EXPECT_EQ(database_.commits - before, kCommits);
}

TEST_F(DisturbedTest, ARestartAtAnyCommitEndsInTheSameHistory) {
  for (int commit = 1; commit <= kCommits; ++commit) {
    for (Stage stage : {Stage::kHaltBefore, Stage::kHaltAfter}) {
      const std::string id = begin();
      database_.at(commit, stage);
      while (!database_.halted) {
        ASSERT_TRUE(machine_.loop.step());
      }
      restart();
      machine_.loop.run();
      EXPECT_EQ(outcome(id), kExpected) << commit << " " << static_cast<int>(stage);
    }
  }
}

TEST_F(DisturbedTest, ARestartWhileTheModelThinksEndsInTheSameHistory) {
  for (int question = 1; question <= 4; ++question) {
    model_.asked = 0;
    const std::string id = begin();
    while (model_.asked < question) {
      ASSERT_TRUE(machine_.loop.step());
    }
    restart();
    machine_.loop.run();
    EXPECT_EQ(outcome(id), kExpected) << question;
    EXPECT_EQ(model_.asked, 5);
  }
}

TEST_F(DisturbedTest, AConflictOrAnUndecidedCommitInAnyTurnEndsInTheSameHistory) {
  for (int commit = 1; commit <= kCommits; ++commit) {
    for (Stage stage : {Stage::kConflict, Stage::kUnknownLanded, Stage::kUnknownLost}) {
      model_.asked = 0;
      const std::string id = begin();
      const auto before = node_->runtime.counters();
      database_.at(commit, stage);
      for (auto& watch : accepted_) {
        const auto ended = end_of(*watch);
        ASSERT_TRUE(ended.has_value()) << commit << " " << static_cast<int>(stage);
        EXPECT_EQ(ended->status, RunStatus::kCompleted);
      }
      EXPECT_TRUE(database_.happened) << commit;
      EXPECT_EQ(outcome(id), kExpected) << commit << " " << static_cast<int>(stage);
      EXPECT_EQ(model_.asked, 4) << "a turn is tried again, not the question";
      const auto& after = node_->runtime.counters();
      const bool undecided = stage != Stage::kConflict;
      EXPECT_EQ(after.turns_undecided - before.turns_undecided, undecided ? 1U : 0U);
    }
  }
}

TEST_F(DisturbedTest, AFullDiskAtAnyCommitCostsTimeButNoSecondModelCall) {
  for (int commit = 1; commit <= kCommits; ++commit) {
    model_.asked = 0;
    const std::string id = begin();
    database_.at(commit, Stage::kFull);
    for (auto& watch : accepted_) {
      EXPECT_TRUE(end_of(*watch).has_value()) << commit;
    }
    EXPECT_EQ(outcome(id), kExpected) << commit;
    EXPECT_EQ(model_.asked, 4) << "a reply that was paid for is kept";
  }
}

TEST_F(DisturbedTest, AConflictWhileAMessageIsAcceptedAcceptsItOnce) {
  const std::string id = create();
  model_.lines = {text_reply("one")};
  for (Stage stage : {Stage::kConflict, Stage::kUnknownLanded, Stage::kUnknownLost}) {
    database_.at(1, stage);
    ASSERT_TRUE(end_of(*send(id, run_of("A"))).has_value()) << static_cast<int>(stage);
  }
  const Lines lines = signature(history(id));
  EXPECT_EQ(std::count(lines.begin(), lines.end(), "user: A"), 3);
  EXPECT_EQ(lines.size(), 7U);
}

Message made(MessageRole role, std::string run, std::vector<std::string> ids) {
  static int64_t turn = 0;
  Message message;
  message.role = role;
  message.place = Place{++turn, 0};
  message.id = "message-" + std::to_string(turn);
  message.run_id = std::move(run);
  for (std::string& id : ids) {
    if (role == MessageRole::kTool) {
      message.tool_returns.push_back({id, "t", "success", ""});
    } else {
      message.tool_calls.push_back({id, "t", "{}"});
    }
  }
  return message;
}

TEST(WellFormed, TellsGoodHistoriesFromBadOnes) {
  constexpr auto kSystem = MessageRole::kSystem;
  constexpr auto kUser = MessageRole::kUser;
  constexpr auto kAssistant = MessageRole::kAssistant;
  constexpr auto kTool = MessageRole::kTool;
  const auto system = [] { return made(kSystem, "", {}); };
  const auto good = {
      std::vector<Message>{system()},
      std::vector<Message>{system(), made(kUser, "r", {}), made(kAssistant, "r", {})},
      std::vector<Message>{system(), made(kUser, "r", {}), made(kAssistant, "r", {"a", "b"}),
                           made(kTool, "r", {"a", "b"}), made(kAssistant, "r", {})},
      std::vector<Message>{system(), made(kUser, "r", {}), made(kUser, "s", {}),
                           made(kAssistant, "s", {})},
  };
  for (const auto& history : good) {
    EXPECT_EQ(well_formed(history), "");
  }
  std::vector<Message> backwards = {system(), made(kUser, "r", {}), made(kUser, "r", {})};
  std::swap(backwards[1].place, backwards[2].place);
  std::vector<Message> twice = {system(), made(kUser, "r", {}), made(kUser, "r", {})};
  twice[2].id = twice[1].id;
  const std::map<std::string, std::vector<Message>> bad = {
      {"no system message", {made(kUser, "r", {})}},
      {"empty", {}},
      {"call without result", {system(), made(kAssistant, "r", {"a"})}},
      {"result late",
       {system(), made(kAssistant, "r", {"a"}), made(kUser, "r", {}), made(kTool, "r", {"a"})}},
      {"one of two results",
       {system(), made(kAssistant, "r", {"a", "b"}), made(kTool, "r", {"a"})}},
      {"result twice", {system(), made(kAssistant, "r", {"a"}), made(kTool, "r", {"a", "a"})}},
      {"two result messages",
       {system(), made(kAssistant, "r", {"a"}), made(kTool, "r", {"a"}), made(kTool, "r", {"a"})}},
      {"result of another call", {system(), made(kAssistant, "r", {"a"}), made(kTool, "r", {"b"})}},
      {"result without call", {system(), made(kUser, "r", {}), made(kTool, "r", {"a"})}},
      {"result of another run", {system(), made(kAssistant, "r", {"a"}), made(kTool, "s", {"a"})}},
      {"call id twice",
       {system(), made(kAssistant, "r", {"a"}), made(kTool, "r", {"a"}),
        made(kAssistant, "r", {"a"}), made(kTool, "r", {"a"})}},
      {"runs mixed", {system(), made(kUser, "r", {}), made(kUser, "s", {}), made(kUser, "r", {})}},
      {"out of order", backwards},
      {"id twice", twice},
  };
  for (const auto& [name, history] : bad) {
    EXPECT_NE(well_formed(history), "") << name;
  }
}

}  // namespace
}  // namespace kelpie::agent
