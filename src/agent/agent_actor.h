// AgentActor: the turns of one agent, and the driver that takes its runs from step to step.
//
// A run is state of the actor, not a turn: while it waits for the model, the agent answers other
// calls. Its turns are accept, start (the same commit when nothing else runs), reply, results.
// Between turns only the driver's place in the loop is in memory, and that is read off the store
// again after a crash.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actor/actor.h"
#include "agent/agent_store.h"
#include "agent/records.h"
#include "agent/run_watch.h"
#include "agent/step.h"
#include "async/task.h"
#include "llm/model.h"
#include "world/rng.h"

namespace kelpie::agent {

inline constexpr const char* kActorType = "agent";
inline constexpr const char* kNamespace = "default";

actor::ActorRef agent_ref(const std::string& agent_id);

struct NewAgent {
  Config config;  // created_micros and updated_micros are the turn's to set
  std::vector<Block> blocks;
  std::vector<Message> first_messages;  // after the system message; ids set
  std::string system_message_id;
};

// What is set is changed.
struct AgentPatch {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> system;
  std::optional<std::string> model;
  std::optional<std::vector<std::string>> tools;
  std::optional<std::vector<std::string>> tags;
  std::optional<int64_t> context_window;
  std::optional<bool> parallel_tool_calls;
  boost::json::object extra;  // members replace those of Config::extra
};

struct BlockPatch {
  std::optional<std::string> value;
  std::optional<std::string> label;
  std::optional<std::string> description;
  std::optional<int64_t> limit;
  std::optional<bool> read_only;
  std::optional<boost::json::object> metadata;
  std::optional<std::vector<std::string>> tags;
};

class AgentActor final : public actor::Actor {
 public:
  AgentActor(actor::ActorServices services, llm::Models& models);
  ~AgentActor() override;

  Task<void> activate(store::Transaction& transaction) override;
  [[nodiscard]] bool busy() const override { return driving_; }

  // Turns. All but `create` fail with `not_found` when the agent does not exist.
  Task<void> create(actor::Turn& turn, NewAgent agent);
  Task<void> update(actor::Turn& turn, AgentPatch patch);
  Task<Block> update_block(actor::Turn& turn, std::string label, BlockPatch patch);
  // Compiles the system prompt anew; yields it.
  Task<std::string> recompile(actor::Turn& turn);
  Task<void> remove(actor::Turn& turn);
  // Queues a run durably; it starts in the same commit when no other is before it.
  Task<void> accept(actor::Turn& turn, Run run, std::shared_ptr<RunWatch> watch);
  // Does nothing but activate, and so resume what was interrupted.
  Task<void> wake(actor::Turn& turn);

 private:
  struct View {
    Config config;
    Run run;
    std::vector<Message> history;
  };
  struct Reply {
    std::string run_id;
    int64_t step = 0;  // how many steps the run had when the model was asked
    Message message;   // place is the turn's to set
    TokenUsage usage;  // of this step
    bool ends = false;
    std::string stop_reason;
  };

  Task<Config> must_exist(AgentStore& store);
  Task<Message> system_message(AgentStore& store, const Config& config, WallTime now,
                               size_t messages);
  // The run at the head of the queue, if it is the one named and still runs.
  Task<Run> must_be_active(AgentStore& store, std::string run_id);
  Task<std::vector<Message>> put_input(AgentStore& store, actor::Turn& turn, Run& run);
  Task<void> end_run(AgentStore& store, actor::Turn& turn, Run run);

  // Turns of the driver.
  Task<void> start_run(actor::Turn& turn, std::string run_id);
  Task<void> record_reply(actor::Turn& turn, Reply reply);
  // What to do with the open tool calls. Results that fit no transaction are refused: nothing is
  // run, and each call has a result that says so.
  enum class ToolCalls : uint8_t { kRun, kRefuse };
  Task<void> record_results(actor::Turn& turn, std::string run_id, std::string message_id,
                            ToolCalls calls);
  Task<void> finish_run(actor::Turn& turn, std::string run_id, std::string stop_reason);
  Task<void> fail_run(actor::Turn& turn, std::string run_id, std::string stop_reason,
                      std::string error_type, std::string error_message);

  void start_driving();
  Task<void> drive();
  // One step of the active run; false when nothing is queued.
  Task<bool> drive_once();
  Task<std::optional<View>> read_view();
  Task<void> ask_model(View view);
  Task<void> run_tools(std::string run_id);
  Task<void> record_kept_reply(Reply reply);
  // Runs `body` as a turn of this agent.
  template <class Fn>
  Task<void> turn(Fn body);

  void tell(const std::string& run_id, RunEvent event);
  void tell_ended(const Run& run);

  actor::ActorServices services_;
  llm::Models& models_;
  world::Rng rng_;
  bool driving_ = false;
  bool look_again_ = false;
  std::map<std::string, std::vector<std::shared_ptr<RunWatch>>> watches_;
};

}  // namespace kelpie::agent
