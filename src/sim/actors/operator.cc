#include "sim/actors/operator.h"

#include <optional>
#include <utility>

#include "cluster/membership.h"

namespace kelpie::sim {

Task<void> declare_dead_blindly(World& world, std::shared_ptr<store::FdbConnection> connection,
                                std::string node, std::function<void(bool)> done) {
  store::FdbDatabase database(world.loop, std::move(connection));
  auto transaction = database.begin();
  const auto epoch =
      co_await cluster::read_epoch(*transaction, node, store::Isolation::kSnapshot).result();
  bool certain = epoch.ok();
  if (epoch.ok() && *epoch) {
    certain = (co_await cluster::declare_dead(world, database, node, **epoch).result()).ok();
  }
  done(certain);
  co_return kOk;
}

}  // namespace kelpie::sim
