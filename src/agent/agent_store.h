// AgentStore: the agents' data as records over one transaction. The same code on every engine.
//
// It decides keys and encodings and nothing else: who may write is the actor's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/records.h"
#include "async/loop.h"
#include "async/task.h"
#include "store/database.h"

namespace kelpie::agent {

// A page of a history, by cursor. `after` and `before` are ids, relative to the order of the list;
// an unknown cursor yields an empty page.
struct PageRequest {
  std::optional<std::string> after;
  std::optional<std::string> before;
  size_t limit = 100;
  store::Order order = store::Order::kReverse;
};

// How a page is read. A page that has only `before` holds what stands nearest before the cursor: it
// is read from the cursor backwards, as "after" it in the other order, and turned round.
struct PageWalk {
  PageRequest page;
  bool turned = false;
};
PageWalk walk_of(PageRequest page);

// Lives no longer than its transaction. One Loop. Every read fails rather than finding nothing when
// the store cannot answer.
class AgentStore {
 public:
  // For turns: what is read is checked again by the commit. Reads do not give the loop away.
  explicit AgentStore(store::Transaction& transaction)
      : AgentStore(transaction, store::Isolation::kSerializable, nullptr) {}
  // For views, from which nothing is committed: one snapshot is consistent by itself, so nothing is
  // kept for a commit; between the pages of a long read `loop` runs what is ready.
  static AgentStore for_view(store::Transaction& transaction, Loop& loop) {
    return {transaction, store::Isolation::kSnapshot, &loop};
  }

  Task<std::optional<Config>> config(std::string agent_id);
  Task<void> put_config(Config config);
  // Writes config and index entry of a new agent.
  Task<void> insert_agent(Config config);
  // Clears every key of the agent but its actor's own.
  Task<void> erase_agent(Config config);
  // Ids of agents, by time of creation; the first `limit` of those between the cursors.
  Task<std::vector<std::string>> agent_ids(PageRequest page);

  Task<std::vector<Block>> blocks(std::string agent_id);  // by position
  Task<std::optional<Block>> block(std::string agent_id, std::string label);
  Task<void> put_block(std::string agent_id, Block block);
  Task<void> erase_block(std::string agent_id, std::string label);

  Task<void> put_message(std::string agent_id, Message message);
  Task<std::vector<Message>> messages(std::string agent_id, PageRequest page);
  // The whole history, oldest first.
  Task<std::vector<Message>> history(std::string agent_id);
  Task<std::vector<std::string>> message_ids(std::string agent_id);
  // The messages of one run, oldest first, from `from` on.
  Task<std::vector<Message>> messages_from(std::string agent_id, Place from);

  Task<std::optional<Run>> run(std::string agent_id, std::string run_id);
  Task<void> put_run(std::string agent_id, Run run);
  // Runs that have not ended, oldest first, with the turn that queued each.
  struct Queued {
    int64_t turn = 0;
    std::string run_id;
  };
  Task<std::vector<Queued>> queue(std::string agent_id);
  void enqueue(const std::string& agent_id, Queued entry);
  // Takes the entry out; the last one takes the agent off the list of those with work.
  Task<void> dequeue(std::string agent_id, int64_t turn);
  // Agents that have runs that have not ended.
  Task<std::vector<std::string>> working_agents();

 private:
  AgentStore(store::Transaction& transaction, store::Isolation isolation, Loop* loop)
      : transaction_(transaction), isolation_(isolation), loop_(loop) {}

  Task<std::optional<Place>> place_of(std::string agent_id, std::string message_id);
  Task<std::optional<Bytes>> value(Bytes key);
  // A page of `read`, which goes on to what is left; an empty range says that nothing is.
  Task<std::vector<store::KeyValue>> next_page(store::RangeRead& read);
  // A whole range, or its first `limit` rows.
  Task<std::vector<store::KeyValue>> rows(store::KeyRange range, store::Order order, size_t limit);
  // The messages listed in `range` of the order keys.
  Task<std::vector<Message>> read_messages(std::string agent_id, store::KeyRange range,
                                           store::Order order, size_t limit);
  // Those of `listed`, which are consecutive and oldest first.
  Task<std::vector<Message>> read_bodies(std::string agent_id, std::vector<store::KeyValue> listed);

  store::Transaction& transaction_;
  store::Isolation isolation_;
  Loop* loop_;  // nullptr: reads go on at once
};

}  // namespace kelpie::agent
