// From the agent floor's records to the JSON of responses. Pure.
#pragma once

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/records.h"
#include "agent/run_watch.h"
#include "agent/service.h"
#include "llm/model.h"

namespace kelpie::api {

boost::json::object render_agent(const agent::AgentView& view);
boost::json::object render_block(const agent::Block& block);
boost::json::object render_model(const llm::ModelInfo& model);

// The wire's messages of one stored message, in order: reasoning, text, tool calls share its id.
// `types` selects by message_type; empty selects all.
void render_message(const agent::Message& message, const std::vector<std::string>& types,
                    boost::json::array& out);

// The members that every message on the wire has.
boost::json::object message_frame(std::string_view type, std::string_view message_id,
                                  int64_t created_micros, size_t part);

boost::json::object render_stop_reason(std::string_view stop_reason);
boost::json::object render_usage(const agent::Run& run);

}  // namespace kelpie::api
