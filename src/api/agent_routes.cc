// Routes for agents and their memory blocks.
#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>

#include "api/render.h"
#include "api/respond.h"
#include "api/routes.h"
#include "llm/context_windows.h"

namespace kelpie::api {
namespace {

namespace json = boost::json;

bool has_tags(const agent::Config& config, const std::vector<std::string>& tags, bool all) {
  const auto has = [&](const std::string& tag) {
    return std::ranges::find(config.tags, tag) != config.tags.end();
  };
  return all ? std::ranges::all_of(tags, has) : std::ranges::any_of(tags, has);
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

}  // namespace

Task<int64_t> Routes::context_window(std::string handle) {
  auto models = co_await models_.list().result();
  if (models.ok()) {
    for (const llm::ModelInfo& model : *models) {
      if (model.handle == handle && model.context_window > 0) {
        co_return model.context_window;
      }
    }
  }
  co_return llm::known_context_window(handle.substr(handle.find('/') + 1));
}

Task<net::Response> Routes::create_agent(Call call) {
  agent::NewAgent agent = co_await parse_new_agent(
      call.request.body, rng_, [this](std::string_view id) { return agents_.lives_here(id); });
  if (models_.find(agent.config.model) == nullptr) {
    co_return base::not_found("NOT_FOUND: no provider serves the model handle " +
                              agent.config.model + "; GET /v1/models/ lists what is there");
  }
  if (agent.config.context_window == 0) {
    agent.config.context_window = co_await context_window(agent.config.model);
  }
  agent::AgentView view = co_await agents_.create(std::move(agent));
  co_return json_response(200, render_agent(view));
}

Task<net::Response> Routes::list_agents(Call call) {
  agent::PageRequest page = co_await parse_page(call.query, 50, store::Order::kReverse);
  if (query_text(call.query, "ascending") == "true") {
    page.order = store::Order::kForward;
  }
  // No agent has any of these yet, so asking for one finds nothing.
  for (std::string_view name : {"project_id", "template_id", "base_template_id", "identity_id",
                                "identifier_keys", "last_stop_reason", "created_by_id"}) {
    if (query_text(call.query, name).has_value()) {
      co_return json_response(200, json::array());
    }
  }
  const auto name = query_text(call.query, "name");
  const auto words = query_text(call.query, "query_text");
  const auto tags = query_texts(call.query, "tags");
  const bool all_tags = query_text(call.query, "match_all_tags") == "true";
  agent::AgentFilter filter = [=](const agent::Config& config) {
    return (!name.has_value() || config.name == *name) &&
           (!words.has_value() || lower(config.name).find(lower(*words)) != std::string::npos) &&
           (tags.empty() || has_tags(config, tags, all_tags));
  };
  auto views = co_await agents_.list(std::move(page), std::move(filter));
  json::array list;
  for (const agent::AgentView& view : views) {
    list.push_back(render_agent(view));
  }
  co_return json_response(200, list);
}

Task<net::Response> Routes::get_agent(Call call) {
  const std::string id = co_await agent_id(call);
  agent::AgentView view = co_await agents_.get(id);
  co_return json_response(200, render_agent(view));
}

Task<net::Response> Routes::update_agent(Call call) {
  const std::string id = co_await agent_id(call);
  agent::AgentPatch patch = co_await parse_agent_patch(call.request.body);
  if (patch.model.has_value()) {
    if (models_.find(*patch.model) == nullptr) {
      co_return base::not_found("NOT_FOUND: no provider serves the model handle " + *patch.model +
                                "; GET /v1/models/ lists what is there");
    }
    if (!patch.context_window.has_value()) {
      patch.context_window = co_await context_window(*patch.model);
    }
  }
  agent::AgentView view = co_await agents_.update(id, std::move(patch));
  co_return json_response(200, render_agent(view));
}

Task<net::Response> Routes::delete_agent(Call call) {
  const std::string id = co_await agent_id(call);
  co_await agents_.remove(id);
  co_return json_response(200, json::object{{"message", "Agent id=" + id + " is deleted"}});
}

Task<net::Response> Routes::recompile_agent(Call call) {
  const std::string id = co_await agent_id(call);
  if (query_text(call.query, "dry_run") == "true") {
    co_return base::invalid_argument("query.dry_run is not supported by this server yet");
  }
  co_return json_response(200, boost::json::value(co_await agents_.recompile(id)));
}

Task<net::Response> Routes::list_blocks(Call call) {
  const std::string id = co_await agent_id(call);
  const agent::PageWalk walk =
      agent::walk_of(co_await parse_page(call.query, 100, store::Order::kReverse));
  std::vector<agent::Block> blocks = co_await agents_.blocks(id);
  if (walk.page.order == store::Order::kReverse) {
    std::ranges::reverse(blocks);
  }
  const auto place = [&](const std::string& block_id) {
    return std::ranges::find(blocks, block_id, &agent::Block::id) - blocks.begin();
  };
  const auto count = static_cast<std::ptrdiff_t>(blocks.size());
  // An unknown cursor is at the end: nothing follows it, and nothing stands before it.
  std::ptrdiff_t first = 0;
  std::ptrdiff_t last = count;
  if (walk.page.after.has_value()) {
    first = std::min(place(*walk.page.after) + 1, count);
  }
  if (walk.page.before.has_value()) {
    last = place(*walk.page.before);
    last = last == count ? first : last;
  }
  last = std::min(last, first + static_cast<std::ptrdiff_t>(walk.page.limit));
  json::array list;
  for (std::ptrdiff_t i = first; i < last; ++i) {
    list.push_back(render_block(blocks[static_cast<size_t>(i)]));
  }
  if (walk.turned) {
    std::ranges::reverse(list);
  }
  co_return json_response(200, list);
}

Task<net::Response> Routes::get_block(Call call) {
  const std::string id = co_await agent_id(call);
  agent::Block block = co_await agents_.block(id, call.parameters.at(1));
  co_return json_response(200, render_block(block));
}

Task<net::Response> Routes::update_block(Call call) {
  const std::string id = co_await agent_id(call);
  agent::BlockPatch patch = co_await parse_block_patch(call.request.body);
  agent::Block block = co_await agents_.update_block(id, call.parameters.at(1), std::move(patch));
  co_return json_response(200, render_block(block));
}

}  // namespace kelpie::api
