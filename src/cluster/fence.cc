#include "cluster/fence.h"

#include <optional>

#include "store/keys.h"

namespace kelpie::cluster {

Task<void> Fence::guard(store::Transaction& transaction) const {
  std::optional<Bytes> epoch = co_await transaction.get(store::keys::epoch(node_.get()));
  if (!epoch.has_value() || *epoch != epoch_.get()) {
    co_return base::failed_precondition("node " + node_.get() +
                                        " lost its fence: its epoch was replaced");
  }
  co_return kOk;
}

}  // namespace kelpie::cluster
