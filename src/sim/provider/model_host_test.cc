#include "sim/provider/model_host.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "llm/offline_rules.h"
#include "llm/providers.h"
#include "llm/recording_sink_test.h"
#include "sim/simulation.h"

namespace kelpie::sim {
namespace {

constexpr uint64_t kAlways = 1'000'000;
constexpr size_t kReplyBytesMax = 64 * 1024;

class ModelHostTest : public ::testing::Test {
 protected:
  // The host with these faults, and the production client on another.
  void begin(ModelFaults faults, uint64_t seed = 1) {
    NetworkOptions wires;
    wires.partial_rate = 300'000;
    Swarm swarm;
    swarm.scheduler.policy = Policy::kUniform;
    swarm.network = wires;
    models_.reset();
    model_.reset();
    simulation_ = std::make_unique<Simulation>(
        SimulationOptions{.seed = seed, .mutants = {}, .sink = nullptr}, swarm);
    model_ = std::make_unique<ModelHost>(*simulation_, simulation_->add_host("provider"),
                                         ModelHostOptions{.address = {"provider", 8080},
                                                          .faults = faults,
                                                          .flood_bytes = kReplyBytesMax + 1'000});
    model_->start();
    llm::ModelsConfig config;
    config.openai_base_url = "http://provider:8080/v1";
    config.request_timeout = Duration::seconds(5);
    config.reply_bytes_max = kReplyBytesMax;
    models_ = llm::make_models(simulation_->add_host("client").boot(), config);
  }
  ~ModelHostTest() override { models_.reset(); }

  static llm::ChatRequest request(std::string text) {
    llm::ChatRequest request;
    request.model = "offline";
    request.messages = {{llm::Role::kUser, std::move(text), {}, {}}};
    request.tools = {{.name = "note", .description = "", .parameters = {}}};
    return request;
  }
  Result<llm::ChatReply> ask(std::string text) {
    llm::RecordingSink sink;
    return run(models_->find(kProviderHandle)->complete(request(std::move(text)), &sink));
  }
  template <class T>
  Result<T> run(Task<T> task) {
    done_ = false;
    done_ = task.start([](void* flag) { *static_cast<bool*>(flag) = true; }, &done_);
    simulation_->run_until(done_);
    CHECK(done_);
    return task.take();
  }
  uint64_t received(Fault fault) { return simulation_->ledger().received(fault); }

  std::unique_ptr<Simulation> simulation_;
  std::unique_ptr<ModelHost> model_;
  std::unique_ptr<llm::Models> models_;
  bool done_ = false;
};

TEST_F(ModelHostTest, AnswersAsTheOfflineModelDoes) {
  begin({});
  for (const std::string text : {"hello 🦭", "call note {\"a\": 1}"}) {
    const llm::ChatReply expected = llm::offline_reply(request(text));
    const Result<llm::ChatReply> reply = ask(text);
    ASSERT_TRUE(reply.ok()) << reply.error().to_string();
    EXPECT_EQ(reply->content, expected.content);
    EXPECT_EQ(reply->tool_calls, expected.tool_calls);
    EXPECT_GT(reply->usage.prompt_tokens, 0);
    EXPECT_TRUE(model_->said().contains(expected.content));
  }
  EXPECT_FALSE(simulation_->failure().has_value());
}

TEST_F(ModelHostTest, AnswersPlainRequestsAndNamesItsModel) {
  begin({});
  const Result<llm::ChatReply> reply =
      run(models_->find(kProviderHandle)->complete(request("hello"), nullptr));
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply->content, llm::offline_reply(request("hello")).content);
  const auto listed = run(models_->list());
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed->size(), 2U);
  EXPECT_EQ(listed->back().handle, kProviderHandle);
}

// What the client may make of a fault; nullopt is a good reply.
using Outcomes = std::vector<std::optional<Code>>;

// Of many seeds, so that each shape of the fault comes: each outcome is one of these, each of these
// is seen, and the fault is counted whenever the client has received it.
class ModelHostFaults : public ModelHostTest {
 protected:
  void expect(Fault fault, uint64_t ModelFaults::* rate, const Outcomes& outcomes) {
    Outcomes seen;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
      ModelFaults faults;
      faults.*rate = kAlways;
      begin(faults, seed);
      const Result<llm::ChatReply> reply = ask("hello 🦭 and more words than one");
      seen.push_back(reply.ok() ? std::nullopt : std::optional(reply.error().code));
      EXPECT_TRUE(std::ranges::find(outcomes, seen.back()) != outcomes.end())
          << "seed " << seed << ": " << (reply.ok() ? reply->content : reply.error().to_string());
      EXPECT_GE(received(fault), 1U) << "seed " << seed;
      EXPECT_FALSE(simulation_->failure().has_value());
      if (reply.ok()) {
        EXPECT_TRUE(reply->content.empty() || model_->said().contains(reply->content));
      }
    }
    for (const std::optional<Code>& outcome : outcomes) {
      EXPECT_TRUE(std::ranges::find(seen, outcome) != seen.end())
          << "never " << (outcome ? static_cast<int>(*outcome) : -1);
    }
  }
};

TEST_F(ModelHostFaults, SilenceIsATimeout) {
  expect(Fault::kModelTimeout, &ModelFaults::timeout_rate, {Code::kDeadlineExceeded});
}
TEST_F(ModelHostFaults, RateLimitsExhaustTheTries) {
  expect(Fault::kModelRateLimited, &ModelFaults::rate_limit_rate, {Code::kResourceExhausted});
}
TEST_F(ModelHostFaults, ServerErrorsAreUnavailable) {
  expect(Fault::kModelServerError, &ModelFaults::server_error_rate, {Code::kUnavailable});
}
TEST_F(ModelHostFaults, NonsenseIsDataLossOrAnErrorOrPassedOver) {
  expect(Fault::kModelMalformed, &ModelFaults::malformed_rate,
         {std::nullopt, Code::kDataLoss, Code::kUnavailable});
}
TEST_F(ModelHostFaults, ACutIsUnavailableOrComesTooLate) {
  expect(Fault::kModelStreamCut, &ModelFaults::cut_rate, {std::nullopt, Code::kUnavailable});
}
TEST_F(ModelHostFaults, AFloodIsCutOff) {
  expect(Fault::kModelHugeAnswer, &ModelFaults::flood_rate, {Code::kDataLoss});
}
TEST_F(ModelHostFaults, SlowTokensComeOrTimeOut) {
  expect(Fault::kModelSlow, &ModelFaults::slow_rate, {std::nullopt, Code::kDeadlineExceeded});
}
TEST_F(ModelHostFaults, AnEmptyAnswerIsAnAnswer) {
  expect(Fault::kModelEmptyAnswer, &ModelFaults::empty_rate, {std::nullopt});
}

TEST_F(ModelHostTest, SendsAToolCallTwiceUnderOneId) {
  ModelFaults faults;
  faults.duplicate_call_rate = kAlways;
  begin(faults);
  const Result<llm::ChatReply> reply = ask("call note {\"a\": 1}");
  ASSERT_TRUE(reply.ok());
  ASSERT_EQ(reply->tool_calls.size(), 2U);
  EXPECT_EQ(reply->tool_calls[0], reply->tool_calls[1]);
  EXPECT_EQ(received(Fault::kModelDuplicateToolCall), 1U);
}

TEST_F(ModelHostTest, IsWellAgainAfterItIsHealed) {
  ModelFaults faults;
  faults.server_error_rate = kAlways;
  begin(faults);
  EXPECT_FALSE(ask("hello").ok());
  model_->heal();
  EXPECT_TRUE(ask("hello").ok());
}

TEST_F(ModelHostTest, CannotBeReachedWhileItIsDownAndCanAfterwards) {
  begin({});
  ASSERT_TRUE(ask("hello").ok());
  model_->crash();
  const Result<llm::ChatReply> reply = ask("hello");
  ASSERT_FALSE(reply.ok());
  EXPECT_TRUE(reply.error().code == Code::kUnavailable ||
              reply.error().code == Code::kDeadlineExceeded);
  model_->start();
  EXPECT_TRUE(ask("hello").ok());
}

}  // namespace
}  // namespace kelpie::sim
