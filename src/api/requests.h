// From the JSON of a request to what the agent floor takes. Pure. Errors: `out_of_range` for a body
// that fails validation (422), `invalid_argument` for one that asks for what cannot be done (400).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/agent_actor.h"
#include "agent/records.h"
#include "base/result.h"
#include "codec/url.h"
#include "world/rng.h"

namespace kelpie::api {

// Ids come from `rng`; the agent's is none of which `lives_here` says no. The model's context
// window is 0 when the body does not say.
Result<agent::NewAgent> parse_new_agent(
    std::string_view body, world::Rng& rng,
    const std::function<bool(std::string_view)>& lives_here = nullptr);
Result<agent::AgentPatch> parse_agent_patch(std::string_view body);
Result<agent::BlockPatch> parse_block_patch(std::string_view body);

struct SendRequest {
  agent::Run run;
  bool streaming = false;
  bool stream_tokens = false;
  bool include_pings = true;
  // Message types to return; empty returns all.
  std::vector<std::string> return_types;
};
Result<SendRequest> parse_send(std::string_view body, world::Rng& rng);
// Of the bytes that the run's input takes in the store.
size_t stored_input_bytes(const agent::Run& run);

// Cursor, limit and order of a list.
Result<agent::PageRequest> parse_page(const codec::QueryParameters& query, size_t default_limit,
                                      store::Order default_order);
// The last value of a parameter that was given and is not empty.
std::optional<std::string> query_text(const codec::QueryParameters& query, std::string_view name);
std::vector<std::string> query_texts(const codec::QueryParameters& query, std::string_view name);

// The id that a built-in tool has on the wire: the same everywhere.
std::string builtin_tool_id(std::string_view name);

}  // namespace kelpie::api
