#include "store/keys.h"

#include <utility>

#include "codec/tuple.h"

namespace kelpie::store::keys {
namespace {

using codec::TuplePacker;

TuplePacker root(std::string_view first) {
  TuplePacker packer;
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

// Every key of which `packer` is the proper beginning. A tuple's elements start with bytes below
// 0xff.
KeyRange below(TuplePacker packer) {
  const Bytes prefix = std::move(packer).take();
  return KeyRange{prefix + '\x00', prefix + '\xff'};
}

}  // namespace

Bytes schema_version() { return std::move(root("cluster").string("version")).take(); }

Bytes node(std::string_view node) {
  return std::move(root("registry").string("nodes").string(node)).take();
}
Bytes epoch(std::string_view node) {
  return std::move(root("registry").string("epochs").string(node)).take();
}
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

}  // namespace kelpie::store::keys
