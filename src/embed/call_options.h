// The public call options as the runtime's.
#pragma once

#include "actor/call.h"
#include "base/result.h"
#include "base/time.h"
#include "kelpie/types.h"

namespace kelpie::detail {

// invalid_argument for a deadline that is not after `now`.
Result<actor::CallOptions> call_options(const CallOptions& options, Instant now);

}  // namespace kelpie::detail
