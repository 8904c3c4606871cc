#include "app/upgrades.h"

#include <array>

#include "agent/upgrades.h"

namespace kelpie::app {
namespace {

constexpr std::array kSteps = {
    store::UpgradeStep{.from = 1,
                       .to = 2,
                       .name = "index messages by time",
                       .batch = agent::index_messages_by_time},
};

}  // namespace

std::span<const store::UpgradeStep> upgrade_steps() { return kSteps; }

}  // namespace kelpie::app
