// The steps by which this binary brings older data up to date.
#pragma once

#include <span>

#include "store/schema.h"

namespace kelpie::app {

// From the first schema to this binary's, without a gap; see store::open_schema. A floor that
// changes what it stores makes the step, and this list names it.
std::span<const store::UpgradeStep> upgrade_steps();

}  // namespace kelpie::app
