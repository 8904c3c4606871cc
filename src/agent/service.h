// Service: the agents, as the API sees them. Changes are calls to the agent's actor; reads are one
// fresh transaction, so that they show what is committed and nothing else.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/runtime.h"
#include "agent/agent_actor.h"
#include "agent/agent_store.h"
#include "agent/records.h"
#include "agent/run_watch.h"
#include "async/task.h"
#include "llm/model.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::agent {

// What an agent is at one moment.
struct AgentView {
  Config config;
  std::vector<Block> blocks;
  std::vector<std::string> message_ids;  // in context, the system message first
};

// Selects agents for a list; nullptr selects all.
using AgentFilter = std::function<bool(const Config&)>;

// One Loop. All but `list` fail with `not_found` ("Agent not found") for an agent that does not
// exist.
class Service {
 public:
  // `lives_here` says which agents' actors this loop runs; calls about others do not come here.
  Service(World& world, store::Database& database, actor::Runtime& runtime, llm::Models& models,
          std::function<bool(std::string_view)> lives_here);

  [[nodiscard]] bool lives_here(std::string_view agent_id) const { return lives_here_(agent_id); }

  Task<AgentView> create(NewAgent agent);
  Task<AgentView> get(std::string agent_id);
  Task<std::vector<AgentView>> list(PageRequest page, AgentFilter filter);
  Task<AgentView> update(std::string agent_id, AgentPatch patch);
  Task<std::string> recompile(std::string agent_id);
  Task<void> remove(std::string agent_id);

  Task<std::vector<Block>> blocks(std::string agent_id);
  Task<Block> block(std::string agent_id, std::string label);
  Task<Block> update_block(std::string agent_id, std::string label, BlockPatch patch);

  // Commits the run and its input, and returns what tells how it goes. The run goes on whether or
  // not anyone watches.
  Task<std::shared_ptr<RunWatch>> send(std::string agent_id, Run run);
  Task<std::vector<Message>> messages(std::string agent_id, PageRequest page);

  // Activates every agent of this loop that has runs which did not end, so that they go on; tries
  // until none is left out.
  Task<void> resume_all();

 private:
  Task<std::vector<std::string>> unfinished_agents();

  World& world_;
  store::Database& database_;
  actor::Runtime& runtime_;
  std::function<bool(std::string_view)> lives_here_;
};

}  // namespace kelpie::agent
