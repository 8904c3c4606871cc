// SessionStore: the resumable states of an agent's runs, over one transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/record_io.h"
#include "agent/record_table.h"
#include "agent/records.h"
#include "async/task.h"

namespace kelpie::agent {

// Where a run stands, so that it can go on from there.
struct Session {
  std::string id;
  std::string run_id;
  int64_t iteration = 0;
  int64_t pause_until_micros = 0;  // 0: it does not wait
  std::vector<llm::ToolCall> pending_calls;
  std::optional<ToolReturn> last_result;
  std::string stop_reason;  // empty: it has not stopped
  int64_t created_micros = 0;
  int64_t updated_micros = 0;

  [[nodiscard]] int64_t index_micros() const { return updated_micros; }
  [[nodiscard]] static std::string index_name() { return {}; }
  [[nodiscard]] Bytes encode() const;
  static Result<Session> decode(ByteView bytes);
};

// Lives no longer than its transaction. Sessions lie under their agent's prefix and go with it.
class SessionStore {
 public:
  explicit SessionStore(RecordIo io) : io_(io) {}

  Task<std::optional<Session>> get(std::string agent_id, std::string session_id);
  // Writes a session, also over itself. not_found if there is no such agent.
  Task<void> put(std::string agent_id, Session session);
  // By time of the last write; a session moves to the end whenever it is written.
  Task<std::vector<Session>> list(std::string agent_id, PageRequest page);
  // The one that was written last, by `updated_micros`.
  Task<std::optional<Session>> latest(std::string agent_id);
  // False if there was none.
  Task<bool> erase(std::string agent_id, std::string session_id);
  // A step's message, after the last one, and the state after that step: no commit has one without
  // the other. Yields the message with its place.
  //   not_found        there is no such agent
  //   already_exists   the agent has this message, so the step was taken already
  Task<Message> checkpoint(std::string agent_id, Session session, Message message);

 private:
  [[nodiscard]] RecordTable<Session> table(const std::string& agent_id) const;

  RecordIo io_;
};

}  // namespace kelpie::agent
