// The key table: the one place that says where things lie. Keys are FoundationDB tuples, so that
// order by key is order by field. Every key starts with "kelpie".
#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "store/types.h"

namespace kelpie::store::keys {

// An actor's place: type and namespace at most kActorNamespaceBytesMax bytes, id at most
// kActorIdBytesMax.
struct ActorName {
  std::string_view type;
  std::string_view ns;
  std::string_view id;
};

// ("cluster","version"): schema of the data, a decimal number; refused if newer than the binary.
Bytes schema_version();

// ("registry","nodes",node): node record as JSON: state, address.
Bytes node(std::string_view node);
// ("registry","epochs",node): the fence, a versionstamp. Changes only on death, leave or join.
Bytes epoch(std::string_view node);
// ("registry","actors",type,ns,id): owner: node, its epoch, generation (versionstamp).
Bytes owner(const ActorName& actor);
KeyRange owners();

// ("actors",type,ns,id,"head"): generation, turn, nonce.
Bytes actor_head(const ActorName& actor);
// All that belongs to the actor itself.
KeyRange actor(const ActorName& actor);
// ("guard",nonce): never written; settles undecided commits.
Bytes guard(ByteView nonce);

// ("agents","data",agent,…): all of one agent; deleting the agent is clearing this range, its
// actor, and its two index entries, in one commit.
KeyRange agent(std::string_view agent_id);
// (…,"config"): the agent's settings, JSON, chunked.
Bytes agent_config(std::string_view agent_id);
// (…,"block",label): a memory block, JSON, chunked.
Bytes agent_block(std::string_view agent_id, std::string_view label);
KeyRange agent_blocks(std::string_view agent_id);
// (…,"message",turn,index): a message, JSON, chunked. Append-only; turn and index grow in commit
// order.
Bytes agent_message(std::string_view agent_id, int64_t turn, int64_t index);
KeyRange agent_messages(std::string_view agent_id);
// (…,"order",turn,index): the message's id alone, for cursors and lists of ids.
Bytes agent_message_order(std::string_view agent_id, int64_t turn, int64_t index);
KeyRange agent_message_orders(std::string_view agent_id);
// (…,"at",message): where the message lies: turn, index.
Bytes agent_message_at(std::string_view agent_id, std::string_view message_id);
// (…,"run",run): a run's record, JSON, chunked: it holds the input until the run starts.
Bytes agent_run(std::string_view agent_id, std::string_view run_id);
// (…,"queue",turn): ids of the runs that have not ended, oldest first; the first is the active one.
Bytes agent_queue_entry(std::string_view agent_id, int64_t turn);
KeyRange agent_queue(std::string_view agent_id);

// ("agents","created",microseconds,agent): index for lists; verified against the config by readers.
Bytes agent_created(int64_t created_micros, std::string_view agent_id);
KeyRange agents_created();
// ("agents","working",agent): there are runs that have not ended; read at start to resume them.
Bytes agent_working(std::string_view agent_id);
KeyRange agents_working();

}  // namespace kelpie::store::keys
