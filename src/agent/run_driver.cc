// The driver of AgentActor: takes the active run from committed step to committed step.
#include <algorithm>
#include <map>
#include <utility>

#include "actor/runtime.h"
#include "agent/agent_actor.h"
#include "agent/ids.h"
#include "agent/memory_tools.h"
#include "async/sleep.h"
#include "world/faults.h"
#include "world/log.h"

namespace kelpie::agent {
namespace {

constexpr Duration kRetryPauseMin = Duration::millis(50);
constexpr Duration kRetryPauseMax = Duration::seconds(5);

// The wire's name for what went wrong with a model call.
struct ModelFailure {
  std::string stop_reason;
  std::string error_type;
};
ModelFailure model_failure(const Error& error) {
  switch (error.code) {
    case Code::kDeadlineExceeded:
      return {"llm_api_error", "llm_timeout"};
    case Code::kResourceExhausted:
      return {"llm_api_error", "llm_rate_limit"};
    case Code::kUnauthenticated:
    case Code::kPermissionDenied:
      return {"llm_api_error", "llm_authentication"};
    case Code::kInvalidArgument:
    case Code::kNotFound:
      return {"llm_api_error", "llm_bad_request"};
    case Code::kOutOfRange:
      return {"context_window_overflow_in_system_prompt",
              "context_window_overflow_in_system_prompt"};
    case Code::kDataLoss:
      return {"invalid_llm_response", "llm_error"};
    default:
      return {"llm_api_error", "llm_error"};
  }
}

}  // namespace

void AgentActor::start_driving() {
  if (driving_) {
    // The look at the queue that the driver has begun may be too early to see what is new.
    look_again_ = true;
    return;
  }
  driving_ = true;
  services_.background.spawn(drive());
}

Task<void> AgentActor::drive() {
  Duration pause = kRetryPauseMin;
  // Not inside the commit that started us: its caller is answered first.
  co_await async::yield(services_.world.loop);
  for (;;) {
    look_again_ = false;
    auto more = co_await drive_once().result();
    if (more.ok()) {
      services_.world.faults.sometimes("agent.drive.look_again", !*more && look_again_);
      if (!*more && !look_again_) {
        driving_ = false;
        co_return kOk;
      }
      pause = kRetryPauseMin;
      continue;
    }
    if (more.error().code == Code::kNotFound) {
      driving_ = false;  // the agent was deleted meanwhile
      co_return kOk;
    }
    services_.world.faults.reached("agent.drive.step_again");
    // Nothing is lost: the run stands where its last commit left it, and is tried again from there.
    services_.world.log.warn("a step of a run failed and is tried again",
                             {{"agent", services_.self.id}, {"error", more.error().to_string()}});
    co_await async::sleep_for(services_.world.loop, pause);
    pause = std::min(pause * 2, kRetryPauseMax);
  }
}

template <class Fn>
Task<void> AgentActor::turn(Fn body) {
  return services_.runtime.call<AgentActor>(services_.self, std::move(body));
}

Task<std::optional<AgentActor::View>> AgentActor::read_view() {
  auto transaction = services_.database.begin();
  AgentStore store = AgentStore::for_view(*transaction, services_.world.loop);
  auto queue = co_await store.queue(services_.self.id);
  if (queue.empty()) {
    co_return std::optional<View>();
  }
  View view;
  view.config = co_await must_exist(store);
  auto run = co_await store.run(services_.self.id, queue.front().run_id);
  if (!run.has_value()) {
    co_return base::data_loss("run " + queue.front().run_id + " is queued but not stored");
  }
  view.run = std::move(*run);
  view.history = co_await store.history(services_.self.id);
  co_return std::optional<View>(std::move(view));
}

Task<bool> AgentActor::drive_once() {
  std::optional<View> view = co_await read_view();
  if (!view.has_value()) {
    co_return false;
  }
  const std::string run_id = view->run.id;
  const Message* last = view->history.empty() ? nullptr : &view->history.back();
  const NextStep next = next_step(view->run, last);
  switch (next.kind) {
    case StepKind::kStart:
      co_await turn(
          [run_id](AgentActor& self, actor::Turn& t) { return self.start_run(t, run_id); });
      break;
    case StepKind::kAskModel:
      co_await ask_model(std::move(*view));
      break;
    case StepKind::kRunTools:
      co_await run_tools(run_id);
      break;
    case StepKind::kFinish:
      co_await turn([run_id, reason = next.stop_reason](AgentActor& self, actor::Turn& t) {
        return self.finish_run(t, run_id, reason);
      });
      break;
  }
  co_return true;
}

namespace {

// Passes a growing reply on to those who watch the run, under the ids that its tool calls will be
// stored with: a reader joins results to calls by them, and some models give none, or give one
// twice.
class WatchSink final : public llm::DeltaSink {
 public:
  WatchSink(std::string message_id, std::vector<std::string> used_ids, const Config& config,
            world::Rng& rng, std::function<void(RunEvent)> tell)
      : message_id_(std::move(message_id)),
        used_ids_(std::move(used_ids)),
        parallel_(config.parallel_tool_calls),
        rng_(rng),
        tell_(std::move(tell)) {}
  void on_text(std::string_view text) override { tell_(TextDelta{message_id_, std::string(text)}); }
  void on_reasoning(std::string_view text) override {
    tell_(ReasoningDelta{message_id_, std::string(text)});
  }
  void on_tool_call(size_t index, std::string_view id, std::string_view name,
                    std::string_view arguments) override {
    if (index > 0 && !parallel_) {
      return;  // only the first is kept
    }
    std::string& own = ids_[index];
    const bool first = own.empty();
    if (first) {
      own = id;
      if (own.empty() || std::ranges::find(used_ids_, own) != used_ids_.end()) {
        own = "call-" + rng_.uuid();
      }
      used_ids_.push_back(own);
    }
    tell_(ToolCallDelta{message_id_, index, first ? own : std::string(), std::string(name),
                        std::string(arguments)});
  }
  // Gives the calls of the whole reply the ids that were told.
  void name_calls(std::vector<llm::ToolCall>& calls) const {
    for (const auto& [index, id] : ids_) {
      if (index < calls.size()) {
        calls[index].id = id;
      }
    }
  }

 private:
  std::string message_id_;
  std::vector<std::string> used_ids_;
  bool parallel_;
  world::Rng& rng_;
  std::function<void(RunEvent)> tell_;
  std::map<size_t, std::string> ids_;  // by index of call
};

llm::ChatRequest chat_request(const Config& config, const std::vector<Message>& history,
                              const std::string& handle) {
  llm::ChatRequest request;
  request.model = handle.substr(handle.find('/') + 1);
  request.messages = chat_messages(history);
  for (const std::string& tool : config.tools) {
    if (is_builtin_tool(tool)) {
      request.tools.push_back(builtin_tool_spec(tool));
    }
  }
  request.parallel_tool_calls = config.parallel_tool_calls;
  return request;
}

std::vector<std::string> tool_call_ids(const std::vector<Message>& history) {
  std::vector<std::string> ids;
  for (const Message& message : history) {
    for (const llm::ToolCall& call : message.tool_calls) {
      ids.push_back(call.id);
    }
  }
  return ids;
}

}  // namespace

Task<void> AgentActor::ask_model(View view) {
  const std::string run_id = view.run.id;
  const std::string handle = view.run.model.empty() ? view.config.model : view.run.model;
  Reply reply;
  reply.run_id = run_id;
  reply.step = view.run.steps;
  reply.message.id = new_id(rng_, "message");
  reply.message.step_id = new_id(rng_, "step");
  reply.message.run_id = run_id;
  reply.message.role = MessageRole::kAssistant;

  const std::vector<std::string> used_ids = tool_call_ids(view.history);
  WatchSink sink(reply.message.id, used_ids, view.config, rng_,
                 [this, run_id](RunEvent e) { tell(run_id, std::move(e)); });
  llm::Model* model = models_.find(handle);
  Result<llm::ChatReply> answer = base::invalid_argument("no provider serves \"" + handle + "\"");
  if (model != nullptr) {
    answer =
        co_await model->complete(chat_request(view.config, view.history, handle), &sink).result();
  }
  services_.world.faults.sometimes("agent.model.failed", !answer.ok());
  if (!answer.ok()) {
    const ModelFailure failure = model_failure(answer.error());
    const std::string message = answer.error().message;
    services_.world.log.warn(
        "a model call failed",
        {{"agent", services_.self.id}, {"run", run_id}, {"error", answer.error().to_string()}});
    co_await turn([run_id, failure, message](AgentActor& self, actor::Turn& t) {
      return self.fail_run(t, run_id, failure.stop_reason, failure.error_type, message);
    });
    co_return kOk;
  }
  sink.name_calls(answer->tool_calls);
  ReplyPlan plan = plan_reply(*answer, view.config, used_ids, rng_);
  if (!plan.valid) {
    co_await turn([run_id, reason = plan.stop_reason](AgentActor& self, actor::Turn& t) {
      return self.fail_run(t, run_id, reason, "llm_empty_response",
                           "the model answered with neither text nor a tool call");
    });
    co_return kOk;
  }
  reply.message.text = std::move(plan.text);
  reply.message.reasoning = std::move(plan.reasoning);
  reply.message.tool_calls = std::move(plan.tool_calls);
  reply.usage.prompt = answer->usage.prompt_tokens;
  reply.usage.completion = answer->usage.completion_tokens;
  reply.usage.cached = answer->usage.cached_input_tokens;
  reply.usage.reasoning = answer->usage.reasoning_tokens;
  reply.ends = plan.ends;
  reply.stop_reason = plan.stop_reason;
  auto recorded = co_await record_kept_reply(reply).result();
  if (recorded.ok() || recorded.error().code != Code::kInvalidArgument) {
    co_return std::move(recorded);
  }
  // It fits no transaction. Asking again would cost again, and never end.
  const std::string message = "the model's reply cannot be stored: " + recorded.error().message;
  co_await turn([run_id, message](AgentActor& self, actor::Turn& t) {
    return self.fail_run(t, run_id, "invalid_llm_response", "llm_error", message);
  });
  co_return kOk;
}

// A reply has been paid for: a store that refuses it for a while gets it again, the model is not
// asked again.
Task<void> AgentActor::record_kept_reply(Reply reply) {
  for (Duration pause = kRetryPauseMin;; pause = std::min(pause * 2, kRetryPauseMax)) {
    auto recorded = co_await turn([reply](AgentActor& self, actor::Turn& t) {
                      return self.record_reply(t, reply);
                    }).result();
    if (recorded.ok()) {
      co_return kOk;
    }
    const Code code = recorded.error().code;
    const bool certainly_not_recorded =
        code == Code::kResourceExhausted || code == Code::kUnavailable || code == Code::kAborted;
    if (!certainly_not_recorded) {
      co_return std::move(recorded);
    }
    services_.world.faults.reached("agent.reply.kept");
    services_.world.log.warn(
        "a model's reply could not be stored yet",
        {{"agent", services_.self.id}, {"error", recorded.error().to_string()}});
    co_await async::sleep_for(services_.world.loop, pause);
  }
}

Task<void> AgentActor::run_tools(std::string run_id) {
  const std::string id = new_id(rng_, "message");
  auto recorded = co_await turn([run_id, id](AgentActor& self, actor::Turn& t) {
                    return self.record_results(t, run_id, id, ToolCalls::kRun);
                  }).result();
  if (recorded.ok() || recorded.error().code != Code::kInvalidArgument) {
    co_return std::move(recorded);
  }
  co_await turn([run_id, id](AgentActor& self, actor::Turn& t) {
    return self.record_results(t, run_id, id, ToolCalls::kRefuse);
  });
  co_return kOk;
}

void AgentActor::tell(const std::string& run_id, RunEvent event) {
  const auto found = watches_.find(run_id);
  if (found == watches_.end()) {
    return;
  }
  for (auto& watch : found->second) {
    watch->tell(event);
  }
}

void AgentActor::tell_ended(const Run& run) {
  tell(run.id, RunEnded{run});
  watches_.erase(run.id);
}

}  // namespace kelpie::agent
