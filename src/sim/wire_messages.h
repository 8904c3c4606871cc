// Reading messages as the wire has them, for oracles.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sim/history.h"

namespace kelpie::sim {

// A JSON array of messages, or an object with one under "messages". Tool calls and returns that
// share a message come as one each.
Result<std::vector<SeenMessage>> read_messages(std::string_view json);

// The type of the model's error that this answer tells of; empty when it tells of none.
std::string read_model_error(std::string_view json);

// The string member "id" of a JSON object.
Result<std::string> read_id(std::string_view json);

}  // namespace kelpie::sim
