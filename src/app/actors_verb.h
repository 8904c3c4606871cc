// The verb `actors`.
#pragma once

#include "app/actors_command.h"
#include "app/server_call.h"
#include "base/result.h"

namespace kelpie::app {

// Asks the running server what `actors_request` made of the command, and prints what it says.
// Blocks.
Result<void> run_actors(const ActorsCommand& command, const ActorsRequest& request,
                        const ServerPlace& server);

}  // namespace kelpie::app
