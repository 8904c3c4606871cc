#include "app/upgrades.h"

namespace kelpie::app {

// All releases so far write the first schema.
std::span<const store::UpgradeStep> upgrade_steps() { return {}; }

}  // namespace kelpie::app
