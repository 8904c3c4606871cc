#include "agent/agent_actor.h"

#include <algorithm>
#include <utility>

#include "agent/ids.h"
#include "agent/memory_tools.h"
#include "agent/prompt.h"
#include "base/limits.h"
#include "world/faults.h"

namespace kelpie::agent {

actor::ActorRef agent_ref(const std::string& agent_id) {
  return {kActorType, kNamespace, agent_id};
}

AgentActor::AgentActor(actor::ActorServices services, llm::Models& models)
    : services_(std::move(services)),
      models_(models),
      rng_(services_.world.rng.fork("agent/" + services_.self.id + "/" +
                                    std::to_string(services_.world.rng.next()))) {}

AgentActor::~AgentActor() {
  for (auto& [run_id, watches] : watches_) {
    for (auto& watch : watches) {
      watch->close();
    }
  }
}

Task<void> AgentActor::activate(store::Transaction& transaction) {
  AgentStore store(transaction);
  auto queue = co_await store.queue(services_.self.id);
  if (!queue.empty()) {
    start_driving();
  }
  co_return kOk;
}

Task<Config> AgentActor::must_exist(AgentStore& store) {
  auto config = co_await store.config(services_.self.id);
  if (!config.has_value()) {
    co_return base::not_found("Agent not found");
  }
  co_return std::move(*config);
}

Task<void> AgentActor::create(actor::Turn& turn, NewAgent agent) {
  AgentStore store(turn.transaction());
  CHECK(agent.config.id == services_.self.id);
  auto existing = co_await store.config(agent.config.id);
  if (existing.has_value()) {
    co_return base::already_exists("an agent with the id " + agent.config.id + " exists");
  }
  const int64_t now = turn.now().micros();
  agent.config.created_micros = now;
  agent.config.updated_micros = now;
  for (Block& block : agent.blocks) {
    co_await store.put_block(agent.config.id, block);
  }
  Message system;
  system.id = agent.system_message_id;
  system.role = MessageRole::kSystem;
  system.created_micros = now;
  system.place = Place{turn.number(), 0};
  system.text =
      compile_system_prompt(agent.config, agent.blocks, {turn.now(), agent.first_messages.size()});
  co_await store.put_message(agent.config.id, std::move(system));
  int64_t index = 1;
  for (Message& message : agent.first_messages) {
    message.created_micros = now;
    message.place = Place{turn.number(), index++};
    co_await store.put_message(agent.config.id, message);
  }
  co_await store.insert_agent(std::move(agent.config));
  co_return kOk;
}

Task<Message> AgentActor::system_message(AgentStore& store, const Config& config, WallTime now,
                                         size_t messages) {
  PageRequest first;
  first.limit = 1;
  first.order = store::Order::kForward;
  std::vector<Message> found = co_await store.messages(config.id, std::move(first));
  if (found.empty() || found.front().role != MessageRole::kSystem) {
    co_return base::data_loss("the history of " + config.id + " has no system message");
  }
  std::vector<Block> blocks = co_await store.blocks(config.id);
  found.front().text = compile_system_prompt(config, blocks, {now, messages});
  co_return std::move(found.front());
}

Task<std::string> AgentActor::recompile(actor::Turn& turn) {
  AgentStore store(turn.transaction());
  Config config = co_await must_exist(store);
  const auto ids = co_await store.message_ids(config.id);
  Message system = co_await system_message(store, config, turn.now(), ids.size() - 1);
  std::string text = system.text;
  co_await store.put_message(config.id, std::move(system));
  co_return std::move(text);
}

Task<void> AgentActor::update(actor::Turn& turn, AgentPatch patch) {
  AgentStore store(turn.transaction());
  Config config = co_await must_exist(store);
  const bool new_instructions = patch.system.has_value() && *patch.system != config.system;
  const auto apply = [](auto& field, auto& change) {
    if (change.has_value()) {
      field = std::move(*change);
    }
  };
  apply(config.name, patch.name);
  apply(config.description, patch.description);
  apply(config.system, patch.system);
  apply(config.model, patch.model);
  apply(config.tools, patch.tools);
  apply(config.tags, patch.tags);
  apply(config.context_window, patch.context_window);
  apply(config.parallel_tool_calls, patch.parallel_tool_calls);
  for (const auto& member : patch.extra) {
    config.extra[member.key()] = member.value();
  }
  config.updated_micros = turn.now().micros();
  if (new_instructions) {
    const auto ids = co_await store.message_ids(config.id);
    Message system = co_await system_message(store, config, turn.now(), ids.size() - 1);
    co_await store.put_message(config.id, std::move(system));
  }
  co_await store.put_config(std::move(config));
  co_return kOk;
}

Task<Block> AgentActor::update_block(actor::Turn& turn, std::string label, BlockPatch patch) {
  AgentStore store(turn.transaction());
  Config config = co_await must_exist(store);
  auto found = co_await store.block(config.id, label);
  if (!found.has_value()) {
    co_return base::not_found("the agent has no block with the label \"" + label + "\"");
  }
  Block block = std::move(*found);
  if (patch.label.has_value() && *patch.label != label) {
    auto taken = co_await store.block(config.id, *patch.label);
    if (taken.has_value()) {
      co_return base::already_exists("the agent has a block with the label \"" + *patch.label +
                                     "\" already");
    }
    co_await store.erase_block(config.id, label);
    block.label = std::move(*patch.label);
  }
  block.value = std::move(patch.value).value_or(std::move(block.value));
  block.limit = patch.limit.value_or(block.limit);
  block.read_only = patch.read_only.value_or(block.read_only);
  block.metadata = std::move(patch.metadata).value_or(std::move(block.metadata));
  block.tags = std::move(patch.tags).value_or(std::move(block.tags));
  if (patch.description.has_value()) {
    block.description = std::move(*patch.description);
    block.has_description = true;
  }
  co_await check_block_limit(block);
  co_await store.put_block(config.id, block);
  co_return std::move(block);
}

Task<void> AgentActor::remove(actor::Turn& turn) {
  AgentStore store(turn.transaction());
  Config config = co_await must_exist(store);
  co_await store.erase_agent(std::move(config), services_.world.faults);
  turn.destroy_actor();
  co_return kOk;
}

Task<void> AgentActor::wake(actor::Turn& turn) {
  turn.read_only();
  co_return kOk;
}

Task<void> AgentActor::accept(actor::Turn& turn, Run run, std::shared_ptr<RunWatch> watch) {
  AgentStore store(turn.transaction());
  co_await must_exist(store);
  run.created_micros = turn.now().micros();
  const auto queue = co_await store.queue(services_.self.id);
  if (queue.size() >= base::kQueuedRunsPerAgentMax) {
    co_return base::resource_exhausted(std::to_string(queue.size()) +
                                       " messages wait for this agent already; try again later");
  }
  const std::string run_id = run.id;
  services_.world.faults.sometimes("agent.accept.queued_behind", !queue.empty());
  if (queue.empty()) {
    co_await put_input(store, turn, run);
  }
  co_await store.put_run(services_.self.id, std::move(run));
  store.enqueue(services_.self.id, {turn.number(), run_id});
  turn.after_commit([this, run_id, watch] {
    if (watch) {
      watches_[run_id].push_back(watch);
    }
    start_driving();
  });
  co_return kOk;
}

Task<std::vector<Message>> AgentActor::put_input(AgentStore& store, actor::Turn& turn, Run& run) {
  CHECK(run.status == RunStatus::kQueued);
  run.status = RunStatus::kRunning;
  std::vector<Message> input = std::exchange(run.input, {});
  int64_t index = 0;
  for (Message& message : input) {
    message.place = Place{turn.number(), index++};
    message.created_micros = turn.now().micros();
    co_await store.put_message(services_.self.id, message);
  }
  co_return std::move(input);
}

Task<Run> AgentActor::must_be_active(AgentStore& store, std::string run_id) {
  const auto queue = co_await store.queue(services_.self.id);
  if (queue.empty() || queue.front().run_id != run_id) {
    co_return base::failed_precondition("run " + run_id + " is not the active one");
  }
  auto run = co_await store.run(services_.self.id, run_id);
  if (!run.has_value()) {
    co_return base::data_loss("run " + run_id + " is queued but not stored");
  }
  co_return std::move(*run);
}

Task<void> AgentActor::end_run(AgentStore& store, actor::Turn& turn, Run run) {
  CHECK(run.status == RunStatus::kCompleted || run.status == RunStatus::kFailed);
  run.ended_micros = turn.now().micros();
  const auto queue = co_await store.queue(services_.self.id);
  CHECK(!queue.empty() && queue.front().run_id == run.id);
  co_await store.dequeue(services_.self.id, queue.front().turn);
  co_await store.put_run(services_.self.id, run);
  turn.after_commit([this, run = std::move(run)] { tell_ended(run); });
  co_return kOk;
}

Task<void> AgentActor::start_run(actor::Turn& turn, std::string run_id) {
  AgentStore store(turn.transaction());
  Run run = co_await must_be_active(store, run_id);
  if (run.status != RunStatus::kQueued) {
    turn.read_only();
    co_return kOk;
  }
  co_await put_input(store, turn, run);
  co_await store.put_run(services_.self.id, std::move(run));
  co_return kOk;
}

Task<void> AgentActor::record_reply(actor::Turn& turn, Reply reply) {
  AgentStore store(turn.transaction());
  co_await must_exist(store);
  Run run = co_await must_be_active(store, reply.run_id);
  if (run.steps != reply.step || run.status != RunStatus::kRunning) {
    co_return base::failed_precondition("the step was recorded already");
  }
  run.steps += 1;
  run.usage.prompt += reply.usage.prompt;
  run.usage.completion += reply.usage.completion;
  run.usage.cached += reply.usage.cached;
  run.usage.reasoning += reply.usage.reasoning;
  run.usage.context = reply.usage.prompt + reply.usage.completion;
  Message message = std::move(reply.message);
  message.place = Place{turn.number(), 0};
  message.created_micros = turn.now().micros();
  co_await store.put_message(services_.self.id, message);
  turn.after_commit([this, run_id = run.id, message = std::move(message)]() mutable {
    tell(run_id, MessageCommitted{std::move(message)});
  });
  if (reply.ends) {
    run.status = RunStatus::kCompleted;
    run.stop_reason = reply.stop_reason;
    co_await end_run(store, turn, std::move(run));
  } else {
    co_await store.put_run(services_.self.id, std::move(run));
  }
  co_return kOk;
}

namespace {

// Runs one tool call inside the turn: its effect and its result are one commit.
Task<ToolReturn> run_tool(AgentStore& store, std::string agent_id, llm::ToolCall call,
                          const Config& config) {
  ToolReturn item{call.id, call.name, "error", ""};
  const bool attached = std::ranges::find(config.tools, call.name) != config.tools.end();
  if (!attached || !is_builtin_tool(call.name)) {
    item.content = "There is no tool named \"" + call.name + "\" on this agent.";
    co_return std::move(item);
  }
  auto label = edited_label(call.arguments);
  if (!label.ok()) {
    item.content = label.error().message;
    co_return std::move(item);
  }
  auto block = co_await store.block(agent_id, *label);
  if (!block.has_value()) {
    item.content = "There is no memory block with the label \"" + *label + "\".";
    co_return std::move(item);
  }
  auto edit = apply_memory_tool(call.name, call.arguments, *block);
  if (!edit.ok()) {
    item.content = edit.error().message;
    co_return std::move(item);
  }
  block->value = std::move(edit->value);
  co_await store.put_block(agent_id, *block);
  item.status = "success";
  item.content = limited_return("The block \"" + *label + "\" now reads:\n" + block->value);
  co_return std::move(item);
}

}  // namespace

Task<void> AgentActor::record_results(actor::Turn& turn, std::string run_id, std::string message_id,
                                      ToolCalls calls) {
  AgentStore store(turn.transaction());
  Config config = co_await must_exist(store);
  Run run = co_await must_be_active(store, run_id);
  PageRequest newest;
  newest.limit = 1;
  std::vector<Message> last = co_await store.messages(config.id, std::move(newest));
  const bool open = !last.empty() && last.front().role == MessageRole::kAssistant &&
                    !last.front().tool_calls.empty() && last.front().run_id == run_id;
  if (!open) {
    co_return base::failed_precondition("the tool calls have their results already");
  }
  Message results;
  results.id = std::move(message_id);
  results.role = MessageRole::kTool;
  results.run_id = run_id;
  results.step_id = last.front().step_id;
  results.created_micros = turn.now().micros();
  results.place = Place{turn.number(), 0};
  for (const llm::ToolCall& call : last.front().tool_calls) {
    if (calls == ToolCalls::kRefuse) {
      results.tool_returns.push_back(ToolReturn{call.id, call.name, "error",
                                                "The results of these calls are too large to "
                                                "store. No call was run: make fewer at once."});
      continue;
    }
    results.tool_returns.push_back(co_await run_tool(store, config.id, call, config));
  }
  co_await store.put_message(config.id, results);
  turn.after_commit([this, run_id, results = std::move(results)]() mutable {
    tell(run_id, MessageCommitted{std::move(results)});
  });
  if (run.steps >= run.steps_max) {
    run.status = RunStatus::kCompleted;
    run.stop_reason = "max_steps";
    co_await end_run(store, turn, std::move(run));
  }
  co_return kOk;
}

Task<void> AgentActor::finish_run(actor::Turn& turn, std::string run_id, std::string stop_reason) {
  AgentStore store(turn.transaction());
  Run run = co_await must_be_active(store, run_id);
  run.status = RunStatus::kCompleted;
  run.stop_reason = std::move(stop_reason);
  co_await end_run(store, turn, std::move(run));
  co_return kOk;
}

Task<void> AgentActor::fail_run(actor::Turn& turn, std::string run_id, std::string stop_reason,
                                std::string error_type, std::string error_message) {
  AgentStore store(turn.transaction());
  Run run = co_await must_be_active(store, run_id);
  run.status = RunStatus::kFailed;
  run.stop_reason = std::move(stop_reason);
  run.error_type = std::move(error_type);
  // It may quote what a provider sent.
  run.error_message = legible(error_message);
  co_await end_run(store, turn, std::move(run));
  co_return kOk;
}

}  // namespace kelpie::agent
