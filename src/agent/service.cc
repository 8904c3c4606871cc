#include "agent/service.h"

#include <algorithm>
#include <utility>

#include "async/sleep.h"
#include "store/run.h"
#include "world/log.h"

namespace kelpie::agent {
namespace {

constexpr Duration kResumePauseMin = Duration::millis(100);
constexpr Duration kResumePauseMax = Duration::seconds(10);

Task<void> wake(AgentActor& self, actor::Turn& turn) { return self.wake(turn); }

Task<Config> must_exist(AgentStore& store, std::string agent_id) {
  auto config = co_await store.config(std::move(agent_id));
  if (!config.has_value()) {
    co_return base::not_found("Agent not found");
  }
  co_return std::move(*config);
}

Task<AgentView> read_view(AgentStore& store, Config config) {
  AgentView view;
  view.blocks = co_await store.blocks(config.id);
  view.message_ids = co_await store.message_ids(config.id);
  view.config = std::move(config);
  co_return std::move(view);
}

Task<AgentView> view_of(AgentStore store, std::string agent_id) {
  Config config = co_await must_exist(store, std::move(agent_id));
  co_return co_await read_view(store, std::move(config));
}

Task<std::vector<AgentView>> views_of(AgentStore store, PageRequest page, AgentFilter filter) {
  std::vector<AgentView> views;
  const size_t wanted = page.limit;
  constexpr size_t kIdsPerRead = 200;
  page.limit = kIdsPerRead;
  while (views.size() < wanted) {
    std::vector<std::string> ids = co_await store.agent_ids(page);
    for (const std::string& id : ids) {
      auto config = co_await store.config(id);
      // Index and agent are cleared in one commit, so in one snapshot both are there or neither is.
      if (!config.has_value()) {
        co_return base::data_loss("agent " + id + " is indexed but not stored");
      }
      if (filter == nullptr || filter(*config)) {
        views.push_back(co_await read_view(store, std::move(*config)));
        if (views.size() == wanted) {
          break;
        }
      }
    }
    if (ids.size() < kIdsPerRead) {
      break;
    }
    page.after = ids.back();
  }
  co_return std::move(views);
}

Task<std::vector<Block>> blocks_of(AgentStore store, std::string agent_id) {
  co_await must_exist(store, agent_id);
  co_return co_await store.blocks(std::move(agent_id));
}

Task<Block> block_of(AgentStore store, std::string agent_id, std::string label) {
  co_await must_exist(store, agent_id);
  auto block = co_await store.block(std::move(agent_id), label);
  if (!block.has_value()) {
    co_return base::not_found("the agent has no block with the label \"" + label + "\"");
  }
  co_return std::move(*block);
}

Task<std::vector<Message>> messages_of(AgentStore store, std::string agent_id, PageRequest page) {
  co_await must_exist(store, agent_id);
  co_return co_await store.messages(std::move(agent_id), std::move(page));
}

Task<std::vector<std::string>> working_agents(AgentStore store) {
  co_return co_await store.working_agents();
}

// A view of one fresh snapshot; of another one when the store asks to try again.
template <class View, class... Arguments>
auto viewed(store::Database& database, Loop& loop, View view, Arguments... arguments) {
  return store::run(database, [=, &loop](store::Transaction& transaction) {
    return view(AgentStore::for_view(transaction, loop), arguments...);
  });
}

}  // namespace

Service::Service(World& world, store::Database& database, actor::Runtime& runtime,
                 llm::Models& models, std::function<bool(std::string_view)> lives_here)
    : world_(world), database_(database), runtime_(runtime), lives_here_(std::move(lives_here)) {
  runtime_.register_type(kActorType, [&models](actor::ActorServices services) {
    return std::make_unique<AgentActor>(std::move(services), models);
  });
}

Task<AgentView> Service::create(NewAgent agent) {
  const std::string id = agent.config.id;
  auto made = co_await runtime_
                  .call<AgentActor>(agent_ref(id),
                                    [agent](AgentActor& self, actor::Turn& turn) {
                                      return self.create(turn, agent);
                                    })
                  .result();
  if (!made.ok()) {
    co_return std::move(made).error();
  }
  co_return co_await get(id);
}

Task<AgentView> Service::get(std::string agent_id) {
  return viewed(database_, world_.loop, view_of, std::move(agent_id));
}

Task<std::vector<AgentView>> Service::list(PageRequest request, AgentFilter filter) {
  const PageWalk walk = walk_of(std::move(request));
  std::vector<AgentView> views =
      co_await viewed(database_, world_.loop, views_of, walk.page, std::move(filter));
  if (walk.turned) {
    std::ranges::reverse(views);
  }
  co_return std::move(views);
}

Task<AgentView> Service::update(std::string agent_id, AgentPatch patch) {
  co_await runtime_.call<AgentActor>(
      agent_ref(agent_id),
      [patch](AgentActor& self, actor::Turn& turn) { return self.update(turn, patch); });
  co_return co_await get(std::move(agent_id));
}

Task<std::string> Service::recompile(std::string agent_id) {
  co_return co_await runtime_.call<AgentActor>(
      agent_ref(agent_id),
      [](AgentActor& self, actor::Turn& turn) { return self.recompile(turn); });
}

Task<void> Service::remove(std::string agent_id) {
  co_await runtime_.call<AgentActor>(
      agent_ref(agent_id), [](AgentActor& self, actor::Turn& turn) { return self.remove(turn); });
  co_return kOk;
}

Task<std::vector<Block>> Service::blocks(std::string agent_id) {
  return viewed(database_, world_.loop, blocks_of, std::move(agent_id));
}

Task<Block> Service::block(std::string agent_id, std::string label) {
  return viewed(database_, world_.loop, block_of, std::move(agent_id), std::move(label));
}

Task<Block> Service::update_block(std::string agent_id, std::string label, BlockPatch patch) {
  co_return co_await runtime_.call<AgentActor>(agent_ref(agent_id),
                                               [label, patch](AgentActor& self, actor::Turn& turn) {
                                                 return self.update_block(turn, label, patch);
                                               });
}

Task<std::shared_ptr<RunWatch>> Service::send(std::string agent_id, Run run) {
  auto watch = std::make_shared<RunWatch>(world_.loop);
  co_await runtime_.call<AgentActor>(
      agent_ref(agent_id),
      [run, watch](AgentActor& self, actor::Turn& turn) { return self.accept(turn, run, watch); });
  co_return std::move(watch);
}

Task<std::vector<Message>> Service::messages(std::string agent_id, PageRequest page) {
  return viewed(database_, world_.loop, messages_of, std::move(agent_id), std::move(page));
}

Task<std::vector<std::string>> Service::unfinished_agents() {
  std::vector<std::string> ids = co_await viewed(database_, world_.loop, working_agents);
  std::erase_if(ids, [this](const std::string& id) { return !lives_here_(id); });
  co_return std::move(ids);
}

Task<void> Service::resume_all() {
  Duration pause = kResumePauseMin;
  for (;;) {
    // Whoever could not be woken still has unfinished runs, so the next look finds it again.
    size_t failed = 0;
    auto agents = co_await unfinished_agents().result();
    if (!agents.ok()) {
      failed = 1;
      world_.log.warn("the unfinished runs could not be read",
                      {{"error", agents.error().to_string()}});
    } else {
      for (const std::string& id : *agents) {
        auto woken = co_await runtime_.call<AgentActor>(agent_ref(id), wake).result();
        if (!woken.ok()) {
          ++failed;
          world_.log.warn("an agent with unfinished runs could not be woken",
                          {{"agent", id}, {"error", woken.error().to_string()}});
        }
      }
    }
    if (failed == 0) {
      co_return kOk;
    }
    co_await async::sleep_for(world_.loop, pause);
    pause = std::min(pause * 2, kResumePauseMax);
  }
}

}  // namespace kelpie::agent
