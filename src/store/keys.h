// The key table: the one place that says where things lie. Keys are FoundationDB tuples, so that
// order by key is order by field. Every key starts with "kelpie".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "codec/tuple.h"
#include "store/types.h"

namespace kelpie::store::keys {

// An actor's place: type and namespace at most kActorNamespaceBytesMax bytes, id at most
// kActorIdBytesMax.
struct ActorName {
  std::string_view type;
  std::string_view ns;
  std::string_view id;
};

// All of Kelpie's: other programs may share a FoundationDB cluster.
KeyRange everything();

// ("cluster","version"): three numbers as JSON: format of the binary that opened the store last,
// schema of the data (refused if newer than the binary), user version.
Bytes schema_version();
// ("cluster","config"): the store's incarnation: an id made with it, when, and of what it is a
// copy.
Bytes cluster_config();
// ("cluster","upgrade"): how far an upgrade step has come; absent when none is under way.
Bytes schema_upgrade();

// ("registry","nodes",node): node record as JSON: state, address, when it joined.
Bytes node(std::string_view node);
// ("registry","epochs",node): the fence, a versionstamp. Changes only on death, leave or join.
Bytes epoch(std::string_view node);
KeyRange epochs();
// ("registry","actors",type,ns,id): owner: node, its epoch, generation (versionstamp).
Bytes owner(const ActorName& actor);
KeyRange owners();
// Of a key that `owner` made; `data_loss` for any other.
struct OwnedActorName {
  std::string type;
  std::string ns;
  std::string id;
};
Result<OwnedActorName> owned_actor_of(ByteView owner_key);
// ("registry","beats",node): the node's heartbeat: its epoch, a counter. In no conflict set.
Bytes beat(std::string_view node);
// Beats, epochs and nodes, which lie side by side.
KeyRange membership();
// The place of a key in `membership`; kOther for any other key.
struct MemberPlace {
  enum class Kind : uint8_t { kOther, kBeat, kEpoch, kNode } kind = Kind::kOther;
  std::string node;
};
MemberPlace member_place_of(ByteView key);

// All that belongs to actors: of every type, of one type, of one type in one namespace.
KeyRange actors();
KeyRange actors(std::string_view type);
KeyRange actors(std::string_view type, std::string_view ns);
// To which actor a key in `actors` belongs; `data_loss` for any other key.
Result<OwnedActorName> actor_of(ByteView key);
// ("actors",type,ns,id,"head"): generation, turn, nonce.
Bytes actor_head(const ActorName& actor);
// All that belongs to the actor itself.
KeyRange actor(const ActorName& actor);
// ("actors",type,ns,id,"state"): the state of a typed actor, chunked.
Bytes actor_state(const ActorName& actor);
// ("actors",type,ns,id,"data",key): the actor's own keys, at most kActorDataKeyBytesMax; chunked.
Bytes actor_data(const ActorName& actor, std::string_view key);
KeyRange actor_data(const ActorName& actor);
// ("actors",type,ns,id,"once",key): what a call under this key did and answered, chunked.
Bytes actor_once(const ActorName& actor, std::string_view key);
KeyRange actor_onces(const ActorName& actor);
// ("actors",type,ns,id,"inbox",versionstamp): a message of another actor's commit, in the order of
// commits and of sends in each.
codec::VersionstampedKey actor_inbox_message(const ActorName& actor, uint16_t index);
KeyRange actor_inbox(const ActorName& actor);
// ("actors",type,ns,id,"tries"): how often the first message of the inbox has failed.
Bytes actor_inbox_tries(const ActorName& actor);
// ("actors",type,ns,id,"parked",versionstamp): a message that has failed too often.
Bytes actor_parked(const ActorName& actor, ByteView stamp);
codec::VersionstampedKey actor_parked_message(const ActorName& actor, uint16_t index);
KeyRange actor_parked(const ActorName& actor);
// ("actors",type,ns,id,"reminder",name): when it is due, and what it calls.
Bytes actor_reminder(const ActorName& actor, std::string_view name);
KeyRange actor_reminders(const ActorName& actor);
// ("due",shard,microseconds,type,ns,id,name): this actor has something to do at this time: a
// reminder of this name, or, under the empty name, messages in its inbox.
Bytes due(int64_t shard, int64_t micros, const ActorName& actor, std::string_view name);
// What is due in this shard up to this time, without it.
KeyRange due_before(int64_t shard, int64_t micros);
KeyRange due_shard(int64_t shard);
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
// ("agents","data",agent,"time",microseconds,turn,index): the message's id, by time of creation.
// Messages without a time, and those that older versions wrote, have no entry.
Bytes agent_message_time(std::string_view agent_id, int64_t created_micros, int64_t turn,
                         int64_t index);
KeyRange agent_message_times(std::string_view agent_id);
// ("agents","data",agent,"member",kind,id): a catalogue's record that names this agent. It goes
// with the agent, and so tells a reader of that record that the agent is gone.
Bytes agent_member(std::string_view agent_id, std::string_view kind, std::string_view id);
KeyRange agent_members(std::string_view agent_id);

// A table: records by id and two indexes of them, all under one tuple.
struct Table {
  Bytes root;
};
// ("catalogue",kind,…): custom tools, MCP servers, agent groups, identities, projects, jobs.
Table catalogue(std::string_view kind);
// ("agents","data",agent,"session",…): states from which runs can be resumed.
Table agent_sessions(std::string_view agent_id);
// ("agents","data",agent,"archive",…): archival entries.
Table agent_archive(std::string_view agent_id);
// (table…,"record",id): a record, JSON, chunked.
Bytes table_record(const Table& table, std::string_view id);
// (table…,"time",microseconds,id): index for lists.
Bytes table_time(const Table& table, int64_t micros, std::string_view id);
KeyRange table_times(const Table& table);
// (table…,"name",name,id): index by name; records without a name have no entry.
Bytes table_name(const Table& table, std::string_view name, std::string_view id);
KeyRange table_names(const Table& table, std::string_view name);

}  // namespace kelpie::store::keys
