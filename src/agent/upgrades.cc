#include "agent/upgrades.h"

#include <string>
#include <utility>
#include <vector>

#include "agent/agent_store.h"
#include "codec/tuple.h"
#include "store/keys.h"

namespace kelpie::agent {
namespace {

// Bodies are read, at most 9 MB each and most of them small; only index entries are written.
constexpr size_t kMessagesPerBatch = 50;

struct Position {
  std::optional<std::string> agent;
  std::optional<std::string> message;  // absent: the agent was only begun
};

Result<Position> decode(ByteView cursor) {
  if (cursor.empty()) {
    return Position();
  }
  const auto elements = TRY(codec::unpack_tuple(cursor));
  if (elements.empty() || elements.size() > 2 || !elements[0].is_string() ||
      !elements.back().is_string()) {
    return base::data_loss("the cursor of an upgrade is not one of this step's");
  }
  Position position{elements[0].as_string(), std::nullopt};
  if (elements.size() == 2) {
    position.message = elements[1].as_string();
  }
  return position;
}

Bytes encode(const std::string& agent, const std::string* message) {
  codec::TuplePacker packer;
  packer.string(agent);
  if (message != nullptr) {
    packer.string(*message);
  }
  return std::move(packer).take();
}

Task<std::optional<std::string>> agent_after(AgentStore& agents, std::optional<std::string> after) {
  std::vector<std::string> ids = co_await agents.agent_ids(
      {.after = std::move(after), .limit = 1, .order = store::Order::kForward});
  co_return ids.empty() ? std::nullopt : std::optional<std::string>(std::move(ids.front()));
}

}  // namespace

Task<std::optional<Bytes>> index_messages_by_time(store::Transaction& transaction, Bytes cursor) {
  AgentStore agents(transaction);
  const Position position = co_await decode(cursor);
  if (!position.agent) {
    const std::optional<std::string> first = co_await agent_after(agents, std::nullopt);
    co_return first ? std::optional<Bytes>(encode(*first, nullptr)) : std::nullopt;
  }
  const std::string& agent = *position.agent;
  const std::vector<Message> messages = co_await agents.messages(
      agent,
      {.after = position.message, .limit = kMessagesPerBatch, .order = store::Order::kForward});
  for (const Message& message : messages) {
    if (message.created_micros != 0) {
      transaction.set(store::keys::agent_message_time(agent, message.created_micros,
                                                      message.place.turn, message.place.index),
                      message.id);
    }
  }
  if (!messages.empty()) {
    co_return std::optional<Bytes>(encode(agent, &messages.back().id));
  }
  const std::optional<std::string> next = co_await agent_after(agents, agent);
  co_return next ? std::optional<Bytes>(encode(*next, nullptr)) : std::nullopt;
}

}  // namespace kelpie::agent
