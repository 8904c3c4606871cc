// The numbers of one loop's actors, for `/metrics`.
#pragma once

#include <cstddef>

#include "actor/runtime.h"
#include "obs/metrics.h"

namespace kelpie::api {

// Brings them up to date. On the runtime's loop; `loop` is its label.
void show_actor_metrics(obs::Metrics& metrics, actor::Runtime& runtime, size_t loop);

}  // namespace kelpie::api
