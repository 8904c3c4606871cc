#include "store/keys.h"

#include <algorithm>
#include <utility>

#include "codec/tuple.h"

namespace kelpie::store::keys {
namespace {

using codec::TuplePacker;

// Most keys fit into it: one piece of memory for each key, instead of a few as it grows.
constexpr size_t kUsualKeyBytes = 80;

TuplePacker root(std::string_view first) {
  Bytes room;
  room.reserve(kUsualKeyBytes);
  TuplePacker packer(std::move(room));
  packer.string("kelpie").string(first);
  return packer;
}

TuplePacker agent_root(std::string_view agent_id, std::string_view part) {
  TuplePacker packer = root("agents");
  packer.string("data").string(agent_id).string(part);
  return packer;
}

TuplePacker actor_root(const ActorName& actor) {
  TuplePacker packer = root("actors");
  packer.string(actor.type).string(actor.ns).string(actor.id);
  return packer;
}

// Every key of which the tuple `prefix` is the proper beginning. A tuple's elements start with
// bytes below 0xff.
KeyRange below_bytes(const Bytes& prefix) { return KeyRange{prefix + '\x00', prefix + '\xff'}; }
KeyRange below(TuplePacker packer) { return below_bytes(std::move(packer).take()); }

}  // namespace

KeyRange everything() { return below(std::move(TuplePacker().string("kelpie"))); }

Bytes schema_version() { return std::move(root("cluster").string("version")).take(); }
Bytes cluster_config() { return std::move(root("cluster").string("config")).take(); }
Bytes schema_upgrade() { return std::move(root("cluster").string("upgrade")).take(); }

Bytes node(std::string_view node) {
  return std::move(root("registry").string("nodes").string(node)).take();
}
Bytes epoch(std::string_view node) {
  return std::move(root("registry").string("epochs").string(node)).take();
}
KeyRange epochs() { return below(root("registry").string("epochs")); }
Bytes owner(const ActorName& actor) {
  return std::move(
             root("registry").string("actors").string(actor.type).string(actor.ns).string(actor.id))
      .take();
}
KeyRange owners() { return below(root("registry").string("actors")); }
Result<OwnedActorName> owned_actor_of(ByteView owner_key) {
  const auto elements = codec::unpack_tuple(owner_key);
  const bool well_formed =
      elements.ok() && elements->size() == 6 &&
      std::ranges::all_of(*elements, [](const auto& each) { return each.is_string(); }) &&
      (*elements)[0].bytes == "kelpie" && (*elements)[1].bytes == "registry" &&
      (*elements)[2].bytes == "actors";
  if (!well_formed) {
    return base::data_loss("not the key of an owner record: " + base::to_hex(owner_key));
  }
  return OwnedActorName{(*elements)[3].bytes, (*elements)[4].bytes, (*elements)[5].bytes};
}
Bytes beat(std::string_view node) {
  return std::move(root("registry").string("beats").string(node)).take();
}
KeyRange membership() {
  return {below(root("registry").string("beats")).begin,
          below(root("registry").string("nodes")).end};
}
MemberPlace member_place_of(ByteView key) {
  const auto elements = codec::unpack_tuple(key);
  const bool well_formed =
      elements.ok() && elements->size() == 4 &&
      std::ranges::all_of(*elements, [](const auto& each) { return each.is_string(); }) &&
      (*elements)[0].bytes == "kelpie" && (*elements)[1].bytes == "registry";
  if (!well_formed) {
    return {};
  }
  const std::string& table = (*elements)[2].bytes;
  const auto kind = table == "beats"    ? MemberPlace::Kind::kBeat
                    : table == "epochs" ? MemberPlace::Kind::kEpoch
                    : table == "nodes"  ? MemberPlace::Kind::kNode
                                        : MemberPlace::Kind::kOther;
  return {kind, (*elements)[3].bytes};
}

KeyRange actors() { return below(root("actors")); }
KeyRange actors(std::string_view type) { return below(std::move(root("actors").string(type))); }
KeyRange actors(std::string_view type, std::string_view ns) {
  return below(std::move(root("actors").string(type).string(ns)));
}
Result<OwnedActorName> actor_of(ByteView key) {
  const auto elements = codec::unpack_tuple(key);
  const bool well_formed = elements.ok() && elements->size() > 5 &&
                           std::all_of(elements->begin(), elements->begin() + 6,
                                       [](const auto& each) { return each.is_string(); }) &&
                           (*elements)[0].bytes == "kelpie" && (*elements)[1].bytes == "actors";
  if (!well_formed) {
    return base::data_loss("not a key of an actor: " + base::to_hex(key));
  }
  return OwnedActorName{(*elements)[2].bytes, (*elements)[3].bytes, (*elements)[4].bytes};
}
Bytes actor_head(const ActorName& actor) {
  return std::move(actor_root(actor).string("head")).take();
}
KeyRange actor(const ActorName& actor) { return below(actor_root(actor)); }
Bytes actor_state(const ActorName& actor) {
  return std::move(actor_root(actor).string("state")).take();
}
Bytes actor_data(const ActorName& actor, std::string_view key) {
  return std::move(actor_root(actor).string("data").bytes(key)).take();
}
KeyRange actor_data(const ActorName& actor) {
  return below(std::move(actor_root(actor).string("data")));
}
Bytes actor_once(const ActorName& actor, std::string_view key) {
  return std::move(actor_root(actor).string("once").string(key)).take();
}
KeyRange actor_onces(const ActorName& actor) {
  return below(std::move(actor_root(actor).string("once")));
}
codec::VersionstampedKey actor_inbox_message(const ActorName& actor, uint16_t index) {
  return std::move(actor_root(actor).string("inbox").incomplete_versionstamp(index))
      .take_versionstamped();
}
KeyRange actor_inbox(const ActorName& actor) {
  return below(std::move(actor_root(actor).string("inbox")));
}
Bytes actor_inbox_tries(const ActorName& actor) {
  return std::move(actor_root(actor).string("tries")).take();
}
Bytes actor_parked(const ActorName& actor, ByteView stamp) {
  return std::move(actor_root(actor).string("parked").versionstamp(stamp)).take();
}
codec::VersionstampedKey actor_parked_message(const ActorName& actor, uint16_t index) {
  return std::move(actor_root(actor).string("parked").incomplete_versionstamp(index))
      .take_versionstamped();
}
KeyRange actor_parked(const ActorName& actor) {
  return below(std::move(actor_root(actor).string("parked")));
}
Bytes actor_reminder(const ActorName& actor, std::string_view name) {
  return std::move(actor_root(actor).string("reminder").string(name)).take();
}
KeyRange actor_reminders(const ActorName& actor) {
  return below(std::move(actor_root(actor).string("reminder")));
}
Bytes due(int64_t shard, int64_t micros, const ActorName& actor, std::string_view name) {
  TuplePacker packer = root("due");
  packer.integer(shard).integer(micros);
  packer.string(actor.type).string(actor.ns).string(actor.id).string(name);
  return std::move(packer).take();
}
KeyRange due_before(int64_t shard, int64_t micros) {
  return KeyRange{due_shard(shard).begin,
                  std::move(root("due").integer(shard).integer(micros)).take()};
}
KeyRange due_shard(int64_t shard) { return below(std::move(root("due").integer(shard))); }
Bytes guard(ByteView nonce) { return std::move(root("guard").bytes(nonce)).take(); }

KeyRange agent(std::string_view agent_id) {
  return below(root("agents").string("data").string(agent_id));
}
Bytes agent_config(std::string_view agent_id) {
  return std::move(agent_root(agent_id, "config")).take();
}
Bytes agent_block(std::string_view agent_id, std::string_view label) {
  return std::move(agent_root(agent_id, "block").string(label)).take();
}
KeyRange agent_blocks(std::string_view agent_id) { return below(agent_root(agent_id, "block")); }
Bytes agent_message(std::string_view agent_id, int64_t turn, int64_t index) {
  return std::move(agent_root(agent_id, "message").integer(turn).integer(index)).take();
}
KeyRange agent_messages(std::string_view agent_id) {
  return below(agent_root(agent_id, "message"));
}
Bytes agent_message_order(std::string_view agent_id, int64_t turn, int64_t index) {
  return std::move(agent_root(agent_id, "order").integer(turn).integer(index)).take();
}
KeyRange agent_message_orders(std::string_view agent_id) {
  return below(agent_root(agent_id, "order"));
}
Bytes agent_message_at(std::string_view agent_id, std::string_view message_id) {
  return std::move(agent_root(agent_id, "at").string(message_id)).take();
}
Bytes agent_run(std::string_view agent_id, std::string_view run_id) {
  return std::move(agent_root(agent_id, "run").string(run_id)).take();
}
Bytes agent_queue_entry(std::string_view agent_id, int64_t turn) {
  return std::move(agent_root(agent_id, "queue").integer(turn)).take();
}
KeyRange agent_queue(std::string_view agent_id) { return below(agent_root(agent_id, "queue")); }

Bytes agent_created(int64_t created_micros, std::string_view agent_id) {
  return std::move(root("agents").string("created").integer(created_micros).string(agent_id))
      .take();
}
KeyRange agents_created() { return below(root("agents").string("created")); }
Bytes agent_working(std::string_view agent_id) {
  return std::move(root("agents").string("working").string(agent_id)).take();
}
KeyRange agents_working() { return below(root("agents").string("working")); }
Bytes agent_message_time(std::string_view agent_id, int64_t created_micros, int64_t turn,
                         int64_t index) {
  return std::move(
             agent_root(agent_id, "time").integer(created_micros).integer(turn).integer(index))
      .take();
}
KeyRange agent_message_times(std::string_view agent_id) {
  return below(agent_root(agent_id, "time"));
}
Bytes agent_member(std::string_view agent_id, std::string_view kind, std::string_view id) {
  return std::move(agent_root(agent_id, "member").string(kind).string(id)).take();
}
KeyRange agent_members(std::string_view agent_id) { return below(agent_root(agent_id, "member")); }

Table catalogue(std::string_view kind) {
  return {std::move(root("catalogue").string(kind)).take()};
}
Table agent_sessions(std::string_view agent_id) {
  return {std::move(agent_root(agent_id, "session")).take()};
}
Table agent_archive(std::string_view agent_id) {
  return {std::move(agent_root(agent_id, "archive")).take()};
}
// A tuple after another is the tuple of the elements of both.
Bytes table_record(const Table& table, std::string_view id) {
  return table.root + std::move(TuplePacker().string("record").string(id)).take();
}
Bytes table_time(const Table& table, int64_t micros, std::string_view id) {
  return table.root + std::move(TuplePacker().string("time").integer(micros).string(id)).take();
}
KeyRange table_times(const Table& table) {
  return below_bytes(table.root + std::move(TuplePacker().string("time")).take());
}
Bytes table_name(const Table& table, std::string_view name, std::string_view id) {
  return table.root + std::move(TuplePacker().string("name").string(name).string(id)).take();
}
KeyRange table_names(const Table& table, std::string_view name) {
  return below_bytes(table.root + std::move(TuplePacker().string("name").string(name)).take());
}

}  // namespace kelpie::store::keys
