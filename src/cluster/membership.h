// The transactions of a node's life: join, leave, be declared dead. Each moves the node's record by
// legal steps only (S11), and changes the epoch exactly where the old one must fence nobody's
// commits any more but refuse them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "async/task.h"
#include "cluster/fence.h"
#include "cluster/node_record.h"
#include "cluster/watcher.h"
#include "store/database.h"
#include "world/world.h"

namespace kelpie::cluster {

// nullopt: there is none.
Task<std::optional<NodeRecord>> read_node_record(store::Transaction& transaction, std::string node,
                                                 store::Isolation isolation);
Task<std::optional<Epoch>> read_epoch(store::Transaction& transaction, std::string node,
                                      store::Isolation isolation);

// Every node that ever joined, by name; without those whose record is of an unknown format. One
// range read, without a conflict.
Task<std::vector<NodeSeen>> read_nodes(store::Transaction& transaction);

// Adds a join to the transaction: the record becomes Active, the epoch is the commit's
// versionstamp. An incarnation that is still a member has failed by that.
Task<void> write_join(store::Transaction& transaction, std::string node, std::string address,
                      WallTime now);
// Adds to the transaction that the node has failed, if it is a member, and a new epoch.
Task<void> write_fence_off(store::Transaction& transaction, std::string node);

// Fences all that the node owned under this epoch, if that is still its epoch and it is a member.
// May be repeated, above all after `unknown`. Yields whether the epoch fell now: false if it had
// fallen before, or the node has left.
Task<bool> declare_dead(World& world, store::Database& database, std::string node, Epoch expected);

}  // namespace kelpie::cluster
