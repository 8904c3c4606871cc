// AgentStore: the agents' data as records over one transaction. The same code on every engine.
//
// It decides keys and encodings and nothing else: who may write is the actor's business. Several
// stores on one transaction are one commit; sessions, archives and what belongs to no agent have
// stores of their own (session_store.h, archive_store.h, tool_store.h, directory_store.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/page.h"
#include "agent/record_io.h"
#include "agent/records.h"
#include "async/loop.h"
#include "async/task.h"
#include "store/database.h"
#include "world/faults.h"

namespace kelpie::agent {

// invalid_argument says that an id or a label is empty or too long; data_loss names the record.
class AgentStore {
 public:
  explicit AgentStore(RecordIo io) : io_(io) {}
  static AgentStore for_view(store::Transaction& transaction, Loop& loop) {
    return AgentStore(RecordIo::for_view(transaction, loop));
  }

  Task<std::optional<Config>> config(std::string agent_id);
  Task<bool> exists(std::string agent_id);
  // Of an agent that is there; its time of creation stays as it is.
  Task<void> put_config(Config config);
  // Writes config and index entry of a new agent.
  Task<void> insert_agent(Config config);
  // Clears every key of the agent but its actor's own: what lies under its prefix (sessions and the
  // archive too) and its index entries elsewhere. Records of others may go on naming it; their
  // readers see that it is gone (directory_store.h). `faults` may plant M23.
  Task<void> erase_agent(Config config, world::Faults& faults);
  // Ids of agents, by time of creation.
  Task<std::vector<std::string>> agent_ids(PageRequest page);

  Task<std::vector<Block>> blocks(std::string agent_id);  // by position
  Task<std::optional<Block>> block(std::string agent_id, std::string label);
  Task<void> put_block(std::string agent_id, Block block);
  Task<void> erase_block(std::string agent_id, std::string label);
  // A new value for a block that is there, or text at the end of its value; yields the block.
  //   not_found      there is no such block
  //   out_of_range   the value would be longer than the block's limit
  Task<Block> set_block_value(std::string agent_id, std::string label, std::string value);
  Task<Block> append_to_block(std::string agent_id, std::string label, std::string text);

  // Writes a message at its place, also over itself; a message's place and time never change.
  Task<void> put_message(std::string agent_id, Message message);
  // For who has no turn to number it: writes a new message after the last one; yields it with its
  // place. Who appends at the same time has a conflict.
  //   not_found        there is no such agent
  //   already_exists   the agent has a message of this id
  Task<Message> append_message(std::string agent_id, Message message);
  Task<std::optional<Message>> message(std::string agent_id, std::string message_id);
  // With its index entries; false if there is none.
  Task<bool> erase_message(std::string agent_id, std::string message_id);
  Task<size_t> count_messages(std::string agent_id);
  // Messages of `since` and later, by time of creation, then place. Those without a time are in no
  // such list.
  Task<std::vector<Message>> messages_since(std::string agent_id, WallTime since, PageRequest page);
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
  // Where an id stands in an index; nothing if it is unknown.
  Task<std::optional<Bytes>> created_key_of(std::string agent_id);
  Task<std::optional<Place>> place_of(std::string agent_id, std::string message_id);
  Task<std::optional<Bytes>> order_key_of(std::string agent_id, std::string message_id);
  Task<std::optional<Bytes>> time_key_of(std::string agent_id, std::string message_id);
  // The ids that end the keys of an index.
  Task<std::vector<std::string>> ids_in(store::KeyRange range, store::Order order, size_t limit);
  // A block that is there.
  Task<Block> must_have_block(std::string agent_id, std::string label);
  // The messages listed in `range` of the order keys.
  Task<std::vector<Message>> read_messages(std::string agent_id, store::KeyRange range,
                                           store::Order order, size_t limit);
  // Those of `listed`, which are consecutive and oldest first.
  Task<std::vector<Message>> read_bodies(std::string agent_id, std::vector<store::KeyValue> listed);
  // Those of `timed`, rows of the time index in forward order.
  Task<std::vector<Message>> read_timed(std::string agent_id, std::vector<store::KeyValue> timed);

  RecordIo io_;
};

// out_of_range, with both numbers, for a value that is longer than the block's limit.
Result<void> check_block_limit(const Block& block);

}  // namespace kelpie::agent
