#include "cluster/fence.h"

#include <optional>

#include "world/faults.h"

namespace kelpie::cluster {

Task<void> Fence::guard(store::Transaction& transaction) const {
  if (mutant("M1")) {
    co_return kOk;
  }
  std::optional<Bytes> epoch = co_await transaction.get(key_);
  const bool ours = epoch.has_value() && *epoch == epoch_.get();
  if (!ours && !mutant("M2")) {
    co_return base::failed_precondition("node " + node_.get() +
                                        " lost its fence: its epoch was replaced");
  }
  co_return kOk;
}

bool Fence::mutant(std::string_view name) const {
  return faults_ != nullptr && faults_->mutant(name);
}

}  // namespace kelpie::cluster
