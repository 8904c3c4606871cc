// The server process: the list of its parts, and how it starts and ends.
#pragma once

#include <string>

#include "app/config.h"
#include "base/result.h"

namespace kelpie::app {

// Runs until SIGTERM or SIGINT, then lets requests in flight end within the drain timeout. Prints
// on standard output where the data is and, last, a line `ready on http://…`. Blocks. An error is
// why it could not start, or could not go on.
Result<void> run_serve(const ServeConfig& config, const std::string& version);

// Serves the built-in model as an OpenAI-compatible API until SIGTERM or SIGINT.
Result<void> run_offline_model(const std::string& listen, const std::string& version);

}  // namespace kelpie::app
