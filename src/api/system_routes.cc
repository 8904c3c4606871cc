// Routes that are about the server and not about one agent.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <utility>

#include "api/render.h"
#include "api/respond.h"
#include "api/routes.h"

namespace kelpie::api {

namespace json = boost::json;

Task<net::Response> Routes::health(Call) {
  co_return json_response(200, json::object{{"version", kApiVersion},
                                            {"status", "ok"},
                                            {"kelpie_version", options_.kelpie_version}});
}

Task<net::Response> Routes::ready(Call) {
  co_return json_response(ready_ ? 200 : 503,
                          json::object{{"version", kApiVersion},
                                       {"status", ready_ ? "ok" : "draining"},
                                       {"kelpie_version", options_.kelpie_version}});
}

Task<net::Response> Routes::metrics(Call) {
  if (refresh_) {
    refresh_();
  }
  net::Response response;
  response.headers.emplace_back("content-type", std::string(obs::kPrometheusContentType));
  response.body = metrics_.render();
  co_return std::move(response);
}

Task<net::Response> Routes::list_models(Call call) {
  const auto provider = query_text(call.query, "provider_name");
  std::vector<llm::ModelInfo> models = co_await models_.list();
  json::array list;
  for (const llm::ModelInfo& model : models) {
    if (!provider.has_value() || *provider == model.provider) {
      list.push_back(render_model(model));
    }
  }
  co_return json_response(200, list);
}

// There is no embedding yet, so there is no model for it.
Task<net::Response> Routes::list_embedding_models(Call) {
  co_return json_response(200, json::array());
}

}  // namespace kelpie::api
