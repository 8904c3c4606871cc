// What tests of agents stand on: a model that follows a script, a database that disturbs a chosen
// commit, a node without its API, and the rules of a well-formed history.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actor/runtime.h"
#include "agent/service.h"
#include "async/event.h"
#include "async/sleep.h"
#include "cluster/ownership.h"
#include "llm/model.h"
#include "net/testing/test_world.h"
#include "store/local_database.h"
#include "store/memory/memory_backend.h"
#include "store/testing/forwarding_transaction.h"

namespace kelpie::agent::testing {

inline llm::ChatReply text_reply(std::string text) {
  llm::ChatReply reply;
  reply.content = std::move(text);
  reply.usage.prompt_tokens = 10;
  reply.usage.completion_tokens = 5;
  return reply;
}

inline llm::ChatReply calls_reply(std::vector<llm::ToolCall> calls) {
  llm::ChatReply reply = text_reply("");
  reply.tool_calls = std::move(calls);
  reply.finish_reason = llm::FinishReason::kToolCalls;
  return reply;
}

// Thinks for a second. The line it says is the one after as many as the conversation holds replies,
// so that the same question has the same answer, also after a crash. Past the last line it says
// "done".
class ScriptedModel final : public llm::Model, public llm::Models {
 public:
  explicit ScriptedModel(Loop& loop) : loop_(loop) {}

  Task<llm::ChatReply> complete(llm::ChatRequest request, llm::DeltaSink* sink) override {
    ++asked;
    co_await async::sleep_for(loop_, Duration::seconds(1));
    if (!errors.empty()) {
      Error error = std::move(errors.front());
      errors.pop_front();
      co_return std::move(error);
    }
    size_t line = 0;
    for (const llm::ChatMessage& message : request.messages) {
      line += message.role == llm::Role::kAssistant ? 1 : 0;
    }
    llm::ChatReply reply = line < lines.size() ? lines[line] : text_reply("done");
    if (sink != nullptr && !reply.content.empty()) {
      const size_t half = reply.content.size() / 2;
      sink->on_text(std::string_view(reply.content).substr(0, half));
      sink->on_text(std::string_view(reply.content).substr(half));
    }
    for (size_t i = 0; sink != nullptr && i < reply.tool_calls.size(); ++i) {
      const llm::ToolCall& call = reply.tool_calls[i];
      sink->on_tool_call(i, call.id, call.name, "");
      sink->on_tool_call(i, "", "", call.arguments);
    }
    co_return std::move(reply);
  }
  Task<std::vector<llm::ModelInfo>> list() override { co_return std::vector<llm::ModelInfo>(); }
  llm::Model* find(std::string_view handle) override {
    return handle.starts_with("test/") ? this : nullptr;
  }

  std::vector<llm::ChatReply> lines;
  std::deque<Error> errors;  // said first
  int asked = 0;

 private:
  Loop& loop_;
};

// What happens to one commit.
enum class Stage {
  kNone,
  kConflict,       // another commit writes all that it read
  kUnknownLanded,  // it happens, and nobody says so
  kUnknownLost,    // it does not happen, and nobody says so
  kFull,           // the disk is full: it certainly does not happen
  kHold,           // it waits until it is released
  kHaltBefore,     // the process stops; it does not happen
  kHaltAfter,      // the process stops once it has happened
};

// Counts the commits that write, and disturbs the one that it was told to.
class StageDatabase final : public store::Database {
 public:
  StageDatabase(Loop& loop, store::Database& inner) : inner_(inner), never_(loop), release_(loop) {}
  using store::Database::begin;
  [[nodiscard]] std::unique_ptr<store::Transaction> begin(
      store::TransactionOptions options) override;
  [[nodiscard]] std::string_view engine_name() const override { return inner_.engine_name(); }

  // The `number`th writing commit from now, counted from one.
  void at(int number, Stage stage) {
    target_ = commits + number;
    stage_ = stage;
    halted = false;
    happened = false;
    release_.clear();
  }
  void release() { release_.set(); }
  int commits = 0;
  bool happened = false;
  bool halted = false;

 private:
  class Staged;
  Task<store::Version> commit(Staged& transaction);
  Task<void> interfere(std::vector<store::KeyRange> ranges);

  store::Database& inner_;
  async::Event never_;
  async::Event release_;
  int target_ = 0;
  Stage stage_ = Stage::kNone;
};

class StageDatabase::Staged final : public store::testing::ForwardingTransaction {
 public:
  Staged(StageDatabase& database, std::unique_ptr<store::Transaction> inner)
      : ForwardingTransaction(std::move(inner)), database_(database) {}
  Task<std::optional<Bytes>> get(Bytes key, store::Isolation isolation) override {
    reads.push_back(store::KeyRange::single(key));
    return inner_->get(std::move(key), isolation);
  }
  using ForwardingTransaction::get;
  using ForwardingTransaction::get_range;
  Task<store::RangePage> get_range(store::RangeRead read) override {
    reads.push_back(read.range);
    return inner_->get_range(std::move(read));
  }
  void set(Bytes key, Bytes value) override {
    writes = true;
    inner_->set(std::move(key), std::move(value));
  }
  void clear(Bytes key) override {
    writes = true;
    inner_->clear(std::move(key));
  }
  void clear_range(store::KeyRange range) override {
    writes = true;
    inner_->clear_range(std::move(range));
  }
  void atomic(store::AtomicOp op, Bytes key, Bytes operand) override {
    writes = true;
    inner_->atomic(op, std::move(key), std::move(operand));
  }
  void set_versionstamped_key(Bytes key, size_t offset, Bytes value) override {
    writes = true;
    inner_->set_versionstamped_key(std::move(key), offset, std::move(value));
  }
  void set_versionstamped_value(Bytes key, Bytes value, size_t offset) override {
    writes = true;
    inner_->set_versionstamped_value(std::move(key), std::move(value), offset);
  }
  Task<store::Version> commit() override { return database_.commit(*this); }

 private:
  friend class StageDatabase;
  StageDatabase& database_;
  std::vector<store::KeyRange> reads;
  bool writes = false;
};

inline std::unique_ptr<store::Transaction> StageDatabase::begin(store::TransactionOptions options) {
  return std::make_unique<Staged>(*this, inner_.begin(options));
}

inline Task<void> StageDatabase::interfere(std::vector<store::KeyRange> ranges) {
  auto other = inner_.begin();
  for (store::KeyRange& range : ranges) {
    other->add_write_conflict(std::move(range));
  }
  co_await other->commit();
  co_return kOk;
}

inline Task<store::Version> StageDatabase::commit(Staged& transaction) {
  const bool chosen = transaction.writes && ++commits == target_;
  if (!chosen) {
    co_return co_await transaction.inner_->commit();
  }
  happened = true;
  if (stage_ == Stage::kHaltBefore) {
    halted = true;
    co_await never_.wait();
  }
  if (stage_ == Stage::kHold) {
    co_await release_.wait();
  }
  if (stage_ == Stage::kFull) {
    co_return base::resource_exhausted("the disk is full");
  }
  if (stage_ == Stage::kUnknownLost) {
    co_return base::unknown("the connection was lost");
  }
  if (stage_ == Stage::kConflict) {
    co_await interfere(transaction.reads);
  }
  auto done = co_await transaction.inner_->commit().result();
  if (stage_ == Stage::kHaltAfter) {
    halted = true;
    co_await never_.wait();
  }
  if (stage_ == Stage::kUnknownLanded && done.ok()) {
    co_return base::unknown("the connection was lost");
  }
  co_return std::move(done);
}

// One node without its API. Destroying it is a crash.
struct Node {
  Node(net::testing::TestWorld& machine, store::Database& database, llm::Models& models)
      : ownership(machine.world, database, cluster::OwnerRecords::kNone),
        runtime(machine.world, database, ownership, {}),
        agents(machine.world, database, runtime, models, [](std::string_view) { return true; }) {
    CHECK(machine.loop.run(ownership.join()).ok());
  }
  cluster::Ownership ownership;
  actor::Runtime runtime;
  Service agents;
};

// What a history says, without ids and times: one line per message.
inline std::vector<std::string> signature(const std::vector<Message>& history) {
  std::vector<std::string> lines;
  for (const Message& message : history) {
    std::string line(role_name(message.role));
    if (message.role != MessageRole::kSystem) {
      line += ":";
      line += message.text.empty() ? "" : " " + message.text;
    }
    for (const llm::ToolCall& call : message.tool_calls) {
      line += " " + call.id + " " + call.name;
    }
    for (const ToolReturn& item : message.tool_returns) {
      line += " " + item.tool_call_id + " " + item.status;
    }
    lines.push_back(std::move(line));
  }
  return lines;
}

// Empty for a history as it must be when no run is in progress, else the first rule that it breaks:
// it begins with the system message; places grow; ids are its own; runs do not mix; and the message
// after tool calls holds exactly one result for each, in their order, and results stand nowhere
// else.
inline std::string well_formed(const std::vector<Message>& history) {
  if (history.empty() || history.front().role != MessageRole::kSystem) {
    return "the first message is not the system message";
  }
  std::set<std::string> ids;
  std::set<std::string> call_ids;
  std::set<std::string> ended_runs;
  const Message* last = nullptr;
  for (const Message& message : history) {
    if (!ids.insert(message.id).second) {
      return "two messages have the id " + message.id;
    }
    if (last != nullptr && !(last->place < message.place)) {
      return message.id + " is not after the message before it";
    }
    if (last != nullptr && last->run_id != message.run_id) {
      ended_runs.insert(last->run_id);
    }
    if (ended_runs.contains(message.run_id)) {
      return "run " + message.run_id + " is mixed with another";
    }
    std::vector<std::string> open;
    if (last != nullptr) {
      for (const llm::ToolCall& call : last->tool_calls) {
        open.push_back(call.id);
      }
    }
    std::vector<std::string> results;
    for (const ToolReturn& item : message.tool_returns) {
      results.push_back(item.tool_call_id);
    }
    if (results != open || (!results.empty() && last->run_id != message.run_id)) {
      return message.id + " does not answer the tool calls before it, each once";
    }
    for (const llm::ToolCall& call : message.tool_calls) {
      if (!call_ids.insert(call.id).second) {
        return "the tool call id " + call.id + " is used twice";
      }
    }
    last = &message;
  }
  return last->tool_calls.empty() ? "" : "the last tool calls have no results";
}

}  // namespace kelpie::agent::testing
