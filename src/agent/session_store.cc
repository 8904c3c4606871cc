#include "agent/session_store.h"

#include <utility>

#include "agent/agent_store.h"
#include "agent/record_json.h"
#include "codec/json.h"

namespace kelpie::agent {

namespace json = boost::json;

Bytes Session::encode() const {
  json::object object{{"format", kRecordFormat},   {"id", id},
                      {"iteration", iteration},    {"pause_until", pause_until_micros},
                      {"created", created_micros}, {"updated", updated_micros}};
  put_text(object, "run", run_id);
  put_text(object, "stop_reason", stop_reason);
  if (!pending_calls.empty()) {
    object["pending_calls"] = array_from(pending_calls);
  }
  if (last_result.has_value()) {
    object["last_result"] = array_from(std::vector<ToolReturn>{*last_result});
  }
  return codec::write_json(object);
}

Result<Session> Session::decode(ByteView bytes) {
  const json::object object = TRY(parse_record(bytes, "session"));
  Session session;
  session.id = text_of(object, "id");
  session.run_id = text_of(object, "run");
  session.iteration = number_of(object, "iteration");
  session.pause_until_micros = number_of(object, "pause_until");
  session.pending_calls = TRY(tool_calls_of(object, "pending_calls"));
  std::vector<ToolReturn> results = TRY(tool_returns_of(object, "last_result"));
  if (!results.empty()) {
    session.last_result = std::move(results.back());
  }
  session.stop_reason = text_of(object, "stop_reason");
  session.created_micros = number_of(object, "created");
  session.updated_micros = number_of(object, "updated");
  return session;
}

RecordTable<Session> SessionStore::table(const std::string& agent_id) const {
  return {io_, store::keys::agent_sessions(agent_id), "session"};
}

Task<std::optional<Session>> SessionStore::get(std::string agent_id, std::string session_id) {
  RecordTable<Session> sessions = table(agent_id);
  co_return co_await sessions.get(std::move(session_id));
}

Task<void> SessionStore::put(std::string agent_id, Session session) {
  co_await io_.must_have_agent(agent_id);
  RecordTable<Session> sessions = table(agent_id);
  co_await sessions.put(std::move(session));
  co_return kOk;
}

Task<std::vector<Session>> SessionStore::list(std::string agent_id, PageRequest page) {
  RecordTable<Session> sessions = table(agent_id);
  co_return co_await sessions.list(std::move(page));
}

Task<std::optional<Session>> SessionStore::latest(std::string agent_id) {
  PageRequest newest;
  newest.limit = 1;
  std::vector<Session> found = co_await list(std::move(agent_id), std::move(newest));
  co_return found.empty() ? std::nullopt : std::optional<Session>(std::move(found.front()));
}

Task<bool> SessionStore::erase(std::string agent_id, std::string session_id) {
  RecordTable<Session> sessions = table(agent_id);
  const std::optional<Session> former = co_await sessions.erase(std::move(session_id));
  co_return former.has_value();
}

Task<Message> SessionStore::checkpoint(std::string agent_id, Session session, Message message) {
  AgentStore agents(io_);
  Message appended = co_await agents.append_message(agent_id, std::move(message));
  co_await put(std::move(agent_id), std::move(session));
  co_return std::move(appended);
}

}  // namespace kelpie::agent
