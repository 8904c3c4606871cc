#include "store/keys.h"

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

Bytes actor_head(const ActorName& actor) {
  return std::move(actor_root(actor).string("head")).take();
}
KeyRange actor(const ActorName& actor) { return below(actor_root(actor)); }
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
