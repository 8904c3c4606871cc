#include "llm/providers.h"

#include <gtest/gtest.h>

#include <memory>

#include "async/scope.h"
#include "llm/offline_server.h"
#include "net/http_server.h"
#include "net/testing/test_world.h"

namespace kelpie::llm {
namespace {

using namespace std::string_view_literals;

TEST(Handles, AreSplitAtTheFirstSlash) {
  EXPECT_EQ(split_handle("openai/org/name"), std::pair("openai"sv, "org/name"sv));
  EXPECT_EQ(split_handle("kelpie/offline"), std::pair("kelpie"sv, "offline"sv));
  EXPECT_EQ(split_handle("name"), std::pair(""sv, "name"sv));
}

TEST(Providers, HaveTheOfflineModelAlways) {
  net::testing::TestWorld world;
  const auto models = make_models(world.world, {});
  const auto listed = world.loop.run(models->list());
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed.value().size(), 1U);
  EXPECT_EQ(listed.value()[0].handle, "kelpie/offline");
  EXPECT_EQ(listed.value()[0].context_window, 128'000);
  Model* offline = models->find("kelpie/offline");
  ASSERT_NE(offline, nullptr);
  const auto reply =
      world.loop.run(offline->complete({.messages = {{.content = "say hi"}}}, nullptr));
  EXPECT_EQ(reply.value().content, "hi");
  EXPECT_EQ(models->find("kelpie/other"), nullptr);
  EXPECT_EQ(models->find("openai/gpt-4o"), nullptr);
  EXPECT_EQ(models->find(""), nullptr);
}

TEST(Providers, ReachAnOpenAiCompatibleServer) {
  net::testing::TestWorld world;
  OfflineModelHandler handler(world.world);
  net::HttpServer server(world.world, handler, {});
  const auto listener = world.loop.run(world.net.listen({.host = "h", .port = 80})).value();
  Scope serving(world.loop, nullptr);
  serving.spawn(server.serve(*listener));
  const auto models = make_models(world.world, {.openai_base_url = "http://h/v1"});
  const auto listed = world.loop.run(models->list());
  ASSERT_TRUE(listed.ok());
  ASSERT_EQ(listed.value().size(), 2U);
  EXPECT_EQ(listed.value()[1].handle, "openai/offline");
  EXPECT_EQ(listed.value()[1].endpoint, "http://h/v1");
  Model* model = models->find("openai/anything");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(models->find("openai/"), nullptr);
  const auto reply = world.loop.run(
      model->complete({.model = "offline", .messages = {{.content = "say hi"}}}, nullptr));
  ASSERT_TRUE(reply.ok()) << reply.error().to_string();
  EXPECT_EQ(reply.value().content, "hi");
  serving.cancel();
}

TEST(Providers, LeaveOutAProviderThatCannotBeAsked) {
  net::testing::TestWorld world;
  const auto models = make_models(world.world, {.openai_base_url = "http://nowhere/v1"});
  const auto listed = world.loop.run(models->list());
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed.value().size(), 1U);
  ASSERT_EQ(world.log.complaints.size(), 1U);
  EXPECT_EQ(world.log.complaints[0], "a provider's models could not be listed");
}

TEST(ModelsConfigs, AreRefusedWithABadUrlOrKey) {
  EXPECT_TRUE(check_models_config({}).ok());
  EXPECT_TRUE(
      check_models_config({.openai_api_key = "sk-1", .openai_base_url = "http://h:1/v1"}).ok());
  EXPECT_EQ(check_models_config({.openai_base_url = "h:1"}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(check_models_config({.openai_api_key = "a b"}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace kelpie::llm
