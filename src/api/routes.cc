#include "api/routes.h"

#include <optional>
#include <utility>

#include "agent/ids.h"
#include "api/auth.h"
#include "api/loop_router.h"
#include "api/respond.h"
#include "world/log.h"

namespace kelpie::api {
namespace {

// `/v1/agents//x/` -> {"v1", "agents", "", "x"}: one trailing slash is ignored.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.ends_with('/')) {
    path.remove_suffix(1);
  }
  while (!path.empty()) {
    path.remove_prefix(1);
    const size_t end = std::min(path.find('/'), path.size());
    segments.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return segments;
}

// The decoded parameters when the path fits the pattern.
std::optional<std::vector<std::string>> match(std::string_view pattern,
                                              const std::vector<std::string_view>& path) {
  const std::vector<std::string_view> wanted = segments_of(pattern);
  if (wanted.size() != path.size()) {
    return std::nullopt;
  }
  std::vector<std::string> parameters;
  for (size_t i = 0; i < path.size(); ++i) {
    if (wanted[i] == "{}") {
      parameters.push_back(decode_segment(path[i]));
    } else if (wanted[i] != path[i]) {
      return std::nullopt;
    }
  }
  return parameters;
}

std::string allowed(const std::vector<std::string_view>& methods) {
  std::string text;
  for (std::string_view method : methods) {
    text += (text.empty() ? "" : ", ") + std::string(method);
  }
  return text;
}

}  // namespace

Routes::Routes(World& world, agent::Service& agents, llm::Models& models, obs::Metrics& metrics,
               RoutesOptions options)
    : world_(world),
      agents_(agents),
      models_(models),
      metrics_(metrics),
      options_(std::move(options)),
      rng_(world.rng.fork("api/" + std::to_string(world.rng.next()))) {}

template <auto kRoute>
Task<net::Response> Routes::actors(Call call) {
  if (actors_ == nullptr) {
    co_return detail_response(501, "this server shows no actors");
  }
  co_return co_await (actors_->*kRoute)({std::move(call.parameters), std::move(call.query)});
}

// A fixed path stands before a pattern that it would fit.
const std::vector<Routes::Route>& Routes::table() {
  static const std::vector<Route> kTable = {
      {"GET", "/v1/health", &Routes::health, true},
      {"GET", "/latest/health", &Routes::health, true},
      {"GET", "/v1/ready", &Routes::ready, true},
      {"GET", "/latest/ready", &Routes::ready, true},
      {"GET", "/metrics", &Routes::metrics},
      {"GET", "/v1/kelpie/backup", &Routes::backup},
      {"GET", "/v1/kelpie/actors", &Routes::actors<&ActorRoutes::list>},
      {"GET", "/v1/kelpie/actors/{}/{}/{}", &Routes::actors<&ActorRoutes::show>},
      {"GET", "/v1/kelpie/actors/{}/{}/{}/explain", &Routes::actors<&ActorRoutes::explain>},
      {"POST", "/v1/kelpie/actors/{}/{}/{}/pause", &Routes::actors<&ActorRoutes::pause>},
      {"POST", "/v1/kelpie/actors/{}/{}/{}/resume", &Routes::actors<&ActorRoutes::resume>},
      {"POST", "/v1/kelpie/actors/{}/{}/{}/deactivate", &Routes::actors<&ActorRoutes::deactivate>},
      {"GET", "/v1/kelpie/actors/{}/{}/{}/inbox", &Routes::actors<&ActorRoutes::inbox>},
      {"POST", "/v1/kelpie/actors/{}/{}/{}/inbox/{}/retry", &Routes::actors<&ActorRoutes::retry>},
      {"POST", "/v1/kelpie/actors/{}/{}/{}/inbox/{}/drop", &Routes::actors<&ActorRoutes::drop>},
      {"GET", "/v1/kelpie/actors/{}/{}/{}/reminders", &Routes::actors<&ActorRoutes::reminders>},
      {"GET", "/v1/models", &Routes::list_models},
      {"GET", "/v1/models/embedding", &Routes::list_embedding_models},
      {"POST", "/v1/agents", &Routes::create_agent},
      {"GET", "/v1/agents", &Routes::list_agents},
      {"GET", "/v1/agents/{}", &Routes::get_agent},
      {"PATCH", "/v1/agents/{}", &Routes::update_agent},
      {"DELETE", "/v1/agents/{}", &Routes::delete_agent},
      {"POST", "/v1/agents/{}/recompile", &Routes::recompile_agent},
      {"GET", "/v1/agents/{}/core-memory/blocks", &Routes::list_blocks},
      {"GET", "/v1/agents/{}/core-memory/blocks/{}", &Routes::get_block},
      {"PATCH", "/v1/agents/{}/core-memory/blocks/{}", &Routes::update_block},
      {"GET", "/v1/agents/{}/messages", &Routes::list_messages},
      {"POST", "/v1/agents/{}/messages", &Routes::send_message},
      {"POST", "/v1/agents/{}/messages/stream", &Routes::stream_message},
  };
  return kTable;
}

Routes::Match Routes::find_route(std::string_view method, std::string_view path) {
  const std::vector<std::string_view> segments = segments_of(path);
  // HEAD is GET without the body, which the HTTP server leaves out.
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match found;
  for (const Route& route : table()) {
    auto fits = match(route.pattern, segments);
    if (!fits.has_value()) {
      continue;
    }
    found.methods.push_back(route.method);
    if (route.method == wanted) {
      found.route = &route;
      found.parameters = std::move(*fits);
      break;
    }
  }
  return found;
}

std::optional<net::Response> Routes::admit(const net::RequestHead& head) {
  const Match found = find_route(head.method, head.path);
  // A body is kept in memory until it is whole: only for who may make us do that.
  const bool has_body =
      head.framing.kind != codec::BodyFraming::Kind::kNone &&
      (head.framing.kind != codec::BodyFraming::Kind::kLength || head.framing.length > 0);
  if (found.route != nullptr && found.route->open && !has_body) {
    return std::nullopt;
  }
  if (!authorised(head.headers, options_.api_key)) {
    return detail_response(401, "Unauthorized");
  }
  if (options_.api_key.empty()) {
    const auto refusal = refusal_without_key(head.headers, options_.allowed_hosts);
    if (refusal.has_value()) {
      return detail_response(403, *refusal);
    }
  }
  return std::nullopt;
}

Task<net::Response> Routes::handle(net::Request request) {
  const std::string path = request.path;
  Match chosen = find_route(request.method, path);
  const Route* found = chosen.route;
  if (found == nullptr) {
    if (chosen.methods.empty()) {
      co_return detail_response(404, "Not Found");
    }
    net::Response response = detail_response(405, "Method Not Allowed");
    response.headers.emplace_back("allow", allowed(chosen.methods));
    co_return std::move(response);
  }
  metrics_
      .counter("kelpie_http_requests_total", "Requests by route.",
               {{"method", std::string(found->method)}, {"route", std::string(found->pattern)}})
      .add();
  Call call{std::move(request), {}, std::move(chosen.parameters)};
  call.query = codec::parse_query(call.request.query);
  auto answer = co_await (this->*found->run)(std::move(call)).result();
  if (!answer.ok()) {
    const Code code = answer.error().code;
    if (code == Code::kInternal || code == Code::kDataLoss) {
      world_.log.error("a request failed", {{"path", path}, {"error", answer.error().to_string()}});
    }
    co_return error_response(answer.error());
  }
  co_return std::move(*answer);
}

net::Response Routes::reject(int status, std::string_view reason) {
  return detail_response(status, reason);
}

Result<std::string> Routes::agent_id(const Call& call) const {
  const std::string& id = call.parameters.at(0);
  if (!agent::is_id(id, "agent")) {
    return base::out_of_range("path.agent_id: expected agent-<uuid>, got \"" + id.substr(0, 100) +
                              "\"");
  }
  // Whoever brings an agent's request to another loop would give it two activations.
  if (!agents_.lives_here(id)) {
    return base::internal("a request about " + id + " came to a loop that it does not live on");
  }
  return id;
}

}  // namespace kelpie::api
