// What an operator, or a watcher that is wrong, does to a node: declares it dead, whether it lives
// or not.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "async/task.h"
#include "store/fdb/fdb_database.h"
#include "world/world.h"

namespace kelpie::sim {

// Of the node's present epoch. `done` is called on that world's loop: whether it is certain.
Task<void> declare_dead_blindly(World& world, std::shared_ptr<store::FdbConnection> connection,
                                std::string node, std::function<void(bool)> done);

}  // namespace kelpie::sim
